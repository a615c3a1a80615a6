//! Several replicas of a service behind the gateway.

use futures::future::join_all;
use grpc_server::DrainPace;
use tonic::Request;

use crate::fixture::{ECHO, Gateway, nowhere, unary};
use crate::upstream::Upstream;

/// So many calls at the same time, one connection to the gateway.
async fn calls(gateway: &Gateway, count: usize) {
    let channel = gateway.channel().await;
    let calls = join_all((0..count).map(|_| unary(channel.clone(), ECHO, Request::new("x".to_owned()))));
    for call in calls.await {
        call.unwrap();
    }
}

async fn gateway_of(replicas: &[String]) -> Gateway {
    let urls = replicas.join(", ");
    Gateway::at(&urls, &urls).await
}

#[tokio::test]
async fn calls_are_spread_over_all_replicas_and_none_fails_when_one_goes() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let gateway = gateway_of(&[first.url(), second.url()]).await;
    calls(&gateway, 100).await;
    let (of_first, of_second) = (first.calls(), second.calls());
    assert!(
        of_first + of_second == 100 && of_first.abs_diff(of_second) < 30,
        "{of_first} {of_second}"
    );

    first.shutdown.begin(DrainPace::INTERACTIVE);
    for _ in 0..20 {
        calls(&gateway, 5).await;
    }
    assert!(second.calls() > of_second + 90, "{of_second} {}", second.calls());
}

#[tokio::test]
async fn calls_one_after_the_other_take_turns() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let gateway = gateway_of(&[first.url(), second.url()]).await;
    for _ in 0..10 {
        calls(&gateway, 1).await;
    }
    // The gateway's own questions about health take turns too.
    assert!(
        first.calls() >= 3 && second.calls() >= 3,
        "{} {}",
        first.calls(),
        second.calls()
    );
}

#[tokio::test]
async fn a_replica_that_cannot_be_reached_is_left_alone_and_costs_no_call() {
    let upstream = Upstream::start().await;
    let nobody = nowhere().await;
    let gateway = gateway_of(&[
        nobody.clone(),
        upstream.url(),
        nobody.replace("127.0.0.1", "127.0.0.2"),
    ])
    .await;
    // More than one budget of retries would pay for, if each cost one.
    for _ in 0..60 {
        calls(&gateway, 1).await;
    }
    assert_eq!(upstream.calls(), 60);
}

#[tokio::test]
async fn every_address_of_a_name_is_a_replica() {
    let upstream = Upstream::start().await;
    // `localhost` is 127.0.0.1 and, on many machines, ::1, where nobody listens.
    let url = format!("http://localhost:{}", upstream.addr.port());
    let gateway = gateway_of(&[url]).await;
    for _ in 0..10 {
        calls(&gateway, 1).await;
    }
    assert_eq!(upstream.calls(), 10);
}
