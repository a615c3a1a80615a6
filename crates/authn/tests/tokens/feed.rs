//! The revocation feed: what it says counts at once, and nothing takes it back.

use std::sync::atomic::Ordering;

use authn::Replicas;
use proto::auth::v1::{SessionRevoked, UserRevoked};
use serde_json::json;

use crate::issuer::{Guarded, PACE, RunningIssuer, ended, guarded_by, seconds, session};
use crate::support::{NOW, Signer};

const REVOKED: &str = "TOKEN_REVOKED";
const LET_IN: &str = "";
/// The session and the user of the tokens that a [`Signer`] makes.
const SESSION: u8 = 3;
const USER: &str = "usr_01k5nzzzzzzzzzzzzzzzzzzzz1";

fn of_session(signer: &Signer, digit: u8) -> String {
    signer.token_with(|claims| claims["sid"] = json!(session(digit)))
}

#[tokio::test]
async fn no_token_is_judged_before_the_whole_snapshot_is_here() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let guarded = Guarded::new(issuer.channel(), PACE);
    let stream = issuer.stream().await;
    let user = UserRevoked {
        user_id: USER.to_owned(),
        minimum_version: 2,
        drop_time: Some(seconds(NOW + 600)),
    };
    stream.part(vec![ended(7)], vec![user]);
    guarded
        .until_it_holds(async || guarded.figure("entries") > 1.5)
        .await;
    assert!(!guarded.validator.is_ready());
    assert_eq!(guarded.outcome(&signer.token()).await, "BACKEND_UNAVAILABLE");

    stream.snapshot(vec![ended(8)], &[&signer]);
    let newer = |digit| {
        signer.token_with(|claims| {
            claims["uv"] = json!(2);
            claims["sid"] = json!(session(digit));
        })
    };
    guarded.until(&newer(SESSION), LET_IN).await;
    for token in [newer(7), newer(8), signer.token()] {
        assert_eq!(guarded.outcome(&token).await, REVOKED, "every part counts");
    }
}

#[tokio::test]
async fn an_ended_session_is_refused_although_its_token_was_seen_before() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let (mine, other) = (signer.token(), of_session(&signer, 4));
    for token in [&mine, &mine, &other] {
        assert_eq!(guarded.outcome(token).await, LET_IN);
    }
    stream.session(ended(SESSION));
    guarded.until(&mine, REVOKED).await;
    assert_eq!(guarded.outcome(&mine).await, REVOKED);
    assert_eq!(
        guarded
            .outcome(&signer.token_with(|claims| claims["uv"] = json!(9)))
            .await,
        REVOKED
    );
    assert_eq!(guarded.outcome(&other).await, LET_IN);
}

#[tokio::test]
async fn tokens_below_a_users_version_are_refused() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let version = |version: u64| signer.token_with(|claims| claims["uv"] = json!(version));
    assert_eq!(guarded.outcome(&version(2)).await, LET_IN);
    stream.user(UserRevoked {
        user_id: USER.to_owned(),
        minimum_version: 3,
        drop_time: None,
    });
    guarded.until(&version(2), REVOKED).await;
    assert_eq!(guarded.outcome(&version(3)).await, LET_IN);
    let others = signer.token_with(|claims| claims["sub"] = json!("usr_01k5nzzzzzzzzzzzzzzzzzzzz9"));
    assert_eq!(guarded.outcome(&others).await, LET_IN);
}

#[tokio::test]
async fn a_withdrawn_key_counts_no_more_and_a_replica_that_lags_does_not_bring_it_back() {
    let (old, new) = (Signer::new(), Signer::new());
    let mut issuer = RunningIssuer::start(&[&old]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&old], PACE).await;
    assert_eq!(guarded.outcome(&old.token()).await, LET_IN);
    // Both come by the stream: GetJwks still says what it said.
    stream.keys(&[&old, &new]);
    guarded.until(&new.token(), LET_IN).await;
    stream.keys(&[&new]);
    guarded.until(&old.token(), "TOKEN_INVALID").await;
    assert_eq!(
        issuer.issuer.fetches.load(Ordering::SeqCst),
        2,
        "looked for once more"
    );
    assert_eq!(guarded.outcome(&old.token()).await, "TOKEN_INVALID");
    assert_eq!(guarded.outcome(&new.token()).await, LET_IN);

    drop(stream);
    let lagging = issuer.stream().await;
    lagging.snapshot(vec![ended(9)], &[&old, &new]);
    guarded.until(&of_session(&new, 9), REVOKED).await;
    assert_eq!(guarded.outcome(&old.token()).await, "TOKEN_INVALID");
    assert_eq!(guarded.outcome(&new.token()).await, LET_IN);
}

