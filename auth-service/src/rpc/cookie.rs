//! Tokens in cookies, out of reach of a page's scripts. docs/adr/0015 has the reasons.
//!
//! A call asks for cookies with the metadata `x-token-delivery: cookie`; without it no cookie is read or set. A page
//! cannot send that header to another origin before the gateway has allowed it, so what a browser adds by itself to
//! a forged call does nothing.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use jiff::Timestamp;
use proto::auth::v1 as pb;
use rpc_error::RpcError;
use tonic::metadata::{Ascii, AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::{Response, Status};

use crate::cookie_form::CookieForm;
use crate::domain::secret::Secret;

const TOKEN_DELIVERY: &str = "x-token-delivery";
const BY_COOKIE: &str = "cookie";
const COOKIE: &str = "cookie";
const SET_COOKIE: &str = "set-cookie";

/// 4 KiB: a call with more cookies has none. The gateway passes on those of this service only, which need less than half
/// a kibibyte.
const MOST_COOKIE_BYTES: usize = 4096;

/// 400 days: the longest that browsers keep a cookie (RFC 6265bis). Whether a device token is still good says the token.
const DEVICE_COOKIE_LIFE: Duration = Duration::days(400);

/// How one call wants its tokens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Delivery {
    /// In the response.
    Body,
    /// In cookies of this form, which live from now on.
    Cookies { form: CookieForm, now: Timestamp },
}

impl Delivery {
    /// What the call's metadata asks for.
    pub(super) fn of(metadata: &MetadataMap, form: CookieForm, now: Timestamp) -> Self {
        let mut asked = metadata.get_all(TOKEN_DELIVERY).iter();
        match (asked.next(), asked.next()) {
            (Some(delivery), None) if delivery == BY_COOKIE => Self::Cookies { form, now },
            (Some(_) | None, Some(_) | None) => Self::Body,
        }
    }

    /// The refresh token in the call's cookie; for `RefreshToken` and `Logout` alone.
    pub(super) fn refresh_cookie(self, metadata: &MetadataMap) -> Option<Secret> {
        match self {
            Self::Body => None,
            Self::Cookies { form, .. } => the_only(form.refresh_name(), metadata).map(Secret::new),
        }
    }

    /// The device token in the call's cookie; for `Login` alone.
    pub(super) fn device_cookie(self, metadata: &MetadataMap) -> Option<String> {
        match self {
            Self::Body => None,
            Self::Cookies { form, .. } => the_only(form.device_name(), metadata),
        }
    }

    /// The response with `message`, whose tokens are moved into cookies if the call asked for them.
    ///
    /// # Errors
    /// `INTERNAL` for a token that is no cookie's value; ours all are.
    pub(super) fn respond<M>(
        self,
        message: M,
        tokens: impl FnOnce(&mut M) -> Option<&mut pb::Tokens>,
    ) -> Result<Response<M>, Status> {
        let mut response = Response::new(message);
        if let Self::Cookies { form, now } = self
            && let Some(tokens) = tokens(response.get_mut())
        {
            let cookies = take_out(tokens, form, now);
            for cookie in cookies {
                set(response.metadata_mut(), &cookie)?;
            }
        }
        Ok(response)
    }

    /// Makes the browser forget its refresh token. The device stays known.
    pub(super) fn forget_refresh_token(self, metadata: &mut MetadataMap) {
        if let Self::Cookies { form, .. } = self {
            let nothing = kept(form, form.refresh_name(), String::new(), Duration::ZERO);
            // Fails only for a value that is no header's; the empty one is.
            let _set = set(metadata, &nothing);
        }
    }
}

/// The value of the call's cookie of that name. Two of one name are none: one was planted, by whoever can set cookies
/// for a neighbouring host or path, and nobody knows which.
fn the_only(name: &str, metadata: &MetadataMap) -> Option<String> {
    // Over HTTP/2 a client may send each cookie in a field of its own (RFC 9113, 8.2.3).
    let fields = || {
        metadata
            .get_all(COOKIE)
            .iter()
            .map(MetadataValue::as_encoded_bytes)
    };
    if fields().map(<[u8]>::len).sum::<usize>() > MOST_COOKIE_BYTES {
        return None;
    }
    let texts: Vec<_> = fields().map(String::from_utf8_lossy).collect();
    let cookies = texts.iter().flat_map(|text| Cookie::split_parse(text.as_ref()));
    let mut named = cookies.flatten().filter(|cookie| cookie.name() == name);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only.value().to_owned()),
        (Some(_) | None, Some(_) | None) => None,
    }
}

