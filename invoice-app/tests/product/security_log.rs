//! The log lines that tell of security events: what an operator's alerts are made of.

use std::time::Duration;

use harness::build;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LoginRequest, LogoutRequest};
use serde_json::Value;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use crate::binary::Home;

/// Failed sign-ins are written by a task of their own.
const PATIENCE: Duration = Duration::from_secs(20);

fn named<T>(message: T, request_id: &'static str) -> Request<T> {
    let mut request = Request::new(message);
    let id = MetadataValue::from_static(request_id);
    request.metadata_mut().insert("x-request-id", id);
    request
}

/// The lines that tell of this event.
fn lines(log: &str, event: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(|line: &Value| line["event"] == event).collect()
}

#[tokio::test]
async fn each_security_event_is_one_line_that_names_event_session_network_and_call_and_no_person() {
    let home = Home::new();
    let running = home.start().await;
    let mut auth = AuthServiceClient::new(harness::channel(running.gateway).await);
    let registration = build::registration();
    let (email, password) = (registration.email.clone(), registration.password.clone());
    let registers = || {
        let (mut auth, request) = (auth.clone(), named(registration.clone(), "registers"));
        async move { auth.register(request).await }
    };
    harness::unless_busy(registers).await.unwrap();
    let login = |password: &str| LoginRequest {
        email: email.clone(),
        password: password.to_owned(),
        ..LoginRequest::default()
    };
    let signs_in = || {
        let (mut auth, request) = (auth.clone(), named(login(&password), "signs-in"));
        async move { auth.login(request).await }
    };
    let signed_in = harness::unless_busy(signs_in).await.unwrap();
    let tokens = signed_in.into_inner().tokens.unwrap();
    let fails = || {
        let (mut auth, request) = (auth.clone(), named(login("not the password at all"), "fails"));
        async move { auth.login(request).await }
    };
    let failed = harness::unless_busy(fails).await.unwrap_err();
    assert_eq!(failed.code(), Code::Unauthenticated);
    let logout = LogoutRequest {
        refresh_token: tokens.refresh_token.clone(),
    };
    auth.logout(named(logout, "signs-out")).await.unwrap();

    let session = Value::from(tokens.session_id.as_str());
    for (event, request_id, of_session) in [
        ("REGISTERED", "registers", None),
        ("SIGNED_IN", "signs-in", Some(&session)),
        ("SIGN_IN_FAILED", "fails", None),
        ("SIGNED_OUT", "signs-out", Some(&session)),
    ] {
        let told = async {
            while lines(&home.log(), event).is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await;
        assert!(told.is_ok(), "no {event} in {}", home.log());
        let lines = lines(&home.log(), event);
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "security event");
        assert_eq!(line["request_id"], request_id, "{line}");
        assert_eq!(line["network"], "127.0.0.0/24", "{line}");
        if let Some(session) = of_session {
            assert_eq!(line["session"], *session, "{line}");
        }
        assert!(!line.to_string().contains(&email), "{line}");
    }
}
