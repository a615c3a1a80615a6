use super::*;
use crate::store;
use crate::store::sample::{session_of, time, user};

async fn filled() -> (Arc<dyn AuthStore>, User) {
    let store = store::open(&"sqlite::memory:".parse().unwrap()).await.unwrap();
    let ada = user("ada@example.com");
    store.insert_user(ada.clone(), session_of(&ada)).await.unwrap();
    (store, ada)
}

fn clock() -> Clock {
    Clock::new(|| time(100))
}

#[tokio::test]
async fn what_waits_is_written_when_the_service_goes_down_and_nobodys_is_not() {
    let (store, ada) = filled().await;
    let (events, writer) = security_events(&store, &clock());
    for _ in 0..30 {
        events.sign_in_failed(Some(&ada), Client::default());
        events.sign_in_failed(None, Client::default());
    }
    let (drain, drains) = oneshot::channel();
    drain.send(()).unwrap();
    writer.run(drains).await;
    let listed = events.list(&ada, None, 100).await.unwrap();
    assert_eq!(listed.len(), 30);
    assert!(listed.iter().all(|event| event.kind == EventKind::SignInFailed));
    events.sign_in_failed(Some(&ada), Client::default());
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let (store, ada) = filled().await;
    let (events, mut writer) = security_events(&store, &clock());
    for _ in 0..QUEUE + 7 {
        events.sign_in_failed(Some(&ada), Client::default());
    }
    assert_eq!(events.dropped.load(Ordering::Relaxed), 7);
    let first = writer.failed.recv().await.unwrap();
    writer.write_one(first).await;
    assert_eq!(events.dropped.load(Ordering::Relaxed), 0, "logged");
}

#[tokio::test]
async fn an_event_that_the_store_refuses_changes_nothing_for_its_caller() {
    let (store, ada) = filled().await;
    let (events, _writer) = security_events(&store, &clock());
    store.close().await;
    let client = Client::default();
    let event = SecurityEvent::of_user(EventKind::SignedIn, ada.id, None, client, time(0));
    events.record(event).await;
}

#[tokio::test]
async fn what_concerns_everybody_is_listed_by_all_who_were_there() {
    let (store, ada) = filled().await;
    let mut later = user("grace@example.com");
    later.create_time = time(101);
    store
        .insert_user(later.clone(), session_of(&later))
        .await
        .unwrap();
    let (events, _writer) = security_events(&store, &clock());
    events.record_for_everyone(EventKind::SigningKeysRotated).await;
    let listed = events.list(&ada, None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].kind, listed[0].user_id.as_ref()),
        (EventKind::SigningKeysRotated, None)
    );
    assert_eq!(events.list(&later, None, 10).await.unwrap(), []);
}
