//! Clients and services are upgraded one at a time, so each side meets messages of a later version than its own: fields
//! that it does not know are left out of account, and values that it does not know are refused where they stand.

use std::net::SocketAddr;

use bytes::Bytes;
use clap::Parser as _;
use futures::stream;
use grpc_server::Shutdown;
use harness::{Refusal, RunningProduct, build};
use http::{HeaderMap, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use proto::auth::v1::RegisterResponse;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{Adjustment, Invoice, ListInvoicesRequest, adjustment};
use tokio::net::TcpListener;
use tonic::Code;

use crate::wire::{Call, Native, frame, framed, send_web};

const CREATE_INVOICE: &str = "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice";
const GET_INVOICE: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";
const REGISTER: &str = "/invoiceapp.auth.v1.AuthService/Register";
/// A value of an enum that a later version may have.
const LATER_VALUE: i32 = 99;

/// Fields 1000 to 1004 in every wire type, as a later version may send them: varint, 64 bits, bytes, a group that
/// holds a field, 32 bits.
fn later_fields() -> Vec<u8> {
    let tag = |field: u32, wire_type: u32| {
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(u64::from(field << 3 | wire_type), &mut bytes);
        bytes
    };
    [
        tag(1000, 0),
        vec![0xac, 0x02],
        tag(1001, 1),
        vec![0xff; 8],
        tag(1002, 2),
        b"\x05later".to_vec(),
        tag(1003, 3),
        tag(1, 0),
        vec![7],
        tag(1003, 4),
        tag(1004, 5),
        vec![0xff; 4],
    ]
    .concat()
}

/// A length-delimited field.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::bytes::encode(number, &content.to_vec(), &mut bytes);
    bytes
}

/// CreateInvoiceRequest as a later client sends it: with fields of its own in the request, the invoice and a line.
fn later_create_request() -> Vec<u8> {
    const INVOICE: u32 = 1;
    const LINES: u32 = 16;
    let mut invoice = build::invoice();
    let line = invoice.lines.remove(0);
    let line = [line.encode_to_vec(), later_fields()].concat();
    let invoice = [later_fields(), invoice.encode_to_vec(), field(LINES, &line)].concat();
    [field(INVOICE, &invoice), later_fields()].concat()
}

fn call<'a>(path: &'a str, access_token: Option<&'a str>) -> Call<'a> {
    Call {
        path,
        access_token,
        headers: Vec::new(),
    }
}

#[tokio::test]
async fn fields_of_a_later_version_change_nothing_at_any_door() {
    let product = RunningProduct::start().await;
    let ann = product.person().await;
    let addresses = product.addresses();
    let create = call(CREATE_INVOICE, Some(ann.access_token()));
    let body = || frame(0, &later_create_request());
    let direct = Native::connect(addresses.invoice)
        .await
        .send(&create, body())
        .await;
    let native = Native::connect(addresses.gateway)
        .await
        .send(&create, body())
        .await;
    let web = send_web(addresses.gateway, &create, body()).await;
    for answer in [direct, native, web] {
        let created: Invoice = answer.ok();
        assert_eq!(created.totals.unwrap().gross_minor, 23_800);
        assert_eq!(created.lines[0].description, "Design");
    }

    let register = [build::registration().encode_to_vec(), later_fields()].concat();
    let answer = send_web(addresses.gateway, &call(REGISTER, None), frame(0, &register)).await;
    let registered: RegisterResponse = answer.ok();
    assert!(registered.user.is_some() && registered.tokens.is_some());
    product.stop().await;
}

#[tokio::test]
async fn a_value_of_a_later_version_is_refused_where_it_stands() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut invoice = build::invoice();
    invoice.lines[0].tax_category = LATER_VALUE;
    invoice.adjustments = vec![Adjustment {
        kind: LATER_VALUE,
        value: Some(adjustment::Value::AmountMinor(100)),
        reason: "Loyalty".to_owned(),
        ..Adjustment::default()
    }];
    let refused = ann.invoices.create_invoice(build::create(invoice)).await;
    let expected = [
        "invoice.adjustments[0].kind ENUM_UNKNOWN",
        "invoice.lines[0].tax_category ENUM_UNKNOWN",
    ];
    assert_eq!(Refusal::in_result(refused), Refusal::fields(&expected));

    let filter = Filter {
        states: vec![LATER_VALUE],
        r#type: LATER_VALUE,
        ..Filter::default()
    };
    let list = ListInvoicesRequest {
        filter: Some(filter),
        order_by: LATER_VALUE,
        ..ListInvoicesRequest::default()
    };
    let refused = ann.invoices.list_invoices(list).await;
    let expected = [
        "order_by ENUM_UNKNOWN",
        "filter.states[0] ENUM_UNKNOWN",
        "filter.type ENUM_UNKNOWN",
    ];
    assert_eq!(Refusal::in_result(refused), Refusal::fields(&expected));

    // What is only sent to clients may come back to us as they read it.
    let read = Invoice {
        state: LATER_VALUE,
        payment_state: LATER_VALUE,
        ..build::invoice()
    };
    ann.invoices.create_invoice(build::create(read)).await.unwrap();
    product.stop().await;
}

/// Answers every call with the same message, as a service of a later version would.
async fn later_service(message: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let message = message.clone();
            let answer = service_fn(move |_request: http::Request<Incoming>| {
                let body = Bytes::from(frame(0, &message));
                async move { Ok::<_, std::convert::Infallible>(answer(body)) }
            });
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(socket), answer));
        }
    });
    address
}

type Frames = stream::Iter<std::array::IntoIter<Result<Frame<Bytes>, std::convert::Infallible>, 2>>;

fn answer(body: Bytes) -> Response<StreamBody<Frames>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(body)), Ok(Frame::trailers(trailers))];
    Response::builder()
        .header("content-type", "application/grpc")
        .body(StreamBody::new(stream::iter(frames)))
        .unwrap()
}

#[tokio::test]
async fn an_answer_of_a_later_service_passes_the_gateway_to_the_byte_and_older_clients_read_it() {
    let later = Invoice {
        id: "inv_1".to_owned(),
        state: LATER_VALUE,
        ..build::invoice()
    };
    let message = [later_fields(), later.encode_to_vec(), later_fields()].concat();
    let service = later_service(message.clone()).await;
    let url = format!("http://{service}");
    let flags = [
        "gateway",
        "--gateway-listen=127.0.0.1:0",
        "--auth-url",
        &url,
        "--invoice-url",
        &url,
    ];
    let gateway = gateway::App::build(gateway::Config::parse_from(flags))
        .await
        .unwrap();
    let address = gateway.local_addr();
    tokio::spawn(gateway.run(Shutdown::manual()));

    let get = call(GET_INVOICE, None);
    let body = || framed(&proto::invoice::v1::GetInvoiceRequest::default());
    let native = Native::connect(address).await.send(&get, body()).await;
    let web = send_web(address, &get, body()).await;
    for answer in [native, web] {
        assert_eq!(answer.status.code(), Code::Ok);
        assert_eq!(answer.message, message);
        let read: Invoice = answer.ok();
        assert_eq!((read.id.as_str(), read.state), ("inv_1", LATER_VALUE));
    }
}
