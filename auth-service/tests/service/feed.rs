//! What services that follow the revocation feed see.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{PASSWORD, Place, Service, config_on, on_every_store, refusal};
use auth_service::RotateKeysCommand;
use futures::future::join_all;
use harness::mongo::ReplicaSet;
use proto::auth::v1 as pb;
use proto::auth::v1::watch_revocations_response::Event;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

on_every_store! {
    a_logout_reaches_a_follower_within_a_second
    a_feed_begins_with_what_was_ended_within_the_life_of_a_token
    of_logouts_while_followers_come_none_is_missed
    keys_are_in_the_snapshot_and_changes_of_them_follow
    a_feed_lives_beyond_the_deadline_of_calls_and_ends_with_the_process
}

/// Any message of a feed comes sooner: heartbeats come every 2 s.
const SOON: Duration = Duration::from_secs(10);
/// How long services remember a revocation: the longest life of a token, and a minute.
const REACH: i64 = 16 * 60;

struct Follower {
    stream: Streaming<pb::WatchRevocationsResponse>,
    snapshot: Vec<pb::SessionRevoked>,
    keys: Vec<String>,
}

impl Follower {
    /// Follows a service, and reads the snapshot.
    async fn of(service: &Service) -> Self {
        Self::try_of(service).await.unwrap()
    }

    async fn try_of(service: &Service) -> Result<Self, Status> {
        let mut tokens = service.tokens();
        let opened = tokens.watch_revocations(pb::WatchRevocationsRequest {});
        let mut follower = Self {
            stream: opened.await?.into_inner(),
            snapshot: Vec::new(),
            keys: Vec::new(),
        };
        loop {
            let message = follower.next().await?;
            assert!(matches!(message, Event::Snapshot(_)), "the snapshot comes first");
            let Event::Snapshot(part) = message else { continue };
            follower.snapshot.extend(part.sessions);
            if part.complete {
                follower.keys = kids(part.keys);
                return Ok(follower);
            }
        }
    }

    async fn next(&mut self) -> Result<Event, Status> {
        let message = timeout(SOON, self.stream.message()).await.unwrap()?;
        message
            .and_then(|message| message.event)
            .ok_or_else(|| Status::ok("the end"))
    }

    /// The next message that is no heartbeat.
    async fn next_change(&mut self) -> Result<Event, Status> {
        loop {
            let event = self.next().await?;
            if !matches!(event, Event::Heartbeat(_)) {
                return Ok(event);
            }
        }
    }

    /// Reads until `session` is revoked.
    async fn wait_for(&mut self, session: &str) {
        while !matches!(self.next_change().await.unwrap(), Event::SessionRevoked(ended) if ended.session_id == session)
        {
        }
    }

    fn ids(&self) -> BTreeSet<String> {
        self.snapshot
            .iter()
            .map(|ended| ended.session_id.clone())
            .collect()
    }
}

fn kids(keys: Vec<pb::Jwk>) -> Vec<String> {
    keys.into_iter().map(|key| key.kid).collect()
}

async fn sign_in(service: &Service) -> pb::Tokens {
    let signed_in = service.login("ada@example.com", PASSWORD).await.unwrap();
    signed_in.tokens.unwrap()
}

async fn a_logout_reaches_a_follower_within_a_second(service: Service) {
    let tokens = service.signed_in().await;
    let mut follower = Follower::of(&service).await;
    assert_eq!(follower.snapshot, []);
    for round in 0..10 {
        let tokens = if round == 0 {
            tokens.clone()
        } else {
            sign_in(&service).await
        };
        service.logout(&tokens.access_token).await.unwrap();
        let answered = Instant::now();
        follower.wait_for(&tokens.session_id).await;
        assert!(
            answered.elapsed() < Duration::from_secs(1),
            "{:?}",
            answered.elapsed()
        );
    }
}

async fn a_feed_begins_with_what_was_ended_within_the_life_of_a_token(service: Service) {
    let first = service.signed_in().await;
    service.logout(&first.access_token).await.unwrap();
    service.advance(60);
    let second = sign_in(&service).await;
    let lives = sign_in(&service).await;
    service.logout_with(&second.refresh_token).await.unwrap();
    let ended_at = service.now();

    let snapshot = Follower::of(&service).await;
    let both = BTreeSet::from([first.session_id.clone(), second.session_id.clone()]);
    assert_eq!(snapshot.ids(), both);
    let entry = snapshot
        .snapshot
        .iter()
        .find(|ended| ended.session_id == second.session_id);
    let drop_time = entry.unwrap().drop_time.unwrap().seconds;
    assert_eq!(drop_time, ended_at + REACH);

    service.advance(REACH - 30);
    let snapshot = Follower::of(&service).await;
    assert_eq!(snapshot.ids(), BTreeSet::from([second.session_id]));
    service.advance(31);
    assert_eq!(Follower::of(&service).await.snapshot, []);
    service.refresh(&lives.refresh_token).await.unwrap();
}

