//! `rotate-keys` as an operator types it, beside the product that runs on the same files.

use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Bearer, build};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetMeRequest, LoginRequest, RefreshTokenRequest, Tokens};
use proto::invoice::v1::ListInvoicesRequest;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use rpc_error::Details;
use serde_json::Value;
use tonic::Status;
use tonic::transport::Channel;

use crate::binary::{Home, Running};

/// What services take to notice, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// For the end of a process at a terminal.
const INTERACTIVE: Duration = Duration::from_secs(5);
/// What `rotate-keys` says of a key that is no key.
const NO_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Somebody with an account, at the gateway.
struct Person {
    gateway: Channel,
    email: String,
    password: String,
}

impl Person {
    async fn register(running: &Running) -> Self {
        let gateway = harness::channel(running.gateway).await;
        let request = build::registration();
        let (email, password) = (request.email.clone(), request.password.clone());
        harness::register(gateway.clone(), request).await.unwrap();
        Self {
            gateway,
            email,
            password,
        }
    }

    async fn sign_in(&self) -> Tokens {
        let request = LoginRequest {
            email: self.email.clone(),
            password: self.password.clone(),
            ..LoginRequest::default()
        };
        let login = || {
            let (mut auth, request) = (AuthServiceClient::new(self.gateway.clone()), request.clone());
            async move { auth.login(request).await }
        };
        let signed_in = harness::unless_busy(login).await.unwrap().into_inner();
        signed_in.tokens.unwrap()
    }

    async fn refresh(&self, tokens: &Tokens) -> Tokens {
        let request = RefreshTokenRequest {
            refresh_token: tokens.refresh_token.clone(),
        };
        let mut auth = AuthServiceClient::new(self.gateway.clone());
        let refreshed = auth.refresh_token(request).await.unwrap().into_inner();
        refreshed.tokens.unwrap()
    }

    /// Why auth-service and invoice-service refuse the token; blank for one that accepts it.
    async fn refusals(&self, tokens: &Tokens) -> [String; 2] {
        let bearer = Bearer::new(&tokens.access_token);
        let mut auth = AuthServiceClient::with_interceptor(self.gateway.clone(), bearer.clone());
        let mut invoices = InvoiceServiceClient::with_interceptor(self.gateway.clone(), bearer);
        let me = auth.get_me(GetMeRequest::default()).await;
        let list = invoices.list_invoices(ListInvoicesRequest::default()).await;
        [reason(me.err()), reason(list.err())]
    }
}

fn reason(refusal: Option<Status>) -> String {
    refusal.map_or_else(String::new, |status| Details::of(&status).reason().to_owned())
}

