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

/// A new key is published long before it signs, so a minute's delay is nothing.
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

impl Jwks {
    pub(crate) fn new(auth: Arc<Upstream>) -> Self {
        Self {
            client: TokenServiceClient::new(UpstreamChannel(auth)),
            last: Mutex::new(None),
        }
    }

    async fn read(&self) -> Option<String> {
        let mut last = self.last.lock().await;
        if let Some(answer) = last.as_ref()
            && Instant::now() < answer.until
        {
            return answer.keys.clone();
        }
        let keys = self.fetch().await;
        let counts_for = if keys.is_some() { FRESH } else { BACK_OFF };
        *last = Some(Answer {
            until: Instant::now() + counts_for,
            keys: keys.clone(),
        });
        keys
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
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, keys).into_response()
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
    use proto::auth::v1::Jwk;

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
