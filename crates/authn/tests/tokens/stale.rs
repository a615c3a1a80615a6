//! A revocation feed that has fallen silent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use authn::{Authenticated, FeedPace};

use crate::issuer::{Guarded, METHOD, PACE, RunningIssuer, Stream, ended, guarded_by};
use crate::support::{Handler, Signer, call};
use tonic::Code;

/// Stale at once, given up late.
const IMPATIENT: FeedPace = FeedPace {
    stale_after: Duration::from_millis(100),
    ..PACE
};
const WRITE: &str = "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice";

#[tokio::test]
async fn writes_are_held_back_while_the_feed_is_stale_where_that_is_asked_for_and_reads_go_on() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], IMPATIENT).await;
    let handler = Handler::default();
    let strict =
        Authenticated::new(handler.clone(), Arc::clone(&guarded.validator)).hold_back_while_stale(&[WRITE]);
    let bearer = format!("Bearer {}", signer.token());
    let call = async |service: &Authenticated<Handler>, method| {
        let called = call(&mut service.clone(), method, &[("authorization", &bearer)]).await;
        called.map(drop)
    };
    guarded
        .until_it_holds(async || guarded.validator.is_stale())
        .await;
    assert!(guarded.figure("stale") > 0.5 && guarded.figure("silence_seconds") > 0.1);
    let refused = Err((Code::Unavailable, "BACKEND_UNAVAILABLE".to_owned()));
    assert_eq!(call(&strict, WRITE).await, refused);
    assert_eq!(handler.entered(), 0, "the handler was entered");
    call(&strict, METHOD).await.unwrap();
    call(&guarded.service, WRITE).await.unwrap();
    assert!(guarded.validator.is_ready());

    // What is heard is enough, whatever it is.
    let fresh = guarded.until_it_holds(async || call(&strict, WRITE).await.is_ok());
    tokio::select! {
        () = fresh => {}
        () = beating(&stream) => {}
    }
}

/// Heartbeats without end.
async fn beating(stream: &Stream) {
    loop {
        stream.heartbeat();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_is_not_signed_in_does_not_learn_that_the_feed_is_stale() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, _stream) = guarded_by(&mut issuer, &[&signer], IMPATIENT).await;
    guarded
        .until_it_holds(async || guarded.validator.is_stale())
        .await;
    let mut strict = Authenticated::new(Handler::default(), Arc::clone(&guarded.validator))
        .hold_back_while_stale(&[WRITE]);
    let refused = call(&mut strict, WRITE, &[("authorization", "Bearer x.y.z")]).await;
    assert_eq!(
        refused.unwrap_err(),
        (Code::Unauthenticated, "TOKEN_INVALID".to_owned())
    );
}

#[tokio::test]
async fn a_stream_that_only_hangs_is_given_up_for_another() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let pace = FeedPace {
        give_up_after: Duration::from_millis(500),
        ..PACE
    };
    let (guarded, hanging) = guarded_by(&mut issuer, &[&signer], pace).await;
    hanging.closed().await;
    let mut others = Vec::new();
    let answering = async {
        loop {
            let other = issuer.stream().await;
            other.snapshot(vec![ended(3)], &[&signer]);
            others.push(other);
        }
    };
    let token = signer.token();
    tokio::select! {
        () = guarded.until(&token, "TOKEN_REVOKED") => {}
        () = answering => {}
    }
}

#[tokio::test]
async fn a_new_stream_is_no_sign_of_life_before_its_snapshot_is_whole() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], IMPATIENT).await;
    drop(stream);
    let stream = issuer.stream().await;
    guarded
        .until_it_holds(async || guarded.validator.is_stale())
        .await;
    for _ in 0..20 {
        stream.heartbeat();
    }
    stream.part(vec![ended(3)], vec![]);
    guarded.until(&signer.token(), "TOKEN_REVOKED").await;
    assert!(guarded.validator.is_stale());
    stream.snapshot(vec![], &[&signer]);
    tokio::select! {
        () = guarded.until_it_holds(async || !guarded.validator.is_stale()) => {}
        () = beating(&stream) => {}
    }
}

#[tokio::test]
async fn an_auth_service_of_an_earlier_release_is_lived_with_as_stale_until_it_is_upgraded() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    issuer.issuer.is_early.store(true, Ordering::SeqCst);
    let guarded = Guarded::new(issuer.channel(), PACE);
    guarded.until(&signer.token(), "").await;
    assert!(guarded.validator.is_ready() && guarded.validator.is_stale());

    issuer.issuer.is_early.store(false, Ordering::SeqCst);
    let stream = issuer.stream().await;
    stream.snapshot(vec![ended(3)], &[&signer]);
    guarded.until(&signer.token(), "TOKEN_REVOKED").await;
    assert!(!guarded.validator.is_stale());
}
