//! `GET /.well-known/jwks.json`: the keys that verify access tokens, as RFC 7517 writes them.
//!
//! The one place where the gateway decodes a message: auth-service publishes its keys by gRPC only.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use proto::auth::v1::token_service_client::TokenServiceClient;
use proto::auth::v1::{GetJwksRequest, Jwk};
use serde_json::json;
use telemetry::chain;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::upstream::Upstream;
use crate::upstream_channel::UpstreamChannel;

/// A minute, here and at whoever caches the document together: so long a withdrawn key is seen at most. A new key is
/// published long before it signs.
const FRESH: Duration = Duration::from_mins(1);
/// After a failure auth-service is left alone for this long, whoever asks.
const BACK_OFF: Duration = Duration::from_secs(1);
/// For auth-service to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The key set, fetched from auth-service at most once per minute.
pub(crate) struct Jwks {
    client: TokenServiceClient<UpstreamChannel>,
    /// Held while asking, so that many readers cause one call.
    last: Mutex<Option<Answer>>,
}

/// What auth-service said last.
struct Answer {
    /// Until then it counts.
    until: Instant,
    /// The document, unless there was no answer.
    keys: Option<String>,
}

/// The document and for how long it may be kept.
struct KeySet {
    document: String,
    fresh_for: Duration,
}

impl Answer {
    /// What it says at `now`; `None` when it counts no more.
    fn at(&self, now: Instant) -> Option<Option<KeySet>> {
        let fresh_for = self.until.checked_duration_since(now)?;
        let keys = self.keys.as_ref();
        (!fresh_for.is_zero()).then(|| {
            keys.map(|document| KeySet {
                document: document.clone(),
                fresh_for,
            })
        })
    }
}

impl Jwks {
    pub(crate) fn new(auth: Arc<Upstream>) -> Self {
        Self {
            client: TokenServiceClient::new(UpstreamChannel(auth)),
            last: Mutex::new(None),
        }
    }

    async fn read(&self) -> Option<KeySet> {
        let mut last = self.last.lock().await;
        if let Some(said) = last.as_ref().and_then(|answer| answer.at(Instant::now())) {
            return said;
        }
        // From before asking: a key may be withdrawn while the answer is on its way.
        let asked = Instant::now();
        let keys = self.fetch().await;
        let until = match keys {
            Some(_) => asked + FRESH,
            None => Instant::now() + BACK_OFF,
        };
        last.insert(Answer { until, keys }).at(Instant::now())?
    }

    async fn fetch(&self) -> Option<String> {
        let mut request = tonic::Request::new(GetJwksRequest {});
        request.set_timeout(TIMEOUT);
        let mut client = self.client.clone();
        match tokio::time::timeout(TIMEOUT, client.get_jwks(request)).await {
            Ok(Ok(answer)) => Some(document(&answer.into_inner().keys)),
            Ok(Err(status)) => {
                let cause = status.source().unwrap_or(&status);
                tracing::warn!(error = chain(cause), "auth-service gave no keys");
                None
            }
            Err(_) => {
                tracing::warn!("auth-service gave no keys in time");
                None
            }
        }
    }
}

/// RFC 7517, section 5; each key as RFC 8037 writes it.
fn document(keys: &[Jwk]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "kid": key.kid, "kty": key.kty, "crv": key.crv, "x": key.x, "alg": key.alg, "use": key.r#use,
            })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}

/// Answers the request.
pub(crate) async fn get(State(jwks): State<Arc<Jwks>>) -> Response {
    let Some(keys) = jwks.read().await else {
        return unavailable();
    };
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json".to_owned()),
        (
            CACHE_CONTROL,
            format!("public, max-age={}", keys.fresh_for.as_secs()),
        ),
    ];
    (headers, keys.document).into_response()
}

fn unavailable() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
        (RETRY_AFTER, "1"),
    ];
    let body = json!({ "error": "auth-service cannot be reached; try again shortly" }).to_string();
    (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proto::auth::v1::Jwk;
    use tokio::time::Instant;

    use super::{Answer, FRESH};

    #[test]
    fn a_key_set_is_seen_for_a_minute_in_all_wherever_it_is_cached() {
        let asked = Instant::now();
        let answer = Answer {
            until: asked + FRESH,
            keys: Some("{}".to_owned()),
        };
        for seconds in [0, 1, 59] {
            let age = Duration::from_secs(seconds);
            let said = answer.at(asked + age).unwrap().unwrap();
            assert_eq!(age + said.fresh_for, Duration::from_mins(1));
        }
        assert!(answer.at(asked + Duration::from_mins(1)).is_none());
    }

    #[test]
    fn a_key_set_is_written_as_rfc_7517_says() {
        let key = Jwk {
            kid: "k".to_owned(),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: "x".to_owned(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        let read: serde_json::Value = serde_json::from_str(&super::document(&[key])).unwrap();
        let expected = serde_json::json!({"keys": [
            {"kid": "k", "kty": "OKP", "crv": "Ed25519", "x": "x", "alg": "EdDSA", "use": "sig"},
        ]});
        assert_eq!(read, expected);
    }
}
