//! Guessing passwords: what is refused, what a refusal costs, and what it does not tell.

use std::collections::BTreeSet;
use std::time::Duration;

use auth_service::{Config, HashingLimits, ThrottleConfig};
use futures::future::join_all;
use proto::auth::v1 as pb;
use rpc_error::Details;
use tonic::{Code, Request, Response, Status};

use crate::support::{PASSWORD, Service, config, refusal, registration, unauthenticated};

const WRONG: &str = "another quiet heron crossed";

fn login(email: &str, password: &str, device_token: &str) -> pb::LoginRequest {
    pb::LoginRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        client_label: String::new(),
        device_token: device_token.to_owned(),
    }
}

/// A sign-in on a device that shows this token, and the token that it gets.
async fn login_on(service: &Service, device_token: &str, password: &str) -> Result<String, Status> {
    let request = login("ada@example.com", password, device_token);
    let signed_in = service.auth().login(request).await?.into_inner();
    Ok(signed_in.tokens.unwrap().device_token)
}

/// How long a refused sign-in has to wait.
#[track_caller]
fn wait<T: std::fmt::Debug>(result: Result<T, Status>) -> Duration {
    let status = result.unwrap_err();
    let details = Details::of(&status);
    assert_eq!(
        (status.code(), details.reason()),
        (Code::ResourceExhausted, "SIGN_IN_THROTTLED"),
        "{status:?}"
    );
    details.retry_delay().unwrap()
}

/// What a part of a test has cost: hashes, look-ups of users, and everything else asked of the store.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    hashes: u64,
    lookups: u64,
    other: u64,
}

impl Cost {
    const NOTHING: Self = Self {
        hashes: 0,
        lookups: 0,
        other: 0,
    };
    /// Of a sign-in that failed.
    const FAILURE: Self = Self {
        hashes: 1,
        lookups: 1,
        other: 0,
    };

    async fn of<T>(service: &Service, part: impl Future<Output = T>) -> (T, Self) {
        let before = Self::so_far(service);
        let done = part.await;
        let after = Self::so_far(service);
        let cost = Self {
            hashes: after.hashes - before.hashes,
            lookups: after.lookups - before.lookups,
            other: after.other - before.other,
        };
        (done, cost)
    }

    fn so_far(service: &Service) -> Self {
        let text = service.metrics().to_text();
        let sum = |counted: &dyn Fn(&str) -> bool| -> u64 {
            let counts = text.lines().filter(|line| counted(line));
            counts
                .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
                .sum()
        };
        let store = |line: &str| line.starts_with("db_client_operation_duration_seconds_count");
        let lookup = |line: &str| line.contains("\"user_by_email\"");
        // Whether the store answers is asked all the time, what has expired is looked for, and events are written later.
        let background = ["\"ping\"", "\"sweep_", "event"];
        let always = |line: &str| background.iter().any(|name| line.contains(name));
        Self {
            hashes: sum(&|line| line.starts_with("auth_password_hashes_total")),
            lookups: sum(&|line| store(line) && lookup(line)),
            other: sum(&|line| store(line) && !lookup(line) && !always(line)),
        }
    }
}

#[tokio::test]
async fn failures_delay_the_next_attempt_and_a_refused_one_costs_nothing() {
    let service = Service::start().await;
    service.register("ada@example.com").await;
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        let failed = service.login("ada@example.com", WRONG).await;
        assert_eq!(refusal(failed), unauthenticated("CREDENTIALS_INVALID"));
        let (refused, cost) = Cost::of(&service, service.login("ada@example.com", PASSWORD)).await;
        assert_eq!(
            wait(refused),
            Duration::from_secs(seconds),
            "also with the right password"
        );
        assert_eq!(cost, Cost::NOTHING);
        service
            .login("eve@example.com", "nobody's business")
            .await
            .unwrap_err();
        service.advance(i64::try_from(seconds).unwrap());
    }
    service.login("ada@example.com", PASSWORD).await.unwrap();
    service.login("ada@example.com", WRONG).await.unwrap_err();
    assert_eq!(
        wait(service.login("ada@example.com", WRONG).await),
        Duration::from_secs(1),
        "success forgets"
    );
}

