//! What every answer tells a browser that is led to open, frame or embed it.

use axum::extract::State;
use axum::response::Response;
use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};

const ALWAYS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// A year, as RFC 6797 has it: for this host only, since others of the domain are not ours to decide about.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Whether browsers are told to come back over TLS only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpsOnly {
    Yes,
    /// Also for TLS on loopback: it counts for every port of a host, and on `localhost` others serve plain pages.
    No,
}

/// Adds them to an answer; the console's files come with a policy of their own.
pub(crate) async fn add(State(https_only): State<HttpsOnly>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https_only == HttpsOnly::Yes {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    response
}
