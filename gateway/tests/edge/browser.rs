use http::{Method, Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rpc_error::reason;
use tonic::Code;

use crate::fixture::{ALLOWED, ECHO, FAIL, Gateway, WATCH};
use crate::upstream::Upstream;
use crate::web_client::{Call, read};

async fn both() -> (Upstream, Gateway) {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    (upstream, gateway)
}

#[tokio::test]
async fn grpc_web_is_answered_in_binary_and_text_over_both_protocols() {
    let (_upstream, gateway) = both().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let binary = Call::new(ECHO, "größer").over(version);
        for call in [binary.clone(), binary.in_text()] {
            let answer = call.send(&gateway).await;
            assert_eq!(answer.status.code(), Code::Ok, "{version:?}");
            assert_eq!(answer.text, "größer");
            assert!(answer.is_readable());
        }
    }
}

#[tokio::test]
async fn an_error_reaches_a_page_with_its_details() {
    let (_upstream, gateway) = both().await;
    for call in [
        Call::new(FAIL, "x"),
        Call::new(FAIL, "x").in_text(),
        Call::new(FAIL, "x").over(Version::HTTP_2),
    ] {
        let answer = call.send(&gateway).await;
        assert_eq!(answer.status.code(), Code::InvalidArgument);
        let details = answer.details();
        assert_eq!(details.reason(), reason::FIELDS_INVALID);
        assert_eq!(details.violations()[1].0, "invoice.lines[1].quantity");
        assert!(answer.is_readable());
    }
}

#[tokio::test]
async fn an_error_of_twenty_kilobytes_passes() {
    let (_upstream, gateway) = both().await;
    let many = "/invoiceapp.invoice.v1.InvoiceService/ManyProblems";
    let answer = Call::new(many, "x").over(Version::HTTP_2).send(&gateway).await;
    assert!(answer.status.details().len() > 16 * 1024);
    assert_eq!(answer.status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let (upstream, gateway) = both().await;
    let mut body = Call::new(WATCH, "").open(&gateway).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(read(&first).0, "first");
    upstream.release.send(true).unwrap();
    let (text, trailers) = read(&body.collect().await.unwrap().to_bytes());
    assert_eq!(text, "second");
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
}

/// A preflight for `origin`.
async fn preflight(gateway: &Gateway, origin: &str) -> http::response::Parts {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(format!("http://{}{ECHO}", gateway.addr))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-grpc-web,authorization",
        )
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    client.request(request).await.unwrap().into_parts().0
}

#[tokio::test]
async fn a_preflight_tells_an_allowed_page_what_it_may_send() {
    let (upstream, gateway) = both().await;
    let headers = preflight(&gateway, ALLOWED).await.headers;
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), ALLOWED);
    assert_eq!(header("access-control-allow-methods"), "POST");
    assert_eq!(header("access-control-max-age"), "7200");
    assert_eq!(header("access-control-allow-credentials"), "true");
    for name in [
        "authorization",
        "x-grpc-web",
        "grpc-timeout",
        "x-request-id",
        "traceparent",
        "x-token-delivery",
    ] {
        assert!(header("access-control-allow-headers").contains(name), "{name}");
    }
    assert!(header("vary").contains("origin"));
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn a_preflight_tells_a_foreign_page_nothing() {
    let (_upstream, gateway) = both().await;
    for foreign in [
        "https://evil.example",
        "null",
        "https://app.example.com.evil.example",
    ] {
        let headers = preflight(&gateway, foreign).await.headers;
        for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
            assert!(!headers.contains_key(name), "{name} for {foreign}");
        }
    }
}

#[tokio::test]
async fn what_a_foreign_page_sends_is_refused_and_never_forwarded() {
    let (upstream, gateway) = both().await;
    let refused = [
        (Call::new(ECHO, "x").header("origin", "https://evil.example"), 403),
        (Call::new(ECHO, "x").header("origin", "null"), 403),
        (Call::new(ECHO, "x").header("content-type", "text/plain"), 415),
        (
            Call::new(ECHO, "x").header("content-type", "application/grpc-web; charset=utf-8"),
            415,
        ),
        (Call::new(ECHO, "x").without("x-grpc-web"), 403),
        (
            Call::new(ECHO, "x")
                .without("origin")
                .header("sec-fetch-site", "cross-site"),
            403,
        ),
    ];
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for (call, status) in &refused {
            let call = call.clone().header("x-request-id", "refused_1").over(version);
            let (http, text) = call.refused(&gateway).await;
            assert_eq!(http.status, *status, "{:?} {version:?}", call.headers);
            assert_eq!(http.headers["x-request-id"], "refused_1");
            assert!(text.len() > 20, "a person should learn why");
        }
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn a_page_without_origin_header_is_served_without_cors() {
    let (_upstream, gateway) = both().await;
    let answer = Call::new(ECHO, "x").without("origin").send(&gateway).await;
    assert_eq!(answer.text, "x");
    for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
        assert!(!answer.http.headers.contains_key(name), "{name}");
    }
    assert!(answer.http.headers["vary"].to_str().unwrap().contains("origin"));
}