#[tokio::test]
async fn unknown_addresses_are_throttled_as_known_ones_and_cost_the_same() {
    let service = Service::start().await;
    service.register("ada@example.com").await;
    for spelling in ["%@example.com", "%@EXAMPLE.COM", " not even an address %"] {
        let mut answers = Vec::new();
        for name in ["ada", "eve"] {
            let email = spelling.replace('%', name);
            let (failed, failure) = Cost::of(&service, service.login(&email, WRONG)).await;
            let failed = failed.unwrap_err();
            let (refused, refusal) = Cost::of(&service, service.login(&email, WRONG)).await;
            let refused = refused.unwrap_err();
            assert_eq!((failure, refusal), (Cost::FAILURE, Cost::NOTHING), "{email}");
            let seen = |status: &Status| {
                (
                    status.code(),
                    status.message().to_owned(),
                    status.details().to_vec(),
                )
            };
            answers.push((seen(&failed), seen(&refused)));
        }
        assert_eq!(answers[0], answers[1], "{spelling}");
        service.advance(60);
    }
}

#[tokio::test]
async fn fifty_attempts_at_once_are_not_fifty_guesses() {
    let service = Service::start().await;
    service.register("ada@example.com").await;
    let attempts = (0..50).map(|_| service.login("ada@example.com", WRONG));
    let (answers, cost) = Cost::of(&service, join_all(attempts)).await;
    let tried = answers
        .into_iter()
        .map(|answer| answer.unwrap_err().code())
        .filter(|code| *code == Code::Unauthenticated)
        .count();
    assert!((1..=4).contains(&tried), "{tried}");
    assert_eq!(cost.hashes, u64::try_from(tried).unwrap());
    let waits = wait(service.login("ada@example.com", PASSWORD).await);
    assert_eq!(waits, Duration::from_secs(1 << (tried - 1)));
}

