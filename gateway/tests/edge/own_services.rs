use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_stream::StreamExt as _;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::fixture::{Gateway, nowhere};
use crate::upstream::Upstream;
use crate::web_client::Call;

async fn get(gateway: &Gateway, path: &str) -> (http::response::Parts, String) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{}{path}", gateway.addr));
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (parts, String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn the_token_keys_are_published_as_json_and_asked_for_once() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    for _ in 0..3 {
        let (parts, body) = get(&gateway, "/.well-known/jwks.json").await;
        assert_eq!(parts.status, 200);
        let cached = parts.headers["cache-control"].to_str().unwrap();
        let seconds = cached.strip_prefix("public, max-age=").unwrap();
        assert!((50..=60).contains(&seconds.parse::<u32>().unwrap()), "{cached}");
        assert_eq!(parts.headers["content-type"], "application/jwk-set+json");
        let keys: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(keys["keys"][0]["kid"], "key-1");
    }
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test]
async fn without_auth_service_the_token_keys_are_unavailable_in_json() {
    let gone = nowhere().await;
    let gateway = Gateway::at(&gone, &gone).await;
    let (parts, body) = get(&gateway, "/.well-known/jwks.json").await;
    assert_eq!(parts.status, 503);
    assert_eq!(parts.headers["cache-control"], "no-store");
    let error: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(error["error"].as_str().unwrap().contains("auth-service"));
    assert!(!body.contains("127.0.0.1"));
}

#[tokio::test]
async fn a_person_with_a_browser_learns_what_this_is() {
    let gateway = Gateway::at(&nowhere().await, &nowhere().await).await;
    let (parts, body) = get(&gateway, "/").await;
    assert_eq!(parts.status, 200);
    assert!(body.contains("invoice-app") && body.contains("grpcurl") && body.contains("No console"));
    assert_eq!(get(&gateway, "/healthz").await.0.status, 200);
    let (parts, _) = get(&gateway, "/anything/else").await;
    assert_eq!(parts.status, 405);
    assert_eq!(parts.headers["allow"], "POST, OPTIONS");
}

/// Waits until the gateway reports `wanted` for `service`.
async fn reports(gateway: &Gateway, service: &str, wanted: ServingStatus) {
    let mut client = HealthClient::new(gateway.channel().await);
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut statuses = client.watch(request).await.unwrap().into_inner();
    let seen = async {
        while let Some(status) = statuses.next().await {
            if status.unwrap().status() == wanted {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(Duration::from_secs(10), seen)
        .await
        .expect("in time");
}

#[tokio::test]
async fn health_names_every_service_and_the_gateway_outlives_each() {
    let invoice = Upstream::start().await;
    let gateway = Gateway::at(&nowhere().await, &invoice.url()).await;
    reports(
        &gateway,
        "invoiceapp.invoice.v1.InvoiceService",
        ServingStatus::Serving,
    )
    .await;
    reports(
        &gateway,
        "invoiceapp.auth.v1.AuthService",
        ServingStatus::NotServing,
    )
    .await;
    invoice.shutdown.abort();
    reports(
        &gateway,
        "invoiceapp.invoice.v1.InvoiceService",
        ServingStatus::NotServing,
    )
    .await;
    reports(&gateway, "", ServingStatus::Serving).await;
}

#[tokio::test]
async fn health_can_be_asked_by_grpc_web_too() {
    let gateway = Gateway::at(&nowhere().await, &nowhere().await).await;
    let answer = Call::new("/grpc.health.v1.Health/Check", "no.Such")
        .send(&gateway)
        .await;
    assert_eq!(answer.status.code(), tonic::Code::NotFound);
}

async fn ask(gateway: &Gateway, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let mut client = ServerReflectionClient::new(gateway.channel().await);
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    answer.message_response.unwrap()
}

#[tokio::test]
async fn reflection_covers_both_services_health_and_error_details_with_comments() {
    let gateway = Gateway::at(&nowhere().await, &nowhere().await).await;
    let MessageResponse::ListServicesResponse(list) =
        ask(&gateway, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list");
    };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in [
        "invoiceapp.auth.v1.AuthService",
        "invoiceapp.auth.v1.TokenService",
        "invoiceapp.invoice.v1.InvoiceService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for (symbol, holds) in [
        (
            "invoiceapp.auth.v1.TokenService",
            "Verifies an access token as every service does",
        ),
        ("google.rpc.ErrorInfo", "ErrorInfo"),
    ] {
        let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
        let MessageResponse::FileDescriptorResponse(files) = ask(&gateway, question).await else {
            panic!("no file for {symbol}");
        };
        let file = String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned();
        assert!(file.contains(holds), "{symbol}");
    }
}
