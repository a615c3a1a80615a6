//! WatchInvoices as a page reads it: gRPC-Web over HTTP/1.1, message by message, through the gateway.

use std::time::Duration;

use bytes::BytesMut;
use harness::{Refusal, RunningProduct, build};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message as _;
use proto::auth::v1::LogoutRequest;
use proto::invoice::v1::watch_invoices_response::Event;
use proto::invoice::v1::{Invoice, WatchInvoicesRequest, WatchInvoicesResponse};
use tonic::{Code, Status};

use crate::wire::{framed, trailers_of};

const PREFIX: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

struct Page {
    body: Incoming,
    read: BytesMut,
}

impl Page {
    async fn open(product: &RunningProduct, token: &str) -> Self {
        let url = format!(
            "http://{}/invoiceapp.invoice.v1.InvoiceService/WatchInvoices",
            product.addresses().gateway
        );
        let request = Request::post(url)
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .header("authorization", format!("Bearer {token}"));
        let message = framed(&WatchInvoicesRequest::default());
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
        let response = client
            .request(request.body(Full::new(message.into())).unwrap())
            .await
            .unwrap();
        Self {
            body: response.into_body(),
            read: BytesMut::new(),
        }
    }

    /// The next event that is no heartbeat, or how the stream ends.
    async fn next(&mut self) -> Result<Event, Status> {
        loop {
            if let Some((flag, frame)) = self.frame() {
                if flag & 0x80 != 0 {
                    let trailers: HeaderMap = trailers_of(&frame);
                    return Err(Status::from_header_map(&trailers).unwrap());
                }
                let message = WatchInvoicesResponse::decode(frame).unwrap();
                let event = message.event.unwrap();
                if !matches!(event, Event::Heartbeat(_)) {
                    return Ok(event);
                }
            } else {
                let read = tokio::time::timeout(PATIENCE, self.body.frame()).await;
                let read = read.unwrap().unwrap().unwrap();
                self.read.extend_from_slice(&read.into_data().unwrap());
            }
        }
    }

    fn frame(&mut self) -> Option<(u8, bytes::Bytes)> {
        let [flag, length @ ..]: [u8; PREFIX] = self.read.get(..PREFIX)?.try_into().unwrap();
        let end = PREFIX + usize::try_from(u32::from_be_bytes(length)).unwrap();
        (self.read.len() >= end).then(|| (flag, self.read.split_to(end).freeze().slice(PREFIX..)))
    }

    async fn changed(&mut self) -> Invoice {
        let event = self.next().await.unwrap();
        let Event::Changed(changed) = event else {
            panic!("{event:?}")
        };
        changed.invoice.unwrap()
    }
}

#[tokio::test]
async fn a_page_follows_invoices_as_they_change_until_its_session_ends() {
    let product = RunningProduct::start().await;
    let mut ann = product.person_at_the_gateway().await;
    let first = ann.invoices.create_invoice(build::create(build::invoice())).await;
    let first = first.unwrap().into_inner();
    let mut page = Page::open(&product, ann.access_token()).await;
    assert_eq!(page.changed().await, first);
    assert!(matches!(page.next().await, Ok(Event::SnapshotEnd(_))));
    for _ in 0..3 {
        let new = ann.invoices.create_invoice(build::create(build::invoice())).await;
        assert_eq!(page.changed().await, new.unwrap().into_inner());
    }
    ann.auth.logout(LogoutRequest::default()).await.unwrap();
    let end = Refusal::of(&page.next().await.unwrap_err());
    assert_eq!(end, Refusal::new(Code::Unauthenticated, "TOKEN_REVOKED"));
    product.stop().await;
}
