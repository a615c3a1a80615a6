//! Which calls see the browser's cookies, and which may set some.

use http::{HeaderMap, Version};
use tonic::Code;

use crate::fixture::{ECHO, Gateway};
use crate::upstream::{SET_COOKIES, Upstream};
use crate::web_client::Call;

const REGISTER: &str = "/invoiceapp.auth.v1.AuthService/Register";
const LOGIN: &str = "/invoiceapp.auth.v1.AuthService/Login";
const REFRESH: &str = "/invoiceapp.auth.v1.AuthService/RefreshToken";
/// Its answer's trailers try to set cookies, and its headers do not.
const CHANGE_PASSWORD: &str = "/invoiceapp.auth.v1.AuthService/ChangePassword";
/// It fails, with cookies.
const LOGOUT: &str = "/invoiceapp.auth.v1.AuthService/Logout";

/// What a browser has for the gateway's host.
const JAR: &str = "theme=dark; __Host-invoiceapp-refresh=r; invoiceapp-refresh=r; __Host-invoiceapp-device=d; \
                   invoiceapp-device=d; session=s";
const REFRESH_COOKIES: &str = "__Host-invoiceapp-refresh=r; invoiceapp-refresh=r";
const DEVICE_COOKIES: &str = "__Host-invoiceapp-device=d; invoiceapp-device=d";

/// A call that wants cookies, with all that the browser has.
fn call(path: &'static str) -> Call {
    Call::new(path, "x")
        .header("x-token-delivery", "cookie")
        .header("cookie", JAR)
}

fn set_cookies(headers: &HeaderMap) -> Vec<&str> {
    let cookies = headers.get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap()).collect()
}

#[tokio::test]
async fn each_method_sees_its_own_cookies_and_sets_its_own() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    for (path, seen, set) in [
        (REGISTER, None, &SET_COOKIES[..4]),
        (LOGIN, Some(DEVICE_COOKIES), &SET_COOKIES[..4]),
        (REFRESH, Some(REFRESH_COOKIES), &SET_COOKIES[..2]),
        (LOGOUT, Some(REFRESH_COOKIES), &SET_COOKIES[..2]),
        (CHANGE_PASSWORD, None, &[]),
    ] {
        for call in [call(path), call(path).in_text(), call(path).over(Version::HTTP_2)] {
            let answer = call.send(&gateway).await;
            let headers = upstream.last_headers();
            assert_eq!(headers["x-token-delivery"], "cookie");
            assert_eq!(
                headers.get("cookie").map(|value| value.to_str().unwrap()),
                seen,
                "{path}"
            );
            assert_eq!(set_cookies(&answer.http.headers), set, "{path}");
            assert!(answer.is_readable());
            assert_eq!(
                set_cookies(&answer.trailers),
                <[&str; 0]>::default(),
                "scripts read trailers"
            );
        }
    }
}

#[tokio::test]
async fn no_other_method_sees_or_sets_a_cookie() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let others = grpc_server::methods(&[proto::FILE_DESCRIPTOR_SET]);
    let others = others.into_iter().filter(|path| {
        let is_forwarded = path.starts_with("/invoiceapp.auth.v1.AuthService/")
            || path.starts_with("/invoiceapp.invoice.v1.InvoiceService/")
            || path == "/invoiceapp.auth.v1.TokenService/GetJwks";
        is_forwarded && ![REGISTER, LOGIN, REFRESH, CHANGE_PASSWORD, LOGOUT].contains(&path.as_str())
    });
    let mut tried = 0;
    for path in others {
        let path: &'static str = path.leak();
        // A stream ends with its time.
        let answer = call(path).header("grpc-timeout", "2S").send(&gateway).await;
        let headers = upstream.last_headers();
        for name in ["cookie", "x-token-delivery"] {
            assert!(!headers.contains_key(name), "{name} at {path}");
        }
        assert_eq!(
            set_cookies(&answer.http.headers),
            <[&str; 0]>::default(),
            "{path}"
        );
        tried += 1;
    }
    assert_eq!(upstream.calls(), tried);
    assert!(tried > 10);
}

#[tokio::test]
async fn a_call_that_does_not_ask_for_cookies_has_none() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    for path in [REGISTER, LOGIN, REFRESH, LOGOUT] {
        let answer = call(path).without("x-token-delivery").send(&gateway).await;
        assert!(!upstream.last_headers().contains_key("cookie"), "{path}");
        assert_eq!(
            set_cookies(&answer.http.headers),
            <[&str; 0]>::default(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_native_client_may_have_cookies_too() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let request = || {
        let mut request = tonic::Request::new("x".to_owned());
        let metadata = request.metadata_mut();
        metadata.insert("x-token-delivery", "cookie".parse().unwrap());
        metadata.insert("cookie", JAR.parse().unwrap());
        request
    };
    let answer = gateway.unary(REFRESH, request()).await.unwrap();
    assert_eq!(upstream.last_headers()["cookie"], REFRESH_COOKIES);
    assert_eq!(set_cookies(answer.metadata().as_ref()), &SET_COOKIES[..2]);
    let refused = gateway.unary(LOGOUT, request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(set_cookies(refused.metadata().as_ref()), &SET_COOKIES[..2]);
    let echoed = gateway.unary(ECHO, request()).await.unwrap();
    assert_eq!(set_cookies(echoed.metadata().as_ref()), <[&str; 0]>::default());
}

#[tokio::test]
async fn a_request_that_a_foreign_page_forges_reaches_nobody_whatever_the_browser_adds() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    for path in [REFRESH, LOGOUT, LOGIN] {
        // What needs no preflight: three content types, and no header of its own.
        for content_type in [
            "text/plain",
            "text/plain;application/grpc-web+proto",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            for version in [Version::HTTP_11, Version::HTTP_2] {
                let forged = call(path)
                    .header("content-type", content_type)
                    .header("origin", "https://evil.example")
                    .without("x-grpc-web")
                    .without("x-token-delivery")
                    .over(version);
                let (http, _) = forged.refused(&gateway).await;
                assert_eq!(http.status, 415, "{content_type} {version:?}");
                assert_eq!(set_cookies(&http.headers), <[&str; 0]>::default());
            }
        }
    }
    assert_eq!(upstream.calls(), 0);
}