/// The secrets of `tokens` as cookies; they are blank in the message from now on.
fn take_out(tokens: &mut pb::Tokens, form: CookieForm, now: Timestamp) -> Vec<Cookie<'static>> {
    let expires = tokens.refresh_token_expire_time.map_or(0, |time| time.seconds);
    let life = Duration::seconds(expires.saturating_sub(now.as_second()));
    let refresh = std::mem::take(&mut tokens.refresh_token);
    let device = std::mem::take(&mut tokens.device_token);
    let mut cookies = vec![kept(form, form.refresh_name(), refresh, life)];
    if !device.is_empty() {
        cookies.push(kept(form, form.device_name(), device, DEVICE_COOKIE_LIFE));
    }
    cookies
}

/// A cookie that comes back to this host only, never to scripts, and never with a request that another site caused.
fn kept(form: CookieForm, name: &'static str, value: String, life: Duration) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(form.is_secure())
        .same_site(SameSite::Strict)
        .max_age(life)
        .build()
}

fn set(metadata: &mut MetadataMap, cookie: &Cookie<'static>) -> Result<(), RpcError> {
    let value = MetadataValue::<Ascii>::try_from(cookie.to_string());
    let mut value = value.map_err(|_| RpcError::internal())?;
    value.set_sensitive(true);
    metadata.append(AsciiMetadataKey::from_static(SET_COOKIE), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn delivery() -> Delivery {
        Delivery::Cookies {
            form: CookieForm::Secure,
            now: NOW,
        }
    }

    #[test]
    fn a_device_token_gets_a_cookie_of_its_own_and_no_secret_stays_in_the_message() {
        let tokens = pb::Tokens {
            access_token: "a".to_owned(),
            refresh_token: "r".to_owned(),
            device_token: "d".to_owned(),
            refresh_token_expire_time: Some(prost_types::Timestamp {
                seconds: 60,
                nanos: 0,
            }),
            ..pb::Tokens::default()
        };
        let answer = pb::RefreshTokenResponse { tokens: Some(tokens) };
        let response = delivery()
            .respond(answer, |answer| answer.tokens.as_mut())
            .unwrap();
        let cookies = response.metadata().get_all(SET_COOKIE).iter();
        let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
        assert_eq!(
            cookies,
            [
                "__Host-invoiceapp-refresh=r; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60",
                "__Host-invoiceapp-device=d; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=34560000",
            ]
        );
        let shown = format!("{:?}", response.metadata());
        assert!(!shown.contains("refresh=r"), "{shown}");
        let tokens = response.into_inner().tokens.unwrap();
        assert_eq!(
            (
                tokens.access_token.as_str(),
                tokens.refresh_token.as_str(),
                tokens.device_token.as_str()
            ),
            ("a", "", "")
        );
    }

    #[test]
    fn each_cookie_is_read_by_its_own_name() {
        let mut metadata = MetadataMap::new();
        let both = "__Host-invoiceapp-refresh=r; __Host-invoiceapp-device=d; invoiceapp-device=x";
        metadata.insert(COOKIE, both.parse().unwrap());
        assert_eq!(
            delivery().refresh_cookie(&metadata),
            Some(Secret::new("r".to_owned()))
        );
        assert_eq!(delivery().device_cookie(&metadata).as_deref(), Some("d"));
        assert_eq!(Delivery::Body.refresh_cookie(&metadata), None);
        assert_eq!(Delivery::Body.device_cookie(&metadata), None);
    }

    #[test]
    fn what_is_no_text_beside_a_cookie_does_no_harm() {
        let mut metadata = MetadataMap::new();
        let bytes = b"theme=\xff\xfe; __Host-invoiceapp-refresh=r".as_slice();
        let value = http::HeaderValue::from_bytes(bytes).unwrap();
        metadata.as_mut().insert(COOKIE, value);
        assert_eq!(
            delivery().refresh_cookie(&metadata),
            Some(Secret::new("r".to_owned()))
        );
    }
}