/// The id of the key that signed the access token.
fn kid(tokens: &Tokens) -> String {
    let header = tokens.access_token.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Makes the keys of a stopped product an hour older, so that its next key may sign at once: services know it by then.
fn make_keys_older(home: &Home) {
    let auth = rusqlite::Connection::open(home.data_dir().join("auth.db")).unwrap();
    let hour = 3_600_000;
    let sql = "UPDATE signing_key SET create_time = create_time - ?1, activate_time = activate_time - ?1";
    let changed = auth.execute(sql, [hour]).unwrap();
    assert_eq!(changed, 2, "one signs, one is next");
}

#[track_caller]
fn succeeded(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The lines of a log that tell of this event and key.
fn events(log: &str, event: &str, kid: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["event"] == event && line["kid"] == kid)
        .collect()
}

/// Waits until `look` finds something.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let found = async {
        loop {
            match look().await {
                Some(found) => return found,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("{what}: not after {PATIENCE:?}"))
}

#[tokio::test]
async fn a_key_that_takes_over_by_command_signs_beside_the_tokens_of_the_one_before() {
    let home = Home::new();
    let first_run = home.start().await;
    first_run.interrupt();
    first_run.ends_with_success(INTERACTIVE).await;
    make_keys_older(&home);
    let running = home.start().await;
    let person = Person::register(&running).await;
    let before = person.sign_in().await;

    let output = home.run(&["rotate-keys"]).await;
    let said = succeeded(&output);
    let mut after = person.sign_in().await;
    let signs_anew = async {
        while kid(&after) == kid(&before) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            after = person.refresh(&after).await;
        }
    };
    tokio::time::timeout(PATIENCE, signs_anew).await.unwrap();
    assert!(
        said.starts_with(&format!("The key {} signs from ", kid(&after))),
        "{said}"
    );
    for tokens in [&before, &after] {
        assert_eq!(person.refusals(tokens).await, ["", ""]);
    }
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(
        events(&told, "signing_keys_rotated", &kid(&after)).len(),
        1,
        "{told}"
    );
    assert!(told.contains(r#""event":"SIGNING_KEYS_ROTATED""#), "{told}");
    eventually("the product tells that it signs with another key", || async {
        let noticed = events(&home.log(), "signing_keys_rotated", &kid(&after));
        (noticed.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_refused_everywhere_within_seconds_and_people_go_on_under_the_next() {
    let home = Home::new();
    let running = home.start().await;
    let person = Person::register(&running).await;
    let stolen = person.sign_in().await;
    assert_eq!(person.refusals(&stolen).await, ["", ""]);

    let output = home.run(&["rotate-keys", "--revoke", "active"]).await;
    let said = succeeded(&output);
    assert!(
        said.starts_with(&format!("The key {} is revoked.", kid(&stolen))),
        "{said}"
    );
    eventually("both services refuse the token", || async {
        let refused = person.refusals(&stolen).await;
        (refused == ["TOKEN_INVALID", "TOKEN_INVALID"]).then_some(())
    })
    .await;
    let signed_in = person.sign_in().await;
    let refreshed = person.refresh(&stolen).await;
    for tokens in [&signed_in, &refreshed] {
        assert_ne!(kid(tokens), kid(&stolen));
        assert_eq!(person.refusals(tokens).await, ["", ""]);
    }
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(
        events(&told, "signing_key_revoked", &kid(&stolen)).len(),
        1,
        "{told}"
    );
    let noticed = eventually("the product tells of the key", || async {
        events(&home.log(), "signing_key_revoked", &kid(&stolen)).pop()
    })
    .await;
    assert_eq!(noticed["level"], "WARN");

    // The same again, by its id, succeeds and changes nothing; so does the next one's turn.
    succeeded(&home.run(&["rotate-keys", "--revoke", &kid(&stolen)]).await);
    assert_eq!(person.refusals(&signed_in).await, ["", ""]);
    succeeded(&home.run(&["rotate-keys", "--revoke", &kid(&signed_in)]).await);
    eventually("the second key is refused too", || async {
        let refused = person.refusals(&signed_in).await;
        (refused == ["TOKEN_INVALID", "TOKEN_INVALID"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_not_there_is_named_with_those_that_are_and_nothing_changes() {
    let home = Home::new();
    let running = home.start().await;
    let person = Person::register(&running).await;
    let tokens = person.sign_in().await;
    for (key, code, texts) in [
        ("nonsense", 2, ["--revoke <KID>", "nonsense"]),
        ("", 2, ["--revoke <KID>", "''"]),
        (NO_KEY, 1, [NO_KEY, kid(&tokens).as_str()]),
    ] {
        let output = home.run(&["rotate-keys", "--revoke", key]).await;
        let errors = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{key:?}: {errors}");
        assert!(output.stdout.is_empty(), "{key:?}: {output:?}");
        for text in texts {
            assert!(errors.contains(text), "{key:?}: no {text:?} in {errors}");
        }
        assert!(!errors.contains("panicked"), "{errors}");
    }
    assert_eq!(kid(&person.sign_in().await), kid(&tokens));
    assert_eq!(person.refusals(&tokens).await, ["", ""]);
}
