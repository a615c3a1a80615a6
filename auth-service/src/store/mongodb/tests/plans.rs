//! How the server answers what the store asks, by its own record: the profiler writes down every operation with the plan
//! and the figures that `explain` gives, so nothing that the store sends can be forgotten here.

use std::collections::BTreeSet;

use mongo_engine::bson::Bson;
use mongo_engine::mongodb::options::ReadConcern;

use super::*;
use crate::domain::client::Client;
use crate::domain::email::Email;
use crate::domain::ids::{EventId, OrganizationId, SessionId};
use crate::domain::security_event::{EventKind, SecurityEvent};
use crate::domain::user::ProfileChange;
use crate::store::sample::{advanced, key, logout, session_of, time, ulid, user};
use crate::store::{EventQuery, KeyStore as _, SessionQuery};

const USERS: usize = 20_000;
/// Sessions that work, of the user from the midst; as many have been ended.
const OF_ONE: usize = 20;
/// What the sweep of the test finds.
const EXPIRED: usize = 10_000;
const SWEPT: u32 = 500;

/// Fills the store, and returns a user and a session from the midst.
async fn fill(store: &MongoAuthStore) -> (User, Session) {
    let (mut users, mut sessions, mut midst) = (Vec::new(), Vec::new(), None);
    let sample = user("sample@example.com");
    for number in 0..USERS {
        let mut user = User {
            id: UserId::from_ulid(ulid()),
            email: Email::parse(&format!("user{number}@example.com")).unwrap(),
            ..sample.clone()
        };
        user.membership.organization_id = OrganizationId::from_ulid(ulid());
        let mut session = session_of(&user);
        if number < EXPIRED {
            session.expire_time = time(-1);
        }
        users.push(UserDocument::of(&user).unwrap());
        sessions.push(SessionDocument::of(&session).unwrap());
        if number == USERS * 3 / 4 {
            midst = Some((user, session));
        }
    }
    store.users.insert_many(users).await.unwrap();
    store.sessions.insert_many(sessions).await.unwrap();
    for byte in 1..=20 {
        store.insert_signing_key(key(byte)).await.unwrap();
    }
    let (user, session) = midst.unwrap();
    for _ in 1..OF_ONE {
        store.insert_session(session_of(&user)).await.unwrap();
    }
    for _ in 0..OF_ONE {
        let ended = Session {
            end: Some(logout(1)),
            ..session_of(&user)
        };
        store.insert_session(ended).await.unwrap();
    }
    for number in 0..OF_ONE {
        let event = SecurityEvent::of_user(
            EventKind::SignedIn,
            user.id.clone(),
            None,
            Client::default(),
            time(i64::try_from(number).unwrap()),
        );
        store.insert_event(event).await.unwrap();
        let event = SecurityEvent::of_everyone(EventKind::SigningKeysRotated, time(5));
        store.insert_event(event).await.unwrap();
        let stranger = UserId::from_ulid(ulid());
        let event = SecurityEvent::of_user(EventKind::SignedIn, stranger, None, Client::default(), time(5));
        store.insert_event(event).await.unwrap();
    }
    (user, session)
}

fn query(user: &User, before: Option<SessionId>) -> SessionQuery {
    SessionQuery {
        user_id: user.id.clone(),
        user_version: user.security_version,
        alive_at: time(0),
        before,
        limit: 100,
    }
}

