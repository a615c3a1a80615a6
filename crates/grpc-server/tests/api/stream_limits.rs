//! Streams that anyone may open beside those of the product.

use std::time::Duration;

use grpc_server::{CallLimits, ConnectionLimits};
use rpc_error::{Details, reason};
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::fixture::{start_with, stream};

async fn watch_health(channel: Channel) -> Result<Streaming<HealthCheckResponse>, Status> {
    let response = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await;
    response.map(tonic::Response::into_inner)
}

async fn reflect(channel: Channel) -> Result<Streaming<ServerReflectionResponse>, Status> {
    let questions = tokio_stream::pending::<ServerReflectionRequest>();
    let response = ServerReflectionClient::new(channel)
        .server_reflection_info(questions)
        .await;
    response.map(tonic::Response::into_inner)
}

fn is_overloaded(status: &Status) -> bool {
    let details = Details::of(status);
    details.reason() == reason::OVERLOADED && details.retry_delay().is_some()
}

#[tokio::test]
async fn streams_of_health_reflection_and_the_product_take_no_places_of_each_other() {
    let limits = CallLimits {
        streams: 1,
        health_streams: 1,
        reflection_streams: 1,
        ..CallLimits::default()
    };
    let server = start_with(limits, ConnectionLimits::default()).await;
    let channel = server.channel().await;
    let open = (
        watch_health(channel.clone()).await.unwrap(),
        reflect(channel.clone()).await.unwrap(),
        stream(channel.clone(), "/test.Text/Forever", "").await.unwrap(),
    );
    assert!(is_overloaded(&watch_health(channel.clone()).await.unwrap_err()));
    assert!(is_overloaded(&reflect(channel.clone()).await.unwrap_err()));
    let refused = stream(channel.clone(), "/test.Text/Forever", "")
        .await
        .unwrap_err();
    assert!(is_overloaded(&refused));

    drop(open);
    let free_again = async {
        while watch_health(channel.clone()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), free_again)
        .await
        .unwrap();
}
