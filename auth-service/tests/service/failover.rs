//! What clients see, and what is there afterwards, when the database loses its primary.
//!
//! The services' clock stands still, so that however long an election takes no grace period ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{PASSWORD, Place, Service, bearer, config_on, refusal, registration, unauthenticated};
use futures::future::join_all;
use harness::mongo::ReplicaSet;
use proto::auth::v1 as pb;
use rpc_error::Details;
use tokio::time::timeout;
use tonic::{Code, Request, Status};

/// What clients give a call.
const DEADLINE: Duration = Duration::from_secs(2);
const REFRESHING: usize = 8;
const REGISTERING: usize = 2;
/// What everybody has to get done before the loss, and again after it.
const STEPS: u64 = 5;

fn within<T>(deadline: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

/// What happens while the primary is lost, seen by all clients.
#[derive(Default)]
struct Course {
    over: AtomicBool,
    /// What each client got done.
    done: [AtomicU64; REFRESHING + REGISTERING],
    /// Calls that failed and were made again.
    failed: AtomicU64,
}

impl Course {
    /// Waits until every client has got [`STEPS`] more done.
    async fn progress(&self) {
        let from: Vec<_> = self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        let progressed = async {
            while !from
                .iter()
                .zip(&self.done)
                .all(|(from, done)| done.load(Ordering::SeqCst) >= from + STEPS)
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_mins(1), progressed).await.unwrap();
    }

    /// Notes a failure that says nothing about the outcome; any other is a lie.
    async fn failed(&self, status: &Status) {
        let details = Details::of(status);
        if status.code() == Code::Unavailable {
            assert!(details.retry_delay().is_some(), "{status:?}");
        } else {
            // Cancelled is what tonic's client says when its own clock has run out.
            let late = [Code::DeadlineExceeded, Code::Cancelled];
            assert!(late.contains(&status.code()), "{status:?}");
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// The answer to a refresh, however often it takes to get one.
    async fn refresh(&self, service: &Service, refresh_token: &str) -> pb::Tokens {
        loop {
            let refresh_token = refresh_token.to_owned();
            let request = within(DEADLINE, pb::RefreshTokenRequest { refresh_token });
            match service.auth().refresh_token(request).await {
                Ok(answer) => return answer.into_inner().tokens.unwrap(),
                Err(status) => self.failed(&status).await,
            }
        }
    }

    /// Refreshes from two tabs at a time. Returns the last two tokens.
    async fn keep_refreshing(&self, client: usize, service: &Service) -> [pb::Tokens; 2] {
        let email = format!("refreshing{client}@example.com");
        let mut last = service.register(&email).await.tokens.unwrap();
        loop {
            let (one, other) = tokio::join!(
                self.refresh(service, &last.refresh_token),
                self.refresh(service, &last.refresh_token)
            );
            assert_eq!(one.refresh_token, other.refresh_token, "the family split");
            self.done[client].fetch_add(1, Ordering::SeqCst);
            if self.is_over() {
                return [last, one];
            }
            last = one;
        }
    }

    /// Registers one user after the other. Returns the tokens of each.
    async fn keep_registering(&self, client: usize, service: &Service) -> Vec<pb::Tokens> {
        let mut tokens = Vec::new();
        while !self.is_over() {
            let email = format!("registering{client}-{}@example.com", tokens.len());
            tokens.push(self.register(service, &email).await);
            self.done[client].fetch_add(1, Ordering::SeqCst);
        }
        tokens
    }

    /// Signs out of one session after the other.
    async fn sign_out_of(&self, service: &Service, sessions: &[pb::Tokens]) {
        for tokens in sessions {
            self.sign_out(service, &tokens.access_token).await;
        }
    }

    async fn sign_out(&self, service: &Service, access_token: &str) {
        loop {
            let mut request = bearer(access_token, pb::LogoutRequest::default());
            request.set_timeout(DEADLINE);
            match service.auth().logout(request).await {
                Ok(_) => return,
                Err(status) => self.failed(&status).await,
            }
        }
    }

    /// Registers, and signs in when an answer that was lost had said yes.
    async fn register(&self, service: &Service, email: &str) -> pb::Tokens {
        loop {
            let request = within(DEADLINE, registration(email));
            match service.auth().register(request).await {
                Ok(answer) => return answer.into_inner().tokens.unwrap(),
                Err(status) if status.code() == Code::AlreadyExists => break,
                Err(status) => self.failed(&status).await,
            }
        }
        loop {
            match service.login(email, PASSWORD).await {
                Ok(answer) => return answer.tokens.unwrap(),
                Err(status) => self.failed(&status).await,
            }
        }
    }
}

/// Sessions to sign out of: that takes one write and no read, so a store that acknowledged it too early would do so at
/// once.
async fn sessions_of_one(service: &Service) -> Vec<pb::Tokens> {
    let email = "everywhere@example.com";
    service.register(email).await;
    let logins = (0..40).map(|_| service.login(email, PASSWORD));
    let signed_in = join_all(logins).await.into_iter().map(Result::unwrap);
    signed_in.map(|login| login.tokens.unwrap()).collect()
}

/// The two members that follow a primary.
fn followers(primary: usize) -> [usize; 2] {
    [(primary + 1) % 3, (primary + 2) % 3]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_the_primary_loses_no_user_and_no_sign_out_and_splits_no_session() {
    let mut set = ReplicaSet::start_three().await;
    let place = Place::new(config_on(&set.url("auth_of_a_test")));
    let (one, other) = tokio::join!(place.clone().start(), place.start());
    let services = [one.unwrap(), other.unwrap()].map(Arc::new);
    let course = Arc::new(Course::default());
    let service = |client: usize| (Arc::clone(&course), Arc::clone(&services[client % 2]));
    let refreshing = (0..REFRESHING).map(|client| {
        let (course, service) = service(client);
        tokio::spawn(async move { course.keep_refreshing(client, &service).await })
    });
    let refreshing: Vec<_> = refreshing.collect();
    let registering = (REFRESHING..REFRESHING + REGISTERING).map(|client| {
        let (course, service) = service(client);
        tokio::spawn(async move { course.keep_registering(client, &service).await })
    });
    let registering: Vec<_> = registering.collect();

    let sessions: Arc<[pb::Tokens]> = sessions_of_one(&services[0]).await.into();
    let ((course_of, service), ending) = (service(0), Arc::clone(&sessions));

    course.progress().await;
    let primary = set.wait_for_primary().await;
    // Stopping them would not do: what the primary sends waits in their sockets.
    for member in followers(primary) {
        set.kill(member);
    }
    let signing_out = tokio::spawn(async move { course_of.sign_out_of(&service, &ending).await });
    // What the primary acknowledges now, on its own, is lost with it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    set.kill(primary);
    for member in followers(primary) {
        set.restart(member).await;
    }
    course.progress().await;
    signing_out.await.unwrap();
    course.over.store(true, Ordering::SeqCst);

    for tokens in &*sessions {
        assert_eq!(
            refusal(services[1].get_me(&tokens.access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
    }

    for task in registering {
        for tokens in task.await.unwrap() {
            services[0].get_me(&tokens.access_token).await.unwrap();
            services[1].refresh(&tokens.refresh_token).await.unwrap();
        }
    }
    for task in refreshing {
        let [before, last] = task.await.unwrap();
        for service in &services {
            let repeated = service.refresh(&before.refresh_token).await.unwrap();
            assert_eq!(repeated.refresh_token, last.refresh_token);
        }
        services[0].refresh(&last.refresh_token).await.unwrap();
    }
    assert!(course.failed.load(Ordering::SeqCst) > 0, "the loss was not felt");
}

#[tokio::test]
async fn with_the_store_down_calls_are_refused_in_time_and_work_again_when_it_is_back() {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut set = ReplicaSet::start().await;
    let place = Place::new(config_on(&set.url("auth_of_a_test")));
    let service = place.start().await.unwrap();
    let tokens = service.signed_in().await;
    set.kill(0);

    let refresh = pb::RefreshTokenRequest {
        refresh_token: tokens.refresh_token.clone(),
    };
    let mut me = bearer(&tokens.access_token, pb::GetMeRequest {});
    me.set_timeout(PATIENCE);
    let (begun, mut auth) = (Instant::now(), service.auth());
    let (mut second, mut third) = (service.auth(), service.auth());
    let (refreshed, registered, seen) = tokio::join!(
        auth.refresh_token(within(PATIENCE, refresh)),
        second.register(within(PATIENCE, registration("grace@example.com"))),
        third.get_me(me),
    );
    let refused = [refreshed.map(drop), registered.map(drop), seen.map(drop)];
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    for status in refused.map(Result::unwrap_err) {
        let details = Details::of(&status);
        assert_eq!(
            (status.code(), details.reason()),
            (Code::Unavailable, "BACKEND_UNAVAILABLE"),
            "{status:?}"
        );
        assert!(details.retry_delay().is_some(), "says when to try again");
    }

    set.restart(0).await;
    let begun = Instant::now();
    while let Err(status) = service.get_me(&tokens.access_token).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{status:?}");
    }
    service.refresh(&tokens.refresh_token).await.unwrap();
    service.register("grace@example.com").await;
}