/// Every operation of the store that reads, each so that it finds something.
async fn use_every_operation(store: &MongoAuthStore, user: &User, session: &Session) {
    assert!(store.user(&user.id).await.unwrap().is_some());
    let found = store.user_by_email(&user.email.key()).await.unwrap();
    assert_eq!(found.as_ref(), Some(user));
    let hash = PasswordHash::new("$argon2id$second".to_owned());
    let replaced = store.replace_password_hash(&user.id, &user.password_hash, hash);
    assert!(replaced.await.unwrap());
    let change = ProfileChange::default();
    assert!(store.update_profile(&user.id, change).await.unwrap().is_some());
    let changed = User {
        security_version: user.security_version + 1,
        ..user.clone()
    };
    assert!(store.change_password(&changed).await.unwrap());
    assert!(store.session(&session.id).await.unwrap().is_some());
    assert!(store.advance_session(advanced(session, 1), 1).await.unwrap());
    let found = store.sessions_of(query(user, None)).await.unwrap();
    assert_eq!(found.len(), OF_ONE);
    let before = Some(found[OF_ONE / 2].id.clone());
    let page = store.sessions_of(query(user, before)).await.unwrap();
    assert_eq!(page.len(), OF_ONE / 2 - 1);
    let others = store.end_sessions_of(&user.id, &session.id, logout(2)).await;
    assert_eq!(others.unwrap(), u64::try_from(OF_ONE - 1).unwrap());
    assert!(store.end_session(&session.id, logout(2)).await.unwrap().is_some());
    let swept = store.sweep_sessions(time(0), SWEPT).await.unwrap();
    assert_eq!(swept, u64::from(SWEPT));
    let events = |before| EventQuery {
        user_id: user.id.clone(),
        since: EventId::first_of(time(0)),
        before,
        limit: 10,
    };
    let listed = store.events_of(events(None)).await.unwrap();
    assert_eq!(listed.len(), 10);
    let before = Some(EventId::first_of(time(6)));
    assert_eq!(store.events_of(events(before)).await.unwrap().len(), 10);
    assert_eq!(
        store.sweep_events(&EventId::first_of(time(3)), 10).await.unwrap(),
        3
    );
    assert_eq!(store.signing_keys().await.unwrap().len(), 20);
    let (id, from) = (key(7).id, key(7).activate_time);
    assert!(store.activate_signing_key(&id, from, time(0)).await.unwrap());
    assert!(store.revoke_signing_key(&id, time(1)).await.unwrap());
    store.remove_signing_key(&id).await.unwrap();
}

/// What the server wrote down about one operation.
#[derive(Debug)]
struct Work {
    operation: String,
    collection: String,
    plan: String,
    sorted: bool,
    read: i64,
    found: i64,
}

impl Work {
    fn of(entry: &Document) -> Self {
        let number = |name: &str| entry.get(name).and_then(Bson::as_i32).map_or(0, i64::from);
        let text = |name: &str| entry.get_str(name).unwrap_or_default();
        let found = ["nreturned", "nMatched", "ndeleted"].map(number);
        let command = entry.get_document("command").unwrap();
        let modifies = command.contains_key("findAndModify") || command.contains_key("findandmodify");
        Self {
            operation: if modifies { "findAndModify" } else { text("op") }.to_owned(),
            collection: text("ns").rsplit('.').next().unwrap_or_default().to_owned(),
            plan: text("planSummary").to_owned(),
            sorted: entry.get_bool("hasSortStage").unwrap_or(false),
            read: number("docsExamined"),
            found: found.into_iter().max().unwrap_or_default(),
        }
    }
}

async fn profile(store: &MongoAuthStore) -> Vec<Work> {
    let record = store.engine.collection::<Document>("system.profile");
    let ours = doc! { "ns": { "$not": { "$regex": "system" } }, "command": { "$exists": true } };
    // The record is not replicated.
    let record = record.find(ours).read_concern(ReadConcern::local());
    let entries = all(record.await.unwrap()).await.unwrap();
    entries.iter().map(Work::of).collect()
}

#[tokio::test]
async fn every_operation_walks_an_index_sorts_nothing_and_reads_little_more_than_it_finds() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let (user, session) = fill(&store).await;
    let database = store.engine.database();
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    use_every_operation(&store, &user, &session).await;
    database.run_command(doc! { "profile": 0 }).await.unwrap();

    let works = profile(&store).await;
    let mut seen = BTreeSet::new();
    for work in works.iter().filter(|work| !work.plan.is_empty()) {
        seen.insert((work.operation.as_str(), work.collection.as_str()));
        // IDHACK is a walk of the index of ids, and since release 8 EXPRESS one of any unique index.
        let indexed = ["IXSCAN", "IDHACK", "EXPRESS"]
            .iter()
            .any(|plan| work.plan.contains(plan));
        assert!(indexed && !work.plan.contains("COLLSCAN"), "{work:?}");
        assert!(!work.sorted, "{work:?}");
        assert!(work.found > 0 && work.read <= 2 * work.found, "{work:?}");
    }
    let expected = [
        ("findAndModify", "sessions"),
        ("findAndModify", "users"),
        ("query", "security_events"),
        ("query", "sessions"),
        ("query", "signing_keys"),
        ("remove", "security_events"),
        ("remove", "sessions"),
        ("remove", "signing_keys"),
        ("update", "sessions"),
        ("update", "signing_keys"),
        ("update", "users"),
    ];
    assert_eq!(seen, BTreeSet::from(expected), "{works:#?}");
}
