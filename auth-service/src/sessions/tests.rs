//! A refresh and the end of its session at the same time, a thousand times.

use std::time::{Duration, Instant};

use super::*;
use crate::domain::session::SessionLimits;
use crate::events::security_events;
use crate::keys::KeyKeeper;
use crate::master_key::MasterKey;
use crate::store;
use crate::store::sample::user;
use jiff::SignedDuration;

/// Sessions of a user in the store that a URL names.
async fn sessions(url: &str) -> (Arc<Sessions>, User) {
    let store = store::open(&url.parse().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let master = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let clock = Clock::system();
    let refresh_tokens = RefreshTokens::new(master.refresh_token_key());
    let keeper = KeyKeeper {
        store: Arc::clone(&store),
        master,
        clock: clock.clone(),
        period: SignedDuration::from_hours(24),
        reading: tokio::sync::Mutex::default(),
    };
    let keys = keeper.load().await.unwrap();
    let (events, _writer) = security_events(&store, &clock);
    let sessions = Sessions {
        access_tokens: AccessTokens {
            keys: Arc::new(keys),
            issuer: "invoiceapp".to_owned(),
            life: SignedDuration::from_mins(10),
        },
        refresh_tokens,
        limits: SessionLimits {
            idle: SignedDuration::from_hours(1),
            absolute: SignedDuration::from_hours(2),
        },
        events: Arc::new(events),
        clock: clock.clone(),
        store: Arc::clone(&store),
    };
    let ada = user("ada@example.com");
    let first = sessions.begin(&ada, Client::default(), clock.now());
    store.insert_user(ada.clone(), first).await.unwrap();
    (Arc::new(sessions), ada)
}

/// Lets others run so many times.
async fn stand_back(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// One race, in which the end begins after `delay`. Returns whether the refresh came first.
async fn race(sessions: &Arc<Sessions>, ada: &User, round: u32, delay: Duration) -> bool {
    let now = sessions.clock.now();
    let session = sessions.begin(ada, Client::default(), now);
    sessions.store.insert_session(session.clone()).await.unwrap();
    let first = sessions.tokens(ada, &session, now).unwrap().refresh.token;
    let refreshing = {
        let (sessions, token) = (Arc::clone(sessions), first.clone());
        tokio::spawn(async move {
            stand_back(round % 7).await;
            sessions.refresh(token.expose(), None).await
        })
    };
    let ending = {
        let (sessions, id) = (Arc::clone(sessions), session.id.clone());
        tokio::spawn(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stand_back(round / 7 % 40).await;
            sessions.end(&id, None).await
        })
    };
    ending.await.unwrap().unwrap();
    // The end was answered: whatever the refresh gave or gives, nothing of the session works.
    let early = sessions.refresh(first.expose(), None).await;
    assert!(matches!(early, Err(AuthError::RefreshTokenInvalid)), "{early:?}");
    let refreshed = refreshing.await.unwrap();
    if let Ok(tokens) = &refreshed {
        let late = sessions.refresh(tokens.refresh.token.expose(), None).await;
        assert!(matches!(late, Err(AuthError::RefreshTokenInvalid)), "{late:?}");
    }
    let stored = sessions.store.session(&session.id).await.unwrap().unwrap();
    assert!(!stored.works_for(ada, now));
    refreshed.is_ok()
}

/// How long a refresh takes when nobody disturbs it.
async fn refresh_takes(sessions: &Sessions, ada: &User) -> Duration {
    let session = sessions.begin(ada, Client::default(), sessions.clock.now());
    sessions.store.insert_session(session.clone()).await.unwrap();
    let token = sessions.refresh_tokens.token(&session.id, session.generation);
    let begun = Instant::now();
    sessions.refresh(token.expose(), None).await.unwrap();
    begun.elapsed()
}

async fn race_often(url: &str, rounds: u32) {
    let (sessions, ada) = sessions(url).await;
    let taken = refresh_takes(&sessions, &ada).await;
    let mut refreshed_first = 0;
    for round in 0..rounds {
        // From none to twice what a refresh takes in this store, so that the end falls before, into and after it.
        let delay = taken * (round % 9) / 4;
        refreshed_first += u32::from(race(&sessions, &ada, round, delay).await);
    }
    assert!(
        (1..rounds).contains(&refreshed_first),
        "always the same came first: {refreshed_first} of {rounds}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_works_after_a_sign_out_that_raced_a_refresh_a_thousand_times() {
    race_often("sqlite::memory:", 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_works_after_a_sign_out_that_raced_a_refresh_on_mongodb() {
    let set = harness::mongo::ReplicaSet::start().await;
    race_often(&set.url("auth_of_a_test"), 200).await;
}