#[tokio::test]
async fn an_allowed_page_may_send_its_cookies_and_a_foreign_one_is_not_told_so() {
    let (_upstream, gateway) = both().await;
    let allowed = Call::new(ECHO, "x").send(&gateway).await;
    assert_eq!(allowed.http.headers["access-control-allow-origin"], ALLOWED);
    assert_eq!(allowed.http.headers["access-control-allow-credentials"], "true");
    assert!(allowed.http.headers["vary"].to_str().unwrap().contains("origin"));
    let foreign = Call::new(ECHO, "x").header("origin", "https://evil.example");
    let (refused, _) = foreign.refused(&gateway).await;
    for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
        assert!(!refused.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn identity_and_address_headers_of_a_client_do_not_reach_a_service_and_internal_ones_do_not_come_back()
{
    let (upstream, gateway) = both().await;
    let call = Call::new(ECHO, "x")
        .header("authorization", "Bearer t")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .header("cookie", "a=b")
        .header("x-forwarded-for", "10.0.0.1")
        .header("forwarded", "for=10.0.0.1")
        .header("x-user-id", "usr_1")
        .header("x-org-id", "org_1");
    let answer = call.send(&gateway).await;
    let seen = upstream.last_headers();
    for name in [
        "cookie",
        "forwarded",
        "x-user-id",
        "x-org-id",
        "origin",
        "x-grpc-web",
    ] {
        assert!(!seen.contains_key(name), "{name}");
    }
    assert_eq!(seen["authorization"], "Bearer t");
    assert!(seen.contains_key("traceparent"));
    assert_eq!(seen["x-forwarded-for"], "127.0.0.1");
    assert_eq!(answer.http.headers["x-idempotent-replay"], "true");
    for name in ["x-internal", "set-cookie"] {
        assert!(!answer.http.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_service_gets_one_address_the_one_that_the_proxy_saw() {
    let (upstream, _) = both().await;
    for (trusted, told) in [
        (&["127.0.0.0/8"][..], "203.0.113.9"),
        (&["127.0.0.0/8", "203.0.113.0/24"], "198.51.100.1"),
        (&["10.0.0.0/8"], "127.0.0.1"),
    ] {
        let gateway = Gateway::behind(&upstream, trusted).await;
        let said = "192.0.2.1, 198.51.100.1, 203.0.113.9";
        let call = Call::new(ECHO, "x").header("x-forwarded-for", said);
        call.send(&gateway).await;
        let seen = upstream.last_headers();
        let seen: Vec<_> = seen.get_all("x-forwarded-for").iter().collect();
        assert_eq!(seen, [told], "{trusted:?}");
    }
}

#[tokio::test]
async fn the_request_id_goes_to_the_service_and_comes_back_on_success_and_error() {
    let (upstream, gateway) = both().await;
    for path in [ECHO, FAIL, "/no.Such/Method"] {
        let answer = Call::new(path, "x")
            .header("x-request-id", "from-page_1")
            .send(&gateway)
            .await;
        assert_eq!(answer.http.headers["x-request-id"], "from-page_1", "{path}");
    }
    assert_eq!(upstream.last_headers()["x-request-id"], "from-page_1");
    let made = Call::new(ECHO, "x")
        .header("x-request-id", "not valid!")
        .send(&gateway)
        .await;
    let id = made.http.headers["x-request-id"].clone();
    assert_ne!(id, "not valid!");
    assert_eq!(upstream.last_headers()["x-request-id"], id);
}

#[tokio::test]
async fn answers_that_are_no_rpcs_carry_a_request_id_too() {
    let (_upstream, gateway) = both().await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let long = "v".repeat(9000);
    for (method, path, long, status) in [
        (Method::GET, ECHO, "", 405),
        (Method::POST, ECHO, long.as_str(), 431),
        (Method::POST, ECHO, "", 415),
        (Method::GET, "/", "", 200),
        (Method::GET, "/healthz", "", 200),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", gateway.addr))
            .header("long", long)
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["x-request-id"].len(), 32, "{path}: a new one");
        assert_is_hardened(response.headers());
    }
    let headers = preflight(&gateway, ALLOWED).await.headers;
    assert_eq!(headers["x-request-id"].len(), 32);
    assert_is_hardened(&headers);
}

#[track_caller]
fn assert_is_hardened(headers: &http::HeaderMap) {
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(
        headers["content-security-policy"],
        "default-src 'none'; frame-ancestors 'none'"
    );
    assert!(
        !headers.contains_key("strict-transport-security"),
        "there is no TLS"
    );
}

#[tokio::test]
async fn answers_of_rpcs_are_hardened_too() {
    let (_upstream, gateway) = both().await;
    for path in [ECHO, FAIL, "/no.Such/Method"] {
        assert_is_hardened(&Call::new(path, "x").send(&gateway).await.http.headers);
    }
    let native = gateway
        .unary(ECHO, tonic::Request::new("x".to_owned()))
        .await
        .unwrap();
    assert_is_hardened(native.metadata().as_ref());
}