async fn of_logouts_while_followers_come_none_is_missed(service: Service) {
    let first = service.signed_in().await;
    let mut tokens = vec![first];
    for _ in 0..10 {
        let more = join_all((0..10).map(|_| sign_in(&service))).await;
        tokens.extend(more);
    }
    let ended: BTreeSet<_> = tokens.iter().map(|tokens| tokens.session_id.clone()).collect();
    let mut followers = Vec::new();
    for batch in tokens.chunks(4) {
        let logouts = join_all(batch.iter().map(|tokens| service.logout(&tokens.access_token)));
        let (logouts, follower) = tokio::join!(logouts, Follower::of(&service));
        for answered in logouts {
            answered.unwrap();
        }
        followers.push(follower);
    }
    for mut follower in followers {
        let mut seen = follower.ids();
        while seen != ended {
            if let Event::SessionRevoked(revoked) = follower.next_change().await.unwrap() {
                assert!(ended.contains(&revoked.session_id));
                seen.insert(revoked.session_id);
            }
        }
    }
}

async fn keys_are_in_the_snapshot_and_changes_of_them_follow(service: Service) {
    let mut follower = Follower::of(&service).await;
    assert_eq!(follower.keys.len(), 2);
    let revoke = RotateKeysCommand {
        revoke: Some("active".parse().unwrap()),
    };
    let revoked = revoke.carry_out(service.config(), service.data_dir(), service.clock());
    let (report, changed) = tokio::join!(revoked, async {
        loop {
            if let Event::KeysChanged(changed) = follower.next_change().await.unwrap() {
                let keys = kids(changed.keys);
                if !keys.contains(&follower.keys[0]) && keys.len() == 2 {
                    return keys;
                }
            }
        }
    });
    assert!(report.unwrap().contains(&follower.keys[0]));
    assert_eq!(changed[0], follower.keys[1]);
    assert_eq!(Follower::of(&service).await.keys, changed);
}

async fn a_feed_lives_beyond_the_deadline_of_calls_and_ends_with_the_process(service: Service) {
    let mut follower = Follower::of(&service).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        let event = follower.next().await.unwrap();
        assert!(matches!(event, Event::Heartbeat(_)), "{event:?}");
    }
    let stopping = tokio::spawn(service.stop());
    let end = loop {
        match follower.next().await {
            Ok(event) => assert!(matches!(event, Event::Heartbeat(_)), "{event:?}"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        refusal(Err::<(), _>(end)),
        (Code::Unavailable, "SHUTTING_DOWN".to_owned())
    );
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_logout_at_one_replica_reaches_the_followers_of_another() {
    let set = ReplicaSet::start().await;
    let place = Place::new(config_on(&set.url("auth_of_a_test")));
    let one = place.clone().start().await.unwrap();
    let other = place.start().await.unwrap();
    let mut tokens = one.signed_in().await;
    let mut follower = Follower::of(&other).await;
    for _ in 0..10 {
        one.logout(&tokens.access_token).await.unwrap();
        let answered = Instant::now();
        follower.wait_for(&tokens.session_id).await;
        assert!(
            answered.elapsed() < Duration::from_secs(1),
            "{:?}",
            answered.elapsed()
        );
        tokens = sign_in(&one).await;
    }
}

/// People sign out before, while and after the primary is lost. A follower that comes back whenever its feed ends or is
/// silent, as services do, learns of each of them.
#[tokio::test]
async fn after_the_loss_of_the_primary_no_logout_is_missed() {
    let mut set = ReplicaSet::start_three().await;
    let service = Place::new(config_on(&set.url("auth_of_a_test")))
        .start()
        .await
        .unwrap();
    let mut tokens = vec![service.signed_in().await];
    for _ in 0..19 {
        tokens.push(sign_in(&service).await);
    }
    let ended: BTreeSet<_> = tokens.iter().map(|tokens| tokens.session_id.clone()).collect();
    let channel = service.tokens();
    let following = tokio::spawn(follow_until_all(channel, ended));
    let primary = set.wait_for_primary().await;
    for (number, tokens) in tokens.iter().enumerate() {
        if number == 7 {
            set.kill(primary);
        }
        // Until it is answered.
        let signing_out = async { while service.logout(&tokens.access_token).await.is_err() {} };
        timeout(Duration::from_secs(30), signing_out).await.unwrap();
    }
    timeout(Duration::from_secs(30), following)
        .await
        .unwrap()
        .unwrap();
}

async fn follow_until_all(
    mut client: pb::token_service_client::TokenServiceClient<tonic::transport::Channel>,
    mut missing: BTreeSet<String>,
) {
    while !missing.is_empty() {
        let opening = timeout(SOON, client.watch_revocations(pb::WatchRevocationsRequest {}));
        let Ok(Ok(opened)) = opening.await else { continue };
        let mut stream = opened.into_inner();
        while let Ok(Ok(Some(message))) = timeout(Duration::from_secs(6), stream.message()).await {
            let ended = match message.event {
                Some(Event::Snapshot(part)) => part.sessions,
                Some(Event::SessionRevoked(ended)) => vec![ended],
                Some(Event::UserRevoked(_) | Event::KeysChanged(_) | Event::Heartbeat(_)) | None => vec![],
            };
            for session in ended {
                missing.remove(&session.session_id);
            }
            if missing.is_empty() {
                return;
            }
        }
    }
}
