//! What every store must do with security events.

use super::{Store, registered};
use crate::domain::client::Client;
use crate::domain::ids::{EventId, UserId};
use crate::domain::security_event::{EventKind, SecurityEvent};
use crate::domain::user::User;
use crate::store::sample::{session_of, time};
use crate::store::{AuthStore, EventQuery};

/// An event of a user in every second that `seconds` names.
async fn events(store: &dyn AuthStore, user: &User, seconds: &[i64]) -> Vec<SecurityEvent> {
    let mut events = Vec::new();
    for second in seconds {
        let session = session_of(user);
        let kind = EventKind::ALL[events.len() % EventKind::ALL.len()];
        let (user, id) = (user.id.clone(), Some(session.id));
        let event = SecurityEvent::of_user(kind, user, id, session.client, time(*second));
        store.insert_event(event.clone()).await.unwrap();
        events.push(event);
    }
    events
}

fn all_of(user: &UserId) -> EventQuery {
    EventQuery {
        user_id: user.clone(),
        since: EventId::first_of(time(-1_000_000)),
        before: None,
        limit: 100,
    }
}

pub(in crate::store) async fn events_read_back_as_they_were_written_newest_first(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let (grace, _) = registered(&*store, "grace@example.com").await;
    let seconds: Vec<_> = (0..11).collect();
    let mut expected = events(&*store, &ada, &seconds).await;
    let bare = SecurityEvent::of_user(
        EventKind::SignInFailed,
        ada.id.clone(),
        None,
        Client::default(),
        time(20),
    );
    store.insert_event(bare.clone()).await.unwrap();
    expected.push(bare);
    events(&*store, &grace, &[5]).await;
    expected.reverse();
    assert_eq!(store.events_of(all_of(&ada.id)).await.unwrap(), expected);
}

pub(in crate::store) async fn what_concerns_everybody_stands_among_the_events_of_each(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let (grace, _) = registered(&*store, "grace@example.com").await;
    let of_ada = events(&*store, &ada, &[1, 3]).await;
    let everybodys = SecurityEvent::of_everyone(EventKind::SigningKeysRotated, time(2));
    store.insert_event(everybodys.clone()).await.unwrap();
    let [first, last] = of_ada.try_into().unwrap();
    let listed = store.events_of(all_of(&ada.id)).await.unwrap();
    assert_eq!(listed, [last, everybodys.clone(), first]);
    let listed = store.events_of(all_of(&grace.id)).await.unwrap();
    assert_eq!(listed, [everybodys]);
}

pub(in crate::store) async fn events_are_listed_page_by_page_within_their_bounds(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let mut expected = events(&*store, &ada, &[0, 1, 2, 3, 4, 5, 6]).await;
    for second in [2, 4] {
        let event = SecurityEvent::of_everyone(EventKind::SigningKeyRevoked, time(second));
        store.insert_event(event.clone()).await.unwrap();
        expected.push(event);
    }
    expected.sort_by(|one, other| other.id.cmp(&one.id));
    let mut listed: Vec<SecurityEvent> = Vec::new();
    loop {
        let page = EventQuery {
            since: EventId::first_of(time(2)),
            before: listed.last().map(|event| event.id.clone()),
            limit: 2,
            ..all_of(&ada.id)
        };
        let page = store.events_of(page).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        listed.extend(page);
    }
    expected.retain(|event| event.time >= time(2));
    assert_eq!(listed, expected);
}

pub(in crate::store) async fn events_are_swept_oldest_first_and_only_those_before_an_id(store: Store) {
    let (ada, _) = registered(&*store, "ada@example.com").await;
    let mut left = events(&*store, &ada, &[0, 1, 2, 3, 4]).await;
    let everybodys = SecurityEvent::of_everyone(EventKind::SigningKeysRotated, time(-1));
    store.insert_event(everybodys).await.unwrap();
    let before = EventId::first_of(time(4));
    assert_eq!(store.sweep_events(&before, 2).await.unwrap(), 2);
    left.remove(0);
    left.reverse();
    assert_eq!(store.events_of(all_of(&ada.id)).await.unwrap(), left);
    assert_eq!(store.sweep_events(&before, 100).await.unwrap(), 3);
    assert_eq!(store.sweep_events(&before, 100).await.unwrap(), 0);
    assert_eq!(store.events_of(all_of(&ada.id)).await.unwrap(), left[..1]);
}
