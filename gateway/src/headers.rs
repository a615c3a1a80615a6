//! Which headers cross the gateway. Everything else stops here, in both directions: identities and addresses
//! that a client claims, whatever an upstream lets slip, and cookies but for those of [`crate::cookies`].

use client_address::{ClientAddress, FORWARDED_FOR};
use grpc_server::{Deadline, REQUEST_ID_HEADER, RequestId, encode_timeout};
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What an upstream may take longer than we wait: then it is the gateway that answers `DEADLINE_EXCEEDED`,
/// not chance.
const UPSTREAM_GRACE: std::time::Duration = std::time::Duration::from_millis(100);

pub(crate) const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");
pub(crate) const X_USER_AGENT: HeaderName = HeaderName::from_static("x-user-agent");
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(crate) const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
pub(crate) const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("x-idempotent-replay");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Tells a service something about the client, so it is passed on once or, above [`MOST_OF_A_NOTE`], not at all.
const NOTES: [HeaderName; 2] = [USER_AGENT, X_USER_AGENT];

/// 512 bytes: longer ones only cost the upstream.
const MOST_OF_A_NOTE: usize = 512;

/// Passed on from a client as they are, and how many of each. Two `authorization` values stay two, so that
/// the service refuses them.
const FROM_CLIENT: [(HeaderName, usize); 3] =
    [(AUTHORIZATION, 2), (GRPC_ACCEPT_ENCODING, 1), (GRPC_ENCODING, 1)];

/// Passed back from an upstream, in headers and in trailers.
const FROM_UPSTREAM: [HeaderName; 7] = [
    CONTENT_TYPE,
    GRPC_ACCEPT_ENCODING,
    GRPC_ENCODING,
    GRPC_MESSAGE,
    GRPC_STATUS,
    GRPC_STATUS_DETAILS,
    IDEMPOTENT_REPLAY,
];

/// The headers for the upstream: what is listed of the client's, and what the gateway itself knows. The place in the
/// trace comes from the call (`telemetry::UpstreamCall::inject`), never from the client's headers as they are.
pub(crate) fn to_upstream(
    client: &HeaderMap,
    id: Option<&RequestId>,
    deadline: Option<Deadline>,
    address: Option<ClientAddress>,
) -> HeaderMap {
    let mut headers = from_client(client);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if let Some(id) = id {
        headers.insert(REQUEST_ID_HEADER, id.to_header_value());
    }
    if let Some(deadline) = deadline {
        headers.insert(
            GRPC_TIMEOUT,
            encode_timeout(deadline.remaining() + UPSTREAM_GRACE),
        );
    }
    // One address, so that a service which trusts the gateway has nothing to choose from.
    if let Some(Ok(address)) = address.map(|address| HeaderValue::from_str(&address.ip().to_string())) {
        headers.insert(FORWARDED_FOR, address);
    }
    headers
}

/// What is listed of the client's headers, bounded in number and, where a service can do without, in length.
fn from_client(client: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(FROM_CLIENT.len() + NOTES.len());
    for (name, most) in &FROM_CLIENT {
        for value in client.get_all(name).iter().take(*most) {
            kept.append(name, value.clone());
        }
    }
    for name in &NOTES {
        if let Some(value) = client.get(name).filter(|value| value.len() <= MOST_OF_A_NOTE) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

/// The headers or trailers for the client.
pub(crate) fn to_client(upstream: &HeaderMap) -> HeaderMap {
    only(upstream, &FROM_UPSTREAM)
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(names.len());
    for name in names {
        for value in headers.get_all(name) {
            kept.append(name, value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{to_client, to_upstream};

    fn headers(names: &[&'static str]) -> HeaderMap {
        names
            .iter()
            .map(|name| (name.parse().unwrap(), "value".parse().unwrap()))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_a_client_claims_to_be_stays_outside() {
        let sent = headers(&[
            "authorization",
            "cookie",
            "forwarded",
            "x-forwarded-for",
            "x-real-ip",
            "x-user-id",
            "x-org-id",
            "connection",
            "transfer-encoding",
            "traceparent",
        ]);
        let passed = to_upstream(&sent, None, None, None);
        assert_eq!(names(&passed), ["authorization", "content-type", "te"]);
    }

    #[test]
    fn two_authorizations_stay_two_so_that_the_service_refuses_them() {
        let mut sent = headers(&["authorization"]);
        sent.append("authorization", "other".parse().unwrap());
        let passed = to_upstream(&sent, None, None, None);
        assert_eq!(passed.get_all("authorization").iter().count(), 2);
    }

    #[test]
    fn a_client_cannot_pile_up_headers_for_the_upstream() {
        let allowed = ["authorization", "grpc-accept-encoding", "grpc-encoding"];
        let notes = ["user-agent", "x-user-agent"];
        let mut many = HeaderMap::new();
        for name in allowed.into_iter().chain(notes) {
            for _ in 0..60 {
                many.append(name, "v".repeat(512).parse().unwrap());
            }
        }
        let passed = to_upstream(&many, None, None, None);
        for name in allowed.into_iter().chain(notes) {
            let most = if name == "authorization" { 2 } else { 1 };
            assert_eq!(passed.get_all(name).iter().count(), most, "{name}");
        }
        for name in notes {
            let long = HeaderMap::from_iter([(name.parse().unwrap(), "v".repeat(513).parse().unwrap())]);
            assert!(!to_upstream(&long, None, None, None).contains_key(name), "{name}");
        }
    }

    #[test]
    fn an_upstream_tells_a_client_no_more_than_grpc_needs() {
        let sent = headers(&[
            "grpc-status",
            "grpc-message",
            "set-cookie",
            "server",
            "x-internal",
        ]);
        assert_eq!(names(&to_client(&sent)), ["grpc-message", "grpc-status"]);
    }
}
