//! What a browser may make a visitor's machine send to us, and what of it we refuse before anything is read.
//!
//! gRPC-Web itself has no defence against cross-site requests: a foreign page's `text/plain` POST needs no
//! preflight. So only requests that a page cannot send without asking first pass: the exact content types, a
//! known origin when there is one, and on gRPC-Web a header of its clients.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use grpc_server::RequestId;
use http::header::{ALLOW, CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::headers::{X_GRPC_WEB, X_USER_AGENT};
use crate::origin::{self, Origin};

const NATIVE: [&str; 2] = ["application/grpc", "application/grpc+proto"];
const WEB: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// From where a browser sends a request (W3C Fetch Metadata); others do not say it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// 8 KiB: the names and values of a request's headers together. A token is at most 2 KiB. What is sent on must
/// fit into what an upstream takes, for over one request that does not an HTTP/2 connection may end, with the
/// calls of everybody on it.
const MOST_HEADER_BYTES: usize = 8 * 1024;

/// The pages that may call.
#[derive(Debug)]
pub(crate) struct Known {
    /// Those of these origins.
    pub(crate) allowed: Vec<Origin>,
    /// Whether there are pages of this server itself.
    pub(crate) serves_pages: bool,
}

/// Lets a request through to the API, or answers it with the reason.
pub(crate) async fn guard(State(known): State<Arc<Known>>, request: Request, next: Next) -> Response {
    match refusal(&request, &known) {
        None => next.run(request).await,
        Some(refusal) => {
            let request_id = request.extensions().get::<RequestId>().map(RequestId::as_str);
            let path = request.uri().path();
            tracing::debug!(request_id, path, status = %refusal.0, reason = refusal.1, "refused");
            answer(refusal)
        }
    }
}

type Refusal = (StatusCode, &'static str);

fn answer((status, text): Refusal) -> Response {
    let mut response = (status, format!("{text}\n")).into_response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let methods = HeaderValue::from_static("POST, OPTIONS");
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

fn refusal(request: &http::Request<Body>, known: &Known) -> Option<Refusal> {
    if header_bytes(request.headers()) > MOST_HEADER_BYTES {
        return Some((
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers of a request are at most 8 KiB",
        ));
    }
    if request.method() != Method::POST {
        return Some((StatusCode::METHOD_NOT_ALLOWED, "the API is called with POST"));
    }
    let headers = request.headers();
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(content_type), None) = (content_types.next(), content_types.next()) else {
        return Some(wrong_content_type());
    };
    let is_web = WEB.iter().any(|web| content_type == web);
    if !is_web && !NATIVE.iter().any(|native| content_type == native) {
        return Some(wrong_content_type());
    }
    if !is_web && request.version() < Version::HTTP_2 {
        return Some((
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2; over HTTP/1.1 use gRPC-Web",
        ));
    }
    if !headers
        .get_all(ORIGIN)
        .iter()
        .all(|origin| is_allowed(origin, request, known))
    {
        return Some((
            StatusCode::FORBIDDEN,
            "pages of this origin may not call the API (GATEWAY_ALLOWED_ORIGINS)",
        ));
    }
    if !headers.contains_key(ORIGIN) && is_of_another_origin(headers) {
        return Some((
            StatusCode::FORBIDDEN,
            "a browser that sends a request for a page of another origin names it in the origin header",
        ));
    }
    if is_web && !headers.contains_key(X_GRPC_WEB) && !headers.contains_key(X_USER_AGENT) {
        return Some((
            StatusCode::FORBIDDEN,
            "gRPC-Web requests carry x-grpc-web or x-user-agent",
        ));
    }
    None
}

fn is_of_another_origin(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    sites.any(|site| site == "cross-site" || site == "same-site")
}

/// Of all names and values; a name counts once for each of its values.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

fn wrong_content_type() -> Refusal {
    (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the API takes application/grpc[+proto] and application/grpc-web[-text][+proto], exactly",
    )
}

fn is_allowed(origin: &HeaderValue, request: &http::Request<Body>, known: &Known) -> bool {
    known.allowed.iter().any(|allowed| allowed.is(origin))
        || authority(request).is_some_and(|authority| {
            origin::is_own(origin, &authority)
                || (known.serves_pages
                    && is_of_the_same_origin(request.headers())
                    && origin::is_own_over_https(origin, &authority))
        })
}

/// Whether a browser vouches that page and request are of one origin, scheme included.
fn is_of_the_same_origin(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none()
}

/// How the client addressed us: `:authority`, or `Host`.
fn authority(request: &http::Request<Body>) -> Option<Authority> {
    let host = || request.headers().get(HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(host)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::request::Builder;
    use http::{Request, Version};

    use super::{Known, Origin, refusal};

    /// The status that answers a request for a gateway that allows `https://app.example.com`.
    fn refused(request: Builder) -> Option<u16> {
        refused_by(false, request)
    }

    /// The same, for a gateway that serves pages or not.
    fn refused_by(serves_pages: bool, request: Builder) -> Option<u16> {
        let known = Known {
            allowed: vec![Origin::parse("https://app.example.com").unwrap()],
            serves_pages,
        };
        let request = request.body(Body::empty()).unwrap();
        refusal(&request, &known).map(|(status, _)| status.as_u16())
    }

    fn web() -> Builder {
        post("application/grpc-web+proto").header("x-grpc-web", "1")
    }

    fn post(content_type: &str) -> Builder {
        Request::post("/s/M")
            .version(Version::HTTP_2)
            .header("content-type", content_type)
    }

    #[test]
    fn exact_grpc_content_types_pass_and_nothing_like_them() {
        for good in ["application/grpc", "application/grpc+proto"] {
            assert_eq!(refused(post(good)), None, "{good}");
        }
        for good in super::WEB {
            assert_eq!(refused(post(good).header("x-user-agent", "c")), None, "{good}");
        }
        for bad in [
            "text/plain",
            "text/plain; application/grpc-web",
            "application/grpc-web; charset=utf-8",
            "application/grpc-web+json",
            "application/grpc+json",
            "Application/Grpc",
            "",
        ] {
            assert_eq!(refused(post(bad).header("x-grpc-web", "1")), Some(415), "{bad}");
        }
        assert_eq!(refused(web().header("content-type", "text/plain")), Some(415));
        assert_eq!(
            refused(Request::post("/s/M").header("x-grpc-web", "1")),
            Some(415)
        );
    }

    #[test]
    fn a_foreign_origin_is_refused_and_none_is_fine() {
        assert_eq!(refused(web()), None);
        assert_eq!(refused(web().header("origin", "https://app.example.com")), None);
        for foreign in [
            "https://evil.example",
            "null",
            "",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
        ] {
            assert_eq!(refused(web().header("origin", foreign)), Some(403), "{foreign}");
        }
        let both = web()
            .header("origin", "https://app.example.com")
            .header("origin", "https://evil.example");
        assert_eq!(refused(both), Some(403));
    }

    #[test]
    fn a_request_from_elsewhere_that_hides_its_origin_is_refused() {
        for site in ["cross-site", "same-site"] {
            let hidden = || web().header("sec-fetch-site", site);
            assert_eq!(refused(hidden()), Some(403), "{site}");
            assert_eq!(
                refused(hidden().header("origin", "https://app.example.com")),
                None,
                "{site}"
            );
            assert_eq!(refused(hidden().header("origin", "null")), Some(403), "{site}");
            let twice = web()
                .header("sec-fetch-site", "none")
                .header("sec-fetch-site", site);
            assert_eq!(refused(twice), Some(403), "{site}");
            let native = post("application/grpc").header("sec-fetch-site", site);
            assert_eq!(refused(native), Some(403), "{site}");
        }
        for site in ["same-origin", "none"] {
            assert_eq!(refused(web().header("sec-fetch-site", site)), None, "{site}");
        }
    }

    #[test]
    fn a_page_of_this_server_itself_is_no_foreigner() {
        let own = web()
            .header("host", "127.0.0.1:8080")
            .header("origin", "http://127.0.0.1:8080");
        assert_eq!(refused(own), None);
        let rebound = web()
            .header("host", "evil.example:8080")
            .header("origin", "http://evil.example:8080");
        assert_eq!(refused(rebound), Some(403));
    }

    #[test]
    fn a_page_served_here_under_a_name_is_known_over_https_when_the_browser_vouches_for_it() {
        let own = |host, origin, site| {
            let request = web().header("host", host).header("origin", origin);
            request.header("sec-fetch-site", site)
        };
        let (host, origin) = ("inv.example:8443", "https://inv.example:8443");
        assert_eq!(refused_by(true, own(host, origin, "same-origin")), None);
        assert_eq!(
            refused_by(false, own(host, origin, "same-origin")),
            Some(403),
            "no pages here"
        );
        for (host, origin, site) in [
            // A page of a name that was pointed here: without TLS anybody's, with TLS never `same-origin`.
            ("evil.example:8080", "http://evil.example:8080", "same-origin"),
            ("evil.example:8080", "https://evil.example:8080", "cross-site"),
            ("evil.example:8080", "https://evil.example:8080", "same-site"),
            ("evil.example:8080", "https://evil.example:8080", "none"),
            // A page of elsewhere.
            ("inv.example", "https://evil.example", "same-origin"),
            ("inv.example", "https://inv.example:8443", "same-origin"),
            ("inv.example", "null", "same-origin"),
        ] {
            assert_eq!(
                refused_by(true, own(host, origin, site)),
                Some(403),
                "{origin} at {host}, {site}"
            );
        }
        let silent = web().header("host", host).header("origin", origin);
        assert_eq!(refused_by(true, silent), Some(403), "the browser says nothing");
        let twice = own(host, origin, "same-origin").header("sec-fetch-site", "cross-site");
        assert_eq!(refused_by(true, twice), Some(403));
    }

    #[test]
    fn grpc_web_needs_a_header_that_a_form_cannot_set() {
        assert_eq!(refused(post("application/grpc-web")), Some(403));
    }

    #[test]
    fn eight_kibibytes_of_headers_pass_and_one_byte_more_does_not() {
        let others = super::header_bytes(web().headers_ref().unwrap());
        let room = super::MOST_HEADER_BYTES - others - "x".len();
        assert_eq!(refused(web().header("x", "v".repeat(room))), None);
        assert_eq!(refused(web().header("x", "v".repeat(room + 1))), Some(431));
        let many = (0..60).fold(web(), |web, _| web.header("tracestate", "v".repeat(900)));
        assert_eq!(refused(many), Some(431));
    }

    #[test]
    fn only_post_and_native_grpc_only_over_http2() {
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
            assert_eq!(refused(web().method(method)), Some(405), "{method}");
        }
        let old = post("application/grpc").version(Version::HTTP_11);
        assert_eq!(refused(old), Some(505));
        assert_eq!(refused(web().version(Version::HTTP_11)), None);
    }
}
