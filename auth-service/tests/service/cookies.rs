//! Tokens in cookies, for browsers.

use crate::support::{
    PASSWORD, Service, bearer, config, on_every_store, refusal, registration, unauthenticated,
};
use auth_service::{Config, CookieForm};
use proto::auth::v1 as pb;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

const REFRESH: &str = "__Host-invoiceapp-refresh";

on_every_store! {
    a_browser_refreshes_and_signs_out_with_its_cookie_alone
    signing_out_ends_the_session_of_the_access_token_and_that_of_the_cookie
}

/// `message` from a browser that wants cookies and sends these.
fn by_cookie<T>(message: T, cookies: &[&str]) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("x-token-delivery", "cookie".parse().unwrap());
    for cookie in cookies {
        request.metadata_mut().append("cookie", cookie.parse().unwrap());
    }
    request
}

fn refresh() -> pb::RefreshTokenRequest {
    pb::RefreshTokenRequest::default()
}

fn logout() -> pb::LogoutRequest {
    pb::LogoutRequest::default()
}

fn login() -> pb::LoginRequest {
    pb::LoginRequest {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        ..pb::LoginRequest::default()
    }
}

/// Every cookie that an answer sets, as it is written.
fn set_cookies(metadata: &MetadataMap) -> Vec<String> {
    let cookies = metadata.get_all("set-cookie").iter();
    cookies
        .map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}

