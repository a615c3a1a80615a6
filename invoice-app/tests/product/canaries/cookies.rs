//! A session whose refresh token is in a cookie.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use proto::auth::v1::{LoginRequest, LogoutRequest, RefreshTokenRequest, RegisterRequest};

use crate::wire::framed;

/// What the browser has beside our cookie.
const OTHERS: &str = "session=canary-session; invoiceapp-device=canary-device";

/// A browser at the gateway.
pub(super) struct Browser {
    pub(super) gateway: SocketAddr,
    /// How many calls were made.
    pub(super) calls: usize,
}

impl Browser {
    /// The answer's headers.
    async fn send(&mut self, method: &str, message: &impl Message, cookie: &str) -> HeaderMap {
        self.calls += 1;
        let url = format!("http://{}/invoiceapp.auth.v1.AuthService/{method}", self.gateway);
        let request = Request::post(url)
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .header("x-token-delivery", "cookie")
            .header("cookie", format!("{OTHERS}; {cookie}"))
            .body(Full::new(Bytes::from(framed(message))));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request.unwrap()).await.unwrap().into_parts();
        assert_eq!(parts.status, 200, "{method}");
        body.collect().await.unwrap();
        parts.headers
    }

    /// Signs up, refreshes, signs out, and fails to refresh. Returns the tokens that were in cookies.
    pub(super) async fn live_by_cookie(&mut self) -> Vec<String> {
        let email = "canary-browser@example.com".to_owned();
        let password = "canary-password tulip harbour".to_owned();
        let registration = RegisterRequest {
            email: email.clone(),
            password: password.clone(),
            display_name: "canary-display-name".to_owned(),
            ..RegisterRequest::default()
        };
        let first = cookie(&self.send("Register", &registration, "").await);
        let refresh = RefreshTokenRequest::default();
        let second = cookie(&self.send("RefreshToken", &refresh, &first).await);
        let login = LoginRequest {
            email,
            password,
            ..LoginRequest::default()
        };
        let third = cookie(&self.send("Login", &login, &second).await);
        assert!(token(&first) != token(&second) && token(&second) != token(&third));
        let logout = LogoutRequest::default();
        let cleared = cookie(&self.send("Logout", &logout, &third).await);
        assert_eq!(token(&cleared), "");
        for dead in [&third, "invoiceapp-refresh=canary-refresh-token"] {
            let refused = self.send("RefreshToken", &refresh, dead).await;
            assert_eq!(token(&cookie(&refused)), "");
        }
        [first, second, third]
            .map(|cookie| token(&cookie).to_owned())
            .into()
    }
}

/// `name=value` of the refresh token's cookie that an answer sets.
fn cookie(headers: &HeaderMap) -> String {
    let set = headers.get_all("set-cookie").iter();
    let mut set = set.map(|cookie| cookie.to_str().unwrap());
    let refresh = set
        .find(|cookie| cookie.starts_with("invoiceapp-refresh="))
        .unwrap();
    refresh.split(';').next().unwrap().to_owned()
}

fn token(cookie: &str) -> &str {
    cookie.split_once('=').unwrap().1
}
