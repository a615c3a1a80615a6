use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use grpc_server::DrainPace;
use http::{HeaderMap, Response};
use rpc_error::{Details, reason};
use tonic::Code;

use crate::fixture::{ECHO, Gateway, nowhere, watch};
use crate::upstream::Upstream;
use crate::web_client::{Call, message, read};

#[tokio::test]
async fn a_dead_service_is_unavailable_in_a_way_that_pages_can_read() {
    let gone = nowhere().await;
    let gateway = Gateway::at(&gone, &gone).await;
    for call in [Call::new(ECHO, "x"), Call::new(ECHO, "x").in_text()] {
        let begun = Instant::now();
        let answer = call.send(&gateway).await;
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(answer.status.code(), Code::Unavailable);
        assert_eq!(answer.details().reason(), reason::BACKEND_UNAVAILABLE);
        assert!(answer.details().retry_delay().is_some());
        assert!(answer.is_readable());
        assert!(!answer.status.message().contains("127.0.0.1"));
    }
    let status = gateway
        .unary(ECHO, tonic::Request::new(String::new()))
        .await
        .unwrap_err();
    assert_eq!(Details::of(&status).reason(), reason::BACKEND_UNAVAILABLE);
}

#[tokio::test]
async fn a_service_that_breaks_off_in_a_stream_ends_it_with_a_status() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let mut native = watch(gateway.channel().await).await.unwrap();
    native.message().await.unwrap().unwrap();
    let web = Call::new(crate::fixture::WATCH, "")
        .open(&gateway)
        .await
        .into_body();
    upstream.shutdown.abort();
    let status = native.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(Details::of(&status).reason(), reason::BACKEND_UNAVAILABLE);
    let body = http_body_util::BodyExt::collect(web).await.unwrap().to_bytes();
    assert_eq!(read(&body).1.unwrap()["grpc-status"], "14");
}

#[tokio::test]
async fn a_response_without_a_status_at_its_end_gets_one() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let path = "/invoiceapp.invoice.v1.InvoiceService/NoTrailers";
    let answer = Call::new(path, "x").send(&gateway).await;
    assert_eq!(answer.text, "x");
    assert_eq!(answer.details().reason(), reason::BACKEND_UNAVAILABLE);
}

#[tokio::test]
async fn something_that_is_no_grpc_server_is_unavailable() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let path = "/invoiceapp.invoice.v1.InvoiceService/NotGrpc";
    let answer = Call::new(path, "x").send(&gateway).await;
    assert_eq!(answer.details().reason(), reason::BACKEND_UNAVAILABLE);
}

#[tokio::test]
async fn a_stream_through_the_gateway_ends_with_unavailable_when_the_gateway_goes_down() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let mut stream = watch(gateway.channel().await).await.unwrap();
    stream.message().await.unwrap().unwrap();
    gateway.shutdown.begin(DrainPace::INTERACTIVE);
    let status = stream.message().await.unwrap_err();
    assert_eq!(Details::of(&status).reason(), reason::SHUTTING_DOWN);
}

/// An HTTP/2 server that answers its first call with RST_STREAM `first`, and every other one with a message.
/// Returns its address and the number of calls it has got.
async fn that_resets_once(first: h2::Reason) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    if request.uri().path() != ECHO {
                        respond.send_reset(h2::Reason::CANCEL);
                    } else if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                        respond.send_reset(first);
                    } else {
                        let response = Response::builder().header("content-type", "application/grpc");
                        let mut body = respond.send_response(response.body(()).unwrap(), false).unwrap();
                        body.send_data(Bytes::from(message("second try")), false).unwrap();
                        let mut trailers = HeaderMap::new();
                        trailers.insert("grpc-status", "0".parse().unwrap());
                        body.send_trailers(trailers).unwrap();
                    }
                }
            });
        }
    });
    (url, calls)
}

#[tokio::test]
async fn a_call_that_was_refused_before_it_began_is_sent_once_more() {
    let (url, calls) = that_resets_once(h2::Reason::REFUSED_STREAM).await;
    let gateway = Gateway::at(&url, &url).await;
    let answer = Call::new(ECHO, "x").send(&gateway).await;
    assert_eq!(answer.text, "second try");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_that_may_have_been_processed_is_never_sent_again() {
    let (url, calls) = that_resets_once(h2::Reason::INTERNAL_ERROR).await;
    let gateway = Gateway::at(&url, &url).await;
    let answer = Call::new(ECHO, "x").send(&gateway).await;
    assert_eq!(answer.status.code(), Code::Unavailable);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
