use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use super::*;
use crate::domain::ids::new_ulid;

struct Fixture {
    lanes: Arc<Lanes>,
    millis: Arc<AtomicI64>,
}

impl Fixture {
    fn new() -> Self {
        let millis = Arc::new(AtomicI64::new(1_790_000_000_000));
        let read = Arc::clone(&millis);
        let clock = Clock::new(move || Timestamp::from_millisecond(read.load(Ordering::SeqCst)).unwrap());
        let lanes = Arc::new(Lanes::new(Duration::from_millis(100), clock));
        Self { lanes, millis }
    }

    fn advance(&self, duration: Duration) {
        self.millis.fetch_add(millis(duration), Ordering::SeqCst);
    }

    fn fail(&self, key: LaneKey) {
        self.lanes.begin(key).unwrap().failed();
    }

    fn wait(&self, key: LaneKey) -> Duration {
        match self.lanes.begin(key) {
            Ok(_) => Duration::ZERO,
            Err(Obstacle::Failures(wait)) => wait.0,
            Err(Obstacle::UnderWay) => panic!("others are under way"),
        }
    }

    fn remembered(&self) -> usize {
        self.lanes.lanes.lock().unwrap().len()
    }
}

fn account(email: &str) -> LaneKey {
    LaneKey::account(&EmailKey::of_sign_in(email).unwrap())
}

#[test]
fn the_wait_doubles_from_a_second_to_a_minute_and_is_never_longer() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        fixture.fail(ada);
        let wait = Duration::from_secs(seconds);
        assert_eq!(fixture.wait(ada), wait);
        fixture.advance(wait.saturating_sub(Duration::from_millis(1)));
        assert_eq!(fixture.wait(ada), Duration::from_millis(1));
        fixture.advance(Duration::from_millis(1));
    }
    for _ in 0..100 {
        fixture.fail(ada);
        fixture.advance(LONGEST_WAIT);
    }
    assert_eq!(fixture.wait(ada), Duration::ZERO);
    assert_eq!(fixture.wait(account("eve@example.com")), Duration::ZERO);
}

#[test]
fn failures_are_forgotten_after_success_and_after_a_quiet_time() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    for round in 0..2 {
        for _ in 0..4 {
            fixture.fail(ada);
            fixture.advance(LONGEST_WAIT);
        }
        if round == 0 {
            fixture.lanes.begin(ada).unwrap().succeeded();
            assert_eq!(fixture.remembered(), 0);
        } else {
            fixture.advance(FORGOTTEN_AFTER);
        }
        fixture.fail(ada);
        assert_eq!(fixture.wait(ada), Duration::from_secs(1), "the first again");
        fixture.advance(LONGEST_WAIT);
    }
}

#[test]
fn attempts_at_the_same_time_are_no_free_guesses() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    let entered = || {
        (0..50)
            .map_while(|_| fixture.lanes.begin(ada).ok())
            .collect::<Vec<_>>()
    };
    let first = entered();
    assert_eq!(first.len(), 4);
    first.into_iter().for_each(Attempt::failed);
    assert_eq!(fixture.wait(ada), Duration::from_secs(8), "each of them counts");
    fixture.advance(Duration::from_secs(8));
    assert_eq!(entered().len(), 1, "after failures one at a time");
}

#[tokio::test]
async fn who_waits_for_attempts_under_way_goes_on_after_success_and_is_refused_after_failure() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    let mut under_way: Vec<_> = (0..4).map(|_| fixture.lanes.begin(ada).unwrap()).collect();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(fixture.lanes.enter(ada))).collect();
    for waiting in &mut waiting {
        assert!(futures::poll!(waiting.as_mut()).is_pending());
    }
    under_way.pop().unwrap().succeeded();
    let next = waiting.remove(0).await.unwrap();
    next.failed();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap_err(), Wait(Duration::from_secs(1)));
    }
}

#[tokio::test]
async fn nobody_waits_for_others_for_ever() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    let _under_way: Vec<_> = (0..4).map(|_| fixture.lanes.begin(ada).unwrap()).collect();
    assert_eq!(fixture.lanes.enter(ada).await.unwrap_err(), Wait(UNDER_WAY));
}

#[test]
fn an_attempt_without_a_verdict_changes_nothing() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    drop(fixture.lanes.begin(ada).unwrap());
    assert_eq!((fixture.wait(ada), fixture.remembered()), (Duration::ZERO, 0));
    fixture.fail(ada);
    fixture.advance(Duration::from_secs(1));
    drop(fixture.lanes.begin(ada).unwrap());
    fixture.fail(ada);
    assert_eq!(fixture.wait(ada), Duration::from_secs(2));
}

#[test]
fn accounts_devices_and_sessions_have_lanes_of_their_own() {
    let fixture = Fixture::new();
    let email = |text| EmailKey::of_sign_in(text).unwrap();
    let device = || DeviceId::from_ulid(new_ulid(Timestamp::UNIX_EPOCH));
    let session = || SessionId::from_ulid(new_ulid(Timestamp::UNIX_EPOCH));
    let (ada, eve) = (email("ada@example.com"), email("eve@example.com"));
    let one = device();
    let lanes = [
        LaneKey::account(&ada),
        LaneKey::account(&eve),
        LaneKey::device(&ada, one),
        LaneKey::device(&ada, device()),
        LaneKey::device(&eve, one),
        LaneKey::session(&session()),
        LaneKey::session(&session()),
    ];
    for lane in lanes {
        assert_eq!(fixture.wait(lane), Duration::ZERO);
        fixture.fail(lane);
    }
    assert!(
        lanes
            .iter()
            .all(|lane| fixture.wait(*lane) == Duration::from_secs(1))
    );
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    fixture.fail(ada);
    fixture.millis.fetch_sub(3_600_000, Ordering::SeqCst);
    assert_eq!(fixture.wait(ada), Duration::from_secs(1));
    fixture.advance(Duration::from_secs(1));
    assert_eq!(fixture.wait(ada), Duration::ZERO);
}

#[test]
fn failures_of_many_others_do_not_make_those_of_an_account_forgotten() {
    let fixture = Fixture::new();
    let ada = account("ada@example.com");
    for _ in 0..3 {
        fixture.fail(ada);
        fixture.advance(Duration::from_secs(4));
    }
    for number in 0..200_000 {
        fixture.fail(account(&format!("{number}@example.com")));
    }
    fixture.fail(ada);
    assert_eq!(fixture.wait(ada), Duration::from_secs(8));
    assert!(fixture.remembered() <= 65_536);
}