#[tokio::test]
async fn a_person_may_sign_in_on_many_devices_at_once() {
    let service = Service::start().await;
    service.register("ada@example.com").await;
    let sign_ins = (0..40).map(|_| service.login("ada@example.com", PASSWORD));
    assert!(join_all(sign_ins).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_device_that_signed_in_before_does_not_wait_for_the_failures_of_others() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    assert!(!tokens.device_token.is_empty(), "given at registration");
    for _ in 0..20 {
        service.login("ada@example.com", WRONG).await.unwrap_err();
        service.advance(60);
    }
    service.login("ada@example.com", WRONG).await.unwrap_err();
    wait(service.login("ada@example.com", PASSWORD).await);
    let renewed = login_on(&service, &tokens.device_token, PASSWORD).await.unwrap();

    wait(service.login("ada@example.com", PASSWORD).await);
    login_on(&service, &renewed, WRONG).await.unwrap_err();
    let its_own = wait(login_on(&service, &renewed, PASSWORD).await);
    assert_eq!(
        its_own,
        Duration::from_secs(1),
        "a stolen token has a back-off of its own"
    );
    assert_eq!(
        wait(login_on(&service, &tokens.device_token, PASSWORD).await),
        its_own,
        "the old token is of the same device"
    );
    service.advance(60);
    let elsewhere = login_on(&service, "", PASSWORD).await.unwrap();
    login_on(&service, &renewed, WRONG).await.unwrap_err();
    login_on(&service, &elsewhere, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_device_token_that_is_no_good_makes_an_unknown_device() {
    let service = Service::start().await;
    let old = service.signed_in().await.device_token;
    let foreign = service
        .register("eve@example.com")
        .await
        .tokens
        .unwrap()
        .device_token;
    let other = Service::start().await.signed_in().await.device_token;
    service.advance(180 * 86_400);
    let good = login_on(&service, &old, PASSWORD).await.unwrap();
    let mut forged = good.clone();
    forged.replace_range(0..1, if good.starts_with('A') { "B" } else { "A" });
    service.login("ada@example.com", WRONG).await.unwrap_err();
    for token in [
        &foreign,
        &other,
        &old,
        &forged,
        &good[1..],
        "x",
        &"x".repeat(2_000),
    ] {
        wait(login_on(&service, token, PASSWORD).await);
    }
    login_on(&service, &good, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_device_stays_known_after_a_restart_and_a_refresh_gives_no_device_token() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let refreshed = service.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(refreshed.device_token, "");
    let service = service.restart().await;
    service.login("ada@example.com", WRONG).await.unwrap_err();
    wait(service.login("ada@example.com", PASSWORD).await);
    login_on(&service, &tokens.device_token, PASSWORD).await.unwrap();
}

/// Few sign-ins for each address, from proxies on this machine.
async fn strict() -> Service {
    let throttle = ThrottleConfig {
        trusted_proxies: vec!["127.0.0.0/8".to_owned()],
        sign_ins_per_minute: 60,
        sign_in_burst: 3,
    };
    Service::start_with(Config { throttle, ..config() }).await
}

fn from<T>(address: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("x-forwarded-for", address.parse().unwrap());
    request
}

#[tokio::test]
async fn each_address_may_send_so_many_and_a_client_cannot_choose_its_own() {
    let service = strict().await;
    let sign_in = async |address: &str| {
        let request = from(address, login("ada@example.com", WRONG, ""));
        service.auth().login(request).await.map(Response::into_inner)
    };
    let register = async |address: &str, email: &str| {
        service
            .auth()
            .register(from(address, registration(email)))
            .await
            .map(Response::into_inner)
    };
    register("203.0.113.9", "ada@example.com").await.unwrap();
    register("203.0.113.9", "ada@example.com").await.unwrap_err();
    sign_in("203.0.113.9").await.unwrap_err();
    let ((), cost) = Cost::of(&service, async {
        assert_eq!(wait(sign_in("203.0.113.9").await), Duration::from_secs(1));
        assert_eq!(
            wait(sign_in("198.51.100.1, 203.0.113.9").await),
            Duration::from_secs(1)
        );
        assert_eq!(
            wait(sign_in("[::ffff:203.0.113.9]:80").await),
            Duration::from_secs(1)
        );
        assert_eq!(
            wait(register("203.0.113.9", "new@example.com").await),
            Duration::from_secs(1)
        );
    })
    .await;
    assert_eq!(cost, Cost::NOTHING);
    register("203.0.113.10", "bob@example.com").await.unwrap();
    for host in 1..=3 {
        register(&format!("2001:db8::{host}"), &format!("v6-{host}@example.com"))
            .await
            .unwrap();
    }
    wait(register("2001:db8::ffff", "v6@example.com").await);
    register("2001:db8:0:1::1", "v6@example.com").await.unwrap();
    service.advance(1);
    register("203.0.113.9", "new@example.com").await.unwrap();
    wait(register("203.0.113.9", "newer@example.com").await);
}

#[tokio::test]
async fn without_a_trusted_proxy_forwarded_addresses_are_not_believed() {
    let throttle = ThrottleConfig {
        sign_in_burst: 3,
        ..ThrottleConfig::default()
    };
    let service = Service::start_with(Config { throttle, ..config() }).await;
    for host in 1..=3 {
        let email = format!("{host}@example.com");
        let request = from(&format!("203.0.113.{host}"), registration(&email));
        service.auth().register(request).await.unwrap();
    }
    let fourth = from("203.0.113.4", registration("4@example.com"));
    wait(service.auth().register(fourth).await);
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_refused_with_its_cause_and_only_what_is_hashed_is_tried() {
    let hashing = HashingLimits {
        workers: 1,
        queue: 4,
        deadline: Duration::from_mins(1),
    };
    let service = Service::start_with(Config { hashing, ..config() }).await;
    let tokens = service.signed_in().await;
    let before = Cost::so_far(&service).hashes;
    let attempts: Vec<_> = (0..200)
        .map(|number| {
            let mut auth = service.auth();
            let request = login(&format!("{number}@example.com"), WRONG, "");
            tokio::spawn(async move { auth.login(request).await })
        })
        .collect();
    service.get_me(&tokens.access_token).await.unwrap();
    let (mut tried, mut waits) = (0, BTreeSet::new());
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        if answer
            .as_ref()
            .is_err_and(|status| status.code() == Code::Unauthenticated)
        {
            tried += 1;
        } else {
            waits.insert(wait(answer));
        }
    }
    // They shall not come back together.
    let (first, last) = (waits.first().unwrap(), waits.last().unwrap());
    let (earliest, latest) = (Duration::from_secs(1), Duration::from_secs(3));
    assert!(*first >= earliest && *last <= latest, "{waits:?}");
    assert!(last.saturating_sub(*first) > Duration::from_secs(1), "{waits:?}");
    assert!(
        (5..=100).contains(&tried),
        "one worker and four places cannot take all: {tried}"
    );
    assert_eq!(
        Cost::so_far(&service).hashes - before,
        tried,
        "refusals cost no hash"
    );
    let text = service.metrics().to_text();
    let refused = 200 - tried;
    let line = format!("auth_sign_ins_refused_total{{service=\"auth-service\",cause=\"hashing\"}} {refused}");
    assert!(text.contains(&line), "{line}: {text}");
    service.login("ada@example.com", PASSWORD).await.unwrap();
}
