//! Certificates that change under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use certificates::Authority;
use grpc_server::{CallLimits, ConnectionLimits};
use tls::Protocols;
use tonic::transport::Channel;

use super::support::Place;
use crate::fixture::{start_on, unary};

/// Calls again and again until told to stop; returns how many were answered.
async fn keep_calling(channel: Channel, stop: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::SeqCst) {
        let request = tonic::Request::new("x".to_owned());
        unary(channel.clone(), "/test.Text/Echo", request).await.unwrap();
        answered += 1;
    }
    answered
}

#[tokio::test]
async fn certificates_of_a_new_authority_are_taken_up_under_load_without_a_failed_call() {
    let place = Place::new();
    let other = Authority::new();
    // Clients trust both before the server changes, as in a rotation that is meant to go unnoticed.
    std::fs::write(place.path().join("ca.pem"), place.authority.pem() + &other.pem()).unwrap();
    let tls = place.server(Protocols::Grpc, &["gateway"]);
    let server = start_on(
        Some(tls.clone()),
        CallLimits::default(),
        ConnectionLimits::default(),
    )
    .await;

    let stop = Arc::new(AtomicBool::new(false));
    let old = place.channel(server.addr, place.gateway()).await.unwrap();
    let long_lived: Vec<_> = (0..4)
        .map(|_| tokio::spawn(keep_calling(old.clone(), Arc::clone(&stop))))
        .collect();
    let connected = Arc::new(AtomicUsize::new(0));
    let newcomers = {
        let (address, stop, connected) = (server.addr, Arc::clone(&stop), Arc::clone(&connected));
        let (client, place) = (place.gateway(), Place::new());
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let channel = place.channel(address, client.clone()).await.unwrap();
                let request = tonic::Request::new("new".to_owned());
                unary(channel, "/test.Text/Echo", request).await.unwrap();
                connected.fetch_add(1, Ordering::SeqCst);
            }
        })
    };

    for round in 0..4 {
        let name = format!("round-{round}");
        let authority = if round % 2 == 0 { &other } else { &place.authority };
        authority.issue(&["localhost", &name]).replace(&place.localhost);
        let before = connected.load(Ordering::SeqCst);
        let taken_up = async {
            // Newcomers have met the new certificate too.
            while tls.certificate().unwrap().names[1..] != [name.clone()]
                || connected.load(Ordering::SeqCst) < before + 10
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), taken_up)
            .await
            .unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    newcomers.await.unwrap();
    for calls in long_lived {
        assert!(calls.await.unwrap() > 0);
    }
}