#[tokio::test]
async fn an_announcement_without_a_usable_key_locks_nobody_out() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    stream.keys(&[]);
    stream.session(ended(9));
    guarded.until(&of_session(&signer, 9), REVOKED).await;
    assert_eq!(guarded.outcome(&signer.token()).await, LET_IN);
}

#[tokio::test]
async fn neither_a_lost_stream_nor_one_that_knows_less_nor_a_restart_revives_a_token() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, mut stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    stream.session(ended(SESSION));
    let token = signer.token();
    guarded.until(&token, REVOKED).await;
    for round in 1..=5 {
        drop(stream);
        stream = issuer.stream().await;
        assert_eq!(
            guarded.outcome(&token).await,
            REVOKED,
            "while nothing is connected"
        );
        stream.snapshot(Vec::new(), &[&signer]);
        stream.session(ended(4 + round));
        guarded.until(&of_session(&signer, 4 + round), REVOKED).await;
        assert_eq!(guarded.outcome(&token).await, REVOKED, "after an empty snapshot");
    }
    assert!(guarded.figure("streams_lost_total") > 4.5);
    drop(stream);
    issuer.stop().await;
    assert_eq!(
        guarded.outcome(&token).await,
        REVOKED,
        "while auth-service is down"
    );
    assert_eq!(guarded.outcome(&of_session(&signer, 4)).await, LET_IN);
    assert!(guarded.validator.is_ready(), "it was ready once");
}

#[tokio::test]
async fn what_was_missed_during_a_gap_comes_with_the_next_snapshot() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    drop(stream);
    let stream = issuer.stream().await;
    assert_eq!(guarded.outcome(&signer.token()).await, LET_IN);
    stream.snapshot(vec![ended(SESSION)], &[&signer]);
    guarded.until(&signer.token(), REVOKED).await;
}

#[tokio::test]
async fn repetitions_kinds_of_a_later_version_and_what_is_no_id_change_nothing() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    stream.say(None);
    for id in ["", "ses_", "usr_01k5nzzzzzzzzzzzzzzzzzzzz1", "{\"$gt\":\"\"}"] {
        stream.session(SessionRevoked {
            session_id: id.to_owned(),
            drop_time: None,
        });
    }
    for _ in 0..100 {
        stream.session(ended(9));
        stream.snapshot(vec![ended(9), ended(9)], &[&signer]);
    }
    stream.session(ended(8));
    guarded.until(&of_session(&signer, 8), REVOKED).await;
    assert_eq!(guarded.outcome(&signer.token()).await, LET_IN);
    assert!((guarded.figure("entries") - 2.0).abs() < 0.1);
}

#[tokio::test]
async fn an_entry_is_forgotten_when_its_tokens_have_expired_and_not_before() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    stream.session(ended(SESSION));
    guarded.until(&signer.token(), REVOKED).await;
    // A second is added for the fraction of a second in its time.
    guarded.now.store(NOW + 605, Ordering::SeqCst);
    stream.heartbeat();
    stream.session(SessionRevoked {
        drop_time: Some(seconds(NOW + 1200)),
        ..ended(9)
    });
    guarded
        .until_it_holds(async || guarded.figure("entries") > 1.5)
        .await;
    guarded.now.store(NOW + 606, Ordering::SeqCst);
    stream.heartbeat();
    guarded
        .until_it_holds(async || guarded.figure("entries") < 1.5)
        .await;
    assert_eq!(guarded.outcome(&signer.token()).await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn another_replica_is_followed_when_one_is_gone() {
    let signer = Signer::new();
    let (mut one, mut two) = (
        RunningIssuer::start(&[&signer]).await,
        RunningIssuer::start(&[&signer]).await,
    );
    let both: Replicas = [one.channel(), two.channel()].into_iter().collect();
    let guarded = Guarded::new(both, PACE);
    let (followed, mut left) = tokio::select! {
        stream = one.stream() => { stream.snapshot(vec![], &[&signer]); drop(stream); (one, two) }
        stream = two.stream() => { stream.snapshot(vec![], &[&signer]); drop(stream); (two, one) }
    };
    followed.stop().await;
    let stream = left.stream().await;
    stream.snapshot(vec![ended(SESSION)], &[&signer]);
    guarded.until(&signer.token(), REVOKED).await;
}
