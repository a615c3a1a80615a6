use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grpc_server::{
    CallLimits, CheckReport, ConnectionLimits, Listener, Readiness, Shutdown, add_reflection, call_stack,
    methods, serve,
};
use telemetry::Metrics;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::fixture::{PROMPT, start};

/// A server whose readiness has one check for all, `store`, and one for `b.B` alone, `upstream`.
async fn with_checks(store: Arc<AtomicBool>, upstream: Arc<AtomicBool>) -> (HealthClient<Channel>, Shutdown) {
    let shutdown = Shutdown::manual();
    let mut readiness = Readiness::new(["a.A", "b.B"])
        .check("store", move || std::future::ready(store.load(Ordering::SeqCst)))
        .check_service("b.B", "upstream", move || {
            std::future::ready(upstream.load(Ordering::SeqCst))
        });
    let routes = Routes::new(readiness.service().await);
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", listener.local_addr());
    tokio::spawn(readiness.run(shutdown.clone()));
    let stack = call_stack(
        routes,
        CallLimits::default(),
        Metrics::new().server("test", methods(&[])),
    );
    tokio::spawn(serve(
        listener,
        stack,
        ConnectionLimits::default(),
        shutdown.clone(),
    ));
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    (HealthClient::new(channel), shutdown)
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

/// Waits until `service` reports `wanted`.
async fn reports(client: &HealthClient<Channel>, service: &str, wanted: ServingStatus) {
    let mut client = client.clone();
    let mut statuses = client.watch(of(service)).await.unwrap().into_inner();
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
async fn a_name_serves_when_its_checks_pass_and_stops_after_three_strikes_and_at_shutdown() {
    let (store, upstream) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (mut client, shutdown) = with_checks(Arc::clone(&store), Arc::clone(&upstream)).await;
    reports(&client, "", ServingStatus::Serving).await;
    reports(&client, "a.A", ServingStatus::Serving).await;
    let b = client.check(of("b.B")).await.unwrap().into_inner();
    assert_eq!(b.status(), ServingStatus::NotServing);

    upstream.store(true, Ordering::SeqCst);
    reports(&client, "b.B", ServingStatus::Serving).await;
    store.store(false, Ordering::SeqCst);
    for name in ["", "a.A", "b.B"] {
        reports(&client, name, ServingStatus::NotServing).await;
    }
    store.store(true, Ordering::SeqCst);
    reports(&client, "a.A", ServingStatus::Serving).await;

    let mut watched = client.watch(of("a.A")).await.unwrap().into_inner();
    assert_eq!(
        watched.next().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    shutdown.begin(PROMPT);
    assert_eq!(
        watched.next().await.unwrap().unwrap().status(),
        ServingStatus::NotServing
    );
    assert_eq!(
        watched.next().await.unwrap().unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn a_name_nobody_serves_is_not_found() {
    let server = start().await;
    let mut client = HealthClient::new(server.channel().await);
    assert_eq!(
        client.check(of("no.Such")).await.unwrap_err().code(),
        Code::NotFound
    );
}

async fn ask(channel: Channel, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
}

#[tokio::test]
async fn reflection_knows_health_and_the_error_details() {
    let server = start().await;
    let channel = server.channel().await;
    let listed = ask(channel.clone(), MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(list) = listed else {
        panic!("{listed:?}");
    };
    assert!(
        list.service
            .iter()
            .any(|service| service.name == "grpc.health.v1.Health")
    );
    let symbol = MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned());
    let found = ask(channel, symbol).await;
    assert!(matches!(found, MessageResponse::FileDescriptorResponse(_)));
}

#[tokio::test]
async fn the_older_reflection_protocol_is_answered_too() {
    use tonic_reflection::pb::v1alpha;
    use v1alpha::server_reflection_client::ServerReflectionClient;
    use v1alpha::server_reflection_request::MessageRequest;

    let server = start().await;
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(server.channel().await);
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    assert!(answers.unwrap().into_inner().message().await.unwrap().is_some());
}

#[test]
fn a_descriptor_set_that_does_not_decode_is_an_error_at_start() {
    add_reflection(Routes::default(), &[&[0xff]]).unwrap_err();
}

#[tokio::test]
async fn a_view_says_what_each_check_says_and_not_ready_once_the_shutdown_begins() {
    let shutdown = Shutdown::manual();
    let mut readiness = Readiness::new(["a.A", "b.B"])
        .check("store", || std::future::ready(true))
        .check_service("b.B", "upstream", || std::future::ready(false));
    let view = readiness.view();
    assert!(!view.report().ready);
    let _service = readiness.service().await;
    assert_eq!(view.report().checks.len(), 2);
    let running = tokio::spawn(readiness.run(shutdown.clone()));
    let passing = async {
        while !view.report().ready {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), passing)
        .await
        .expect("in time");
    let reported = |check: CheckReport| (check.check, check.service, check.passes);
    assert_eq!(
        view.report().checks.into_iter().map(reported).collect::<Vec<_>>(),
        [
            ("store".to_owned(), None, true),
            ("upstream".to_owned(), Some("b.B".to_owned()), false),
        ]
    );
    shutdown.begin(PROMPT);
    running.await.unwrap();
    assert!(!view.report().ready);
}