/// `name=value` of the cookie with the refresh token, as a browser sends it back.
fn refresh_cookie<T>(response: &Response<T>) -> String {
    let set = set_cookies(response.metadata());
    let cookie = set.iter().find(|cookie| cookie.starts_with(REFRESH)).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Whether the answer makes the browser forget its refresh token.
fn forgets(metadata: &MetadataMap) -> bool {
    let clearing = format!("{REFRESH}=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0");
    set_cookies(metadata) == [clearing]
}

impl Service {
    /// A new user who is signed in with a cookie, and that cookie.
    async fn in_a_browser(&self) -> (pb::Tokens, String) {
        let request = by_cookie(registration("ada@example.com"), &[]);
        let response = self.auth().register(request).await.unwrap();
        let cookie = refresh_cookie(&response);
        (response.into_inner().tokens.unwrap(), cookie)
    }

    async fn refresh_by(&self, cookies: &[&str]) -> Result<Response<pb::RefreshTokenResponse>, Status> {
        self.auth().refresh_token(by_cookie(refresh(), cookies)).await
    }

    async fn logout_by(&self, access_token: &str, cookies: &[&str]) -> Result<Response<()>, Status> {
        let mut request = by_cookie(logout(), cookies);
        if !access_token.is_empty() {
            let bearer = format!("Bearer {access_token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        self.auth().logout(request).await
    }
}

async fn a_browser_refreshes_and_signs_out_with_its_cookie_alone(service: Service) {
    let (tokens, first) = service.in_a_browser().await;
    assert_eq!(tokens.refresh_token, "", "only the cookie has it");
    let refreshed = service.refresh_by(&[&first]).await.unwrap();
    let second = refresh_cookie(&refreshed);
    assert_ne!(second, first);
    let tokens = refreshed.into_inner().tokens.unwrap();
    assert_eq!(tokens.refresh_token, "");
    service.get_me(&tokens.access_token).await.unwrap();

    let signed_out = service.logout_by("", &[&second]).await.unwrap();
    assert!(forgets(signed_out.metadata()));
    let dead = service.refresh_by(&[&second]).await.unwrap_err();
    assert!(forgets(dead.metadata()), "{dead:?}");
    assert_eq!(
        refusal(Err::<(), _>(dead)),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
    assert_eq!(
        refusal(service.get_me(&tokens.access_token).await),
        unauthenticated("TOKEN_REVOKED")
    );
}

async fn signing_out_ends_the_session_of_the_access_token_and_that_of_the_cookie(service: Service) {
    let (older, _) = service.in_a_browser().await;
    let newer = service.auth().login(by_cookie(login(), &[])).await.unwrap();
    let cookie = refresh_cookie(&newer);
    let newer = newer.into_inner().tokens.unwrap();
    let elsewhere = service
        .login("ada@example.com", PASSWORD)
        .await
        .unwrap()
        .tokens
        .unwrap();
    let signed_out = service.logout_by(&older.access_token, &[&cookie]).await.unwrap();
    assert!(forgets(signed_out.metadata()));
    for ended in [&older, &newer] {
        assert_eq!(
            refusal(service.get_me(&ended.access_token).await),
            unauthenticated("TOKEN_REVOKED")
        );
    }
    service.get_me(&elsewhere.access_token).await.unwrap();
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_other_sites_and_plain_http_and_lives_as_long_as_its_token() {
    let service = Service::start().await;
    let response = service
        .auth()
        .register(by_cookie(registration("ada@example.com"), &[]))
        .await
        .unwrap();
    let value = refresh_cookie(&response);
    let week = 7 * 86_400;
    let [refresh, device] = set_cookies(response.metadata()).try_into().unwrap();
    assert_eq!(
        refresh,
        format!("{value}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age={week}")
    );
    assert!(device.starts_with("__Host-invoiceapp-device="), "{device}");
    let attributes = "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=34560000";
    assert!(device.ends_with(attributes), "{device}");
}

#[tokio::test]
async fn on_plain_loopback_the_cookie_has_another_name_and_is_not_secure() {
    let service = Service::start_with(Config {
        cookies: Some(CookieForm::Loopback),
        ..config()
    })
    .await;
    let response = service
        .auth()
        .register(by_cookie(registration("ada@example.com"), &[]))
        .await
        .unwrap();
    let [set, device] = set_cookies(response.metadata()).try_into().unwrap();
    assert!(
        device.starts_with("invoiceapp-device=") && !device.contains("Secure"),
        "{device}"
    );
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert!(cookie.starts_with("invoiceapp-refresh="), "{set}");
    assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/; Max-Age=604800");
    let secure = cookie.replacen("invoiceapp", "__Host-invoiceapp", 1);
    assert_eq!(
        refusal(service.refresh_by(&[&secure]).await),
        unauthenticated("REFRESH_TOKEN_INVALID"),
        "each form reads its own name only"
    );
    service.refresh_by(&[cookie]).await.unwrap();
}

#[tokio::test]
async fn a_call_that_does_not_ask_for_cookies_neither_has_nor_gets_one() {
    let service = Service::start().await;
    let (tokens, cookie) = service.in_a_browser().await;
    for delivery in [&[][..], &["body"], &["Cookie"], &["cookie", "cookie"]] {
        let forged = |mut request: Request<_>| {
            request.metadata_mut().remove("x-token-delivery");
            for value in delivery {
                let value = value.parse().unwrap();
                request.metadata_mut().append("x-token-delivery", value);
            }
            request
        };
        let request = forged(by_cookie(refresh(), &[&cookie]));
        let refused = service.auth().refresh_token(request).await.unwrap_err();
        assert_eq!(set_cookies(refused.metadata()), <[String; 0]>::default());
        assert_eq!(
            refusal(Err::<(), _>(refused)),
            unauthenticated("REFRESH_TOKEN_INVALID"),
            "{delivery:?}"
        );
    }
    let mut request = bearer("", logout());
    request.metadata_mut().remove("authorization");
    request.metadata_mut().insert("cookie", cookie.parse().unwrap());
    assert_eq!(
        refusal(service.auth().logout(request).await),
        unauthenticated("TOKEN_MISSING")
    );
    let plain = service.auth().login(login()).await.unwrap();
    assert_eq!(set_cookies(plain.metadata()), <[String; 0]>::default());
    assert_ne!(plain.into_inner().tokens.unwrap().refresh_token, "");
    service.get_me(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn the_cookie_is_found_among_others_in_one_field_or_in_several() {
    let service = Service::start().await;
    let (_, cookie) = service.in_a_browser().await;
    let among = format!("theme=dark; {cookie}; lang=de");
    let suffix = format!("x{cookie}");
    for cookies in [
        &[among.as_str()][..],
        &["theme=dark", &cookie, "lang=de"],
        &[&suffix, &cookie, &format!(" {REFRESH}x=y; {REFRESH}; =; ;")],
    ] {
        service.refresh_by(cookies).await.unwrap();
    }
}

#[tokio::test]
async fn two_cookies_of_one_name_are_none_and_too_many_cookies_are_too() {
    let service = Service::start().await;
    let (tokens, cookie) = service.in_a_browser().await;
    let planted = format!("{REFRESH}=planted");
    let together = format!("{planted}; {cookie}");
    let long = format!("{cookie}; filler={}", "x".repeat(4096));
    for cookies in [
        &[together.as_str()][..],
        &[&cookie, &planted],
        &[&cookie, &cookie],
        &[&long],
        &[&planted],
    ] {
        let refused = service.refresh_by(cookies).await.unwrap_err();
        assert!(forgets(refused.metadata()));
        assert_eq!(
            refusal(Err::<(), _>(refused)),
            unauthenticated("REFRESH_TOKEN_INVALID"),
            "{cookies:?}"
        );
        assert_eq!(
            refusal(service.logout_by("", cookies).await).0,
            tonic::Code::Unauthenticated
        );
    }
    service.get_me(&tokens.access_token).await.unwrap();
    service.refresh_by(&[&cookie]).await.unwrap();
}

#[tokio::test]
async fn only_refreshing_and_signing_out_read_the_cookie() {
    let service = Service::start().await;
    let (_, cookie) = service.in_a_browser().await;
    let request = by_cookie(pb::GetMeRequest {}, &[&cookie]);
    assert_eq!(
        refusal(service.auth().get_me(request).await),
        unauthenticated("TOKEN_MISSING")
    );
    let bad = pb::LoginRequest {
        password: "another quiet heron".to_owned(),
        ..login()
    };
    let refused = service
        .auth()
        .login(by_cookie(bad, &[&cookie]))
        .await
        .unwrap_err();
    assert_eq!(set_cookies(refused.metadata()), <[String; 0]>::default());
    service.refresh_by(&[&cookie]).await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_in_the_request_goes_before_the_cookie_which_then_stays() {
    let service = Service::start().await;
    let (_, cookie) = service.in_a_browser().await;
    let other = service
        .login("ada@example.com", PASSWORD)
        .await
        .unwrap()
        .tokens
        .unwrap();
    let request = |refresh_token: &str| pb::RefreshTokenRequest {
        refresh_token: refresh_token.to_owned(),
    };
    let refused = service
        .auth()
        .refresh_token(by_cookie(request("x"), &[&cookie]))
        .await
        .unwrap_err();
    assert_eq!(set_cookies(refused.metadata()), <[String; 0]>::default());
    let moved = service
        .auth()
        .refresh_token(by_cookie(request(&other.refresh_token), &[&cookie]))
        .await
        .unwrap();
    let moved_cookie = refresh_cookie(&moved);
    let tokens = moved.into_inner().tokens.unwrap();
    assert_eq!(
        (tokens.session_id, tokens.refresh_token),
        (other.session_id, String::new())
    );
    let end = pb::LogoutRequest {
        refresh_token: other.refresh_token,
    };
    let ended = service.auth().logout(by_cookie(end, &[&cookie])).await.unwrap();
    assert_eq!(set_cookies(ended.metadata()), <[String; 0]>::default());
    assert_eq!(
        refusal(service.refresh_by(&[&moved_cookie]).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );
    service.refresh_by(&[&cookie]).await.unwrap();
}

#[tokio::test]
async fn a_browser_can_sign_out_when_its_access_token_or_its_cookie_has_ended() {
    let service = Service::start().await;
    let (tokens, cookie) = service.in_a_browser().await;
    service.advance(3600);
    let signed_out = service.logout_by(&tokens.access_token, &[&cookie]).await.unwrap();
    assert!(forgets(signed_out.metadata()));
    assert_eq!(
        refusal(service.refresh_by(&[&cookie]).await),
        unauthenticated("REFRESH_TOKEN_INVALID")
    );

    let login = service.auth().login(by_cookie(login(), &[])).await.unwrap();
    let tokens = login.into_inner().tokens.unwrap();
    let dead = format!("{REFRESH}=dead");
    for (access_token, cookies, reason) in [
        ("", &[][..], "TOKEN_MISSING"),
        ("", &[dead.as_str()], "REFRESH_TOKEN_INVALID"),
        ("x", &[&dead], "TOKEN_INVALID"),
    ] {
        let refused = service.logout_by(access_token, cookies).await.unwrap_err();
        assert!(forgets(refused.metadata()));
        assert_eq!(refusal(Err::<(), _>(refused)), unauthenticated(reason));
    }
    service.get_me(&tokens.access_token).await.unwrap();
    service.logout_by(&tokens.access_token, &[&dead]).await.unwrap();
    assert_eq!(
        refusal(service.get_me(&tokens.access_token).await),
        unauthenticated("TOKEN_REVOKED")
    );
}
