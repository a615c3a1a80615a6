//! Frames that no client sends, at every door: each gets its own answer, changes nothing, and the server goes on.

use std::net::SocketAddr;

use harness::{Person, Refusal, RunningProduct, build};
use proto::auth::v1::{LoginRequest, LoginResponse};
use proto::invoice::v1::{Invoice, ListInvoicesRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::wire::{Answer, Call, Native, declared, frame, framed, send_web};

const CREATE_INVOICE: &str = "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice";
const LOGIN: &str = "/invoiceapp.auth.v1.AuthService/Login";
/// The largest request of invoice-service, and of the gateway.
const INVOICE_LIMIT: usize = 256 * 1024;
/// The largest request of auth-service.
const SIGN_IN_LIMIT: usize = 4 * 1024;

/// A body and what must come of it.
struct Case {
    name: &'static str,
    body: Vec<u8>,
    headers: Vec<(&'static str, &'static str)>,
    refusal: Refusal,
}

fn malformed(name: &'static str, body: impl Into<Vec<u8>>) -> Case {
    Case {
        name,
        body: body.into(),
        headers: Vec::new(),
        refusal: Refusal::new(Code::InvalidArgument, "MESSAGE_MALFORMED"),
    }
}

fn too_large(name: &'static str, body: Vec<u8>) -> Case {
    Case {
        refusal: Refusal::new(Code::InvalidArgument, "MESSAGE_TOO_LARGE"),
        ..malformed(name, body)
    }
}

fn compressed(name: &'static str, headers: Vec<(&'static str, &'static str)>, body: Vec<u8>) -> Case {
    Case {
        headers,
        refusal: Refusal::new(Code::Unimplemented, "ENCODING_UNSUPPORTED"),
        ..malformed(name, body)
    }
}

/// Everything that can be wrong with the frame of a request, made of one that is right.
fn cases(valid: &[u8], limit: usize) -> Vec<Case> {
    let message = &valid[5..];
    // Tag of field 1000 as the beginning of a group, two hundred times: deeper than a decoder should follow.
    let groups = [0xc3, 0x3e].repeat(200);
    vec![
        malformed("no body", []),
        malformed("half a prefix", &valid[..3]),
        malformed("a prefix alone", &valid[..5]),
        malformed("half a message", &valid[..valid.len() / 2]),
        malformed("all but the last byte", &valid[..valid.len() - 1]),
        malformed("said to be compressed, by the flag alone", frame(1, message)),
        malformed("an unknown flag", frame(2, message)),
        malformed("every bit of the flag", frame(0xff, message)),
        malformed("not protobuf", frame(0, &[0xff; 40])),
        malformed("a field of another wire type", frame(0, &[0x08, 0x01])),
        malformed("a string that is not UTF-8", frame(0, &[0x12, 0x02, 0xc3, 0x28])),
        malformed("groups two hundred deep", frame(0, &groups)),
        malformed("as much rubbish as is read", frame(0, &vec![0xff; limit])),
        malformed("a message and half a prefix", [valid, &valid[..3]].concat()),
        malformed(
            "a message and half of another",
            [valid, &valid[..valid.len() / 2]].concat(),
        ),
        too_large("the largest length there is", vec![0, 0xff, 0xff, 0xff, 0xff]),
        too_large("a byte too many, declared", declared(0, limit + 1, message)),
        too_large("a byte too many, sent", frame(0, &vec![0; limit + 1])),
        too_large("ten megabytes", frame(0, &vec![b'x'; 10 << 20])),
        compressed("gzip", vec![("grpc-encoding", "gzip")], frame(1, message)),
        compressed(
            "an unknown encoding",
            vec![("grpc-encoding", "x")],
            valid.to_vec(),
        ),
    ]
}

/// Sends every case with `send`, and after each one a request that is right.
async fn each_is_refused<S>(call: Call<'_>, valid: &[u8], limit: usize, send: S)
where
    S: AsyncFn(&Call<'_>, Vec<u8>) -> Answer,
{
    let mut wrong = Vec::new();
    for case in cases(valid, limit) {
        let spoiled = Call {
            headers: case.headers,
            ..call.clone()
        };
        let answer = send(&spoiled, case.body).await;
        if answer.status.code() == Code::Ok || Refusal::of(&answer.status) != case.refusal {
            wrong.push((case.name, answer.status));
        }
        let alive = send(&call, valid.to_vec()).await;
        assert_eq!(alive.status.code(), Code::Ok, "after {}: {alive:?}", case.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn sign_in_is_refused(person: &Person, send: impl AsyncFn(&Call<'_>, Vec<u8>) -> Answer) {
    let call = Call {
        path: LOGIN,
        access_token: None,
        headers: Vec::new(),
    };
    let valid = framed(&LoginRequest {
        email: person.registered.user.clone().unwrap().email,
        password: person.password.clone(),
        client_label: String::new(),
        device_token: String::new(),
    });
    let signed_in: LoginResponse = send(&call, valid.clone()).await.ok();
    assert_eq!(signed_in.user, person.registered.user);
    each_is_refused(call, &valid, SIGN_IN_LIMIT, send).await;
}

/// Every case at CreateInvoice; the drafts that exist at the end are those that were answered OK.
async fn creation_is_refused(person: &mut Person, send: impl AsyncFn(&Call<'_>, Vec<u8>) -> Answer) {
    let token = person.access_token().to_owned();
    let call = Call {
        path: CREATE_INVOICE,
        access_token: Some(&token),
        headers: Vec::new(),
    };
    let mut request = build::create(build::invoice());
    request.request_id.clear();
    let valid = framed(&request);
    let created: Invoice = send(&call, valid.clone()).await.ok();
    assert_eq!(created.totals.unwrap().gross_minor, 23_800);
    each_is_refused(call, &valid, INVOICE_LIMIT, send).await;
    let everything = ListInvoicesRequest {
        page_size: 200,
        ..ListInvoicesRequest::default()
    };
    let listed = person
        .invoices
        .list_invoices(everything)
        .await
        .unwrap()
        .into_inner();
    let answered_ok = 1 + cases(&valid, INVOICE_LIMIT).len();
    assert_eq!(
        listed.invoices.len(),
        answered_ok,
        "a refused frame has left a draft"
    );
}

#[tokio::test]
async fn auth_service_refuses_every_spoiled_frame_and_goes_on() {
    let product = RunningProduct::start().await;
    let ann = product.person().await;
    let connection = Native::connect(product.addresses().auth).await;
    sign_in_is_refused(&ann, async |call, body| connection.send(call, body).await).await;
}

#[tokio::test]
async fn invoice_service_refuses_every_spoiled_frame_and_goes_on() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let connection = Native::connect(product.addresses().invoice).await;
    creation_is_refused(&mut ann, async |call, body| connection.send(call, body).await).await;
}

#[tokio::test]
async fn the_gateway_refuses_every_spoiled_frame_of_native_grpc_and_goes_on() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let connection = Native::connect(product.addresses().gateway).await;
    let send = async |call: &Call<'_>, body| connection.send(call, body).await;
    sign_in_is_refused(&ann, send).await;
    creation_is_refused(&mut ann, send).await;
}

#[tokio::test]
async fn the_gateway_refuses_every_spoiled_frame_of_grpc_web_over_http1_and_goes_on() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let gateway = product.addresses().gateway;
    let send = async |call: &Call<'_>, body| send_web(gateway, call, body).await;
    sign_in_is_refused(&ann, send).await;
    creation_is_refused(&mut ann, send).await;
}

/// Strictly that is no unary call, but tonic answers the first message and drops the rest.
#[tokio::test]
async fn two_messages_in_a_unary_call_are_refused_and_neither_has_an_effect() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    for address in [addresses.invoice, addresses.gateway] {
        let mut ann = product.person().await;
        let token = ann.access_token().to_owned();
        let call = Call {
            path: CREATE_INVOICE,
            access_token: Some(&token),
            headers: Vec::new(),
        };
        let both = ["first", "second"].map(|note| {
            let mut invoice = build::invoice();
            note.clone_into(&mut invoice.note);
            framed(&build::create(invoice))
        });
        let connection = Native::connect(address).await;
        let answer = connection.send(&call, both.concat()).await;
        let refusal = Refusal::of(&answer.status);
        assert_eq!(refusal, Refusal::new(Code::InvalidArgument, "MESSAGE_MALFORMED"));
        let listed = ann.invoices.list_invoices(ListInvoicesRequest::default()).await;
        let listed = listed.unwrap().into_inner().invoices;
        assert!(listed.is_empty(), "{listed:?}");
    }
}

/// The whole answer of `address` to a client that says it sends 1,000 bytes, sends half a frame, and hangs up.
async fn hang_up(address: SocketAddr, token: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {CREATE_INVOICE} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/grpc-web+proto\r\n\
         x-grpc-web: 1\r\nauthorization: Bearer {token}\r\ncontent-length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&declared(0, 995, b"half")).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A reset is an answer too: the client is gone.
    let _read = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_its_request_leaves_nothing_behind() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let token = ann.access_token().to_owned();
    for _ in 0..20 {
        let answer = hang_up(product.addresses().gateway, &token).await;
        assert!(!answer.contains("grpc-status: 0"), "{answer}");
        assert!(!answer.contains("grpc-status:0"), "{answer}");
    }
    let created = ann.invoices.create_invoice(build::create(build::invoice())).await;
    created.unwrap();
    let listed = ann.invoices.list_invoices(ListInvoicesRequest::default()).await;
    assert_eq!(listed.unwrap().into_inner().invoices.len(), 1);
}
