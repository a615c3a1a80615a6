//! The browser's cookies that keep tokens. Only the few methods listed here ever see one or set one, each only what it
//! needs, and only calls that ask for it with `x-token-delivery`. Whatever else a browser has stays outside.

use cookie::Cookie;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// How the caller wants its tokens: `cookie`, or in the response.
pub(crate) const TOKEN_DELIVERY: HeaderName = HeaderName::from_static("x-token-delivery");

/// auth-service is configured for one form of names and reads no other.
const REFRESH: &[&str] = &["__Host-invoiceapp-refresh", "invoiceapp-refresh"];
const DEVICE: &[&str] = &["__Host-invoiceapp-device", "invoiceapp-device"];
const BOTH: &[&str] = &[REFRESH[0], REFRESH[1], DEVICE[0], DEVICE[1]];

/// 1 KiB: a longer value is no token of ours.
const MOST_OF_A_VALUE: usize = 1024;
/// Two cookies of one name stay two, so that the service refuses them; more say no more.
const MOST_OF_A_NAME: usize = 2;

/// Which cookies a method has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CookieRule {
    read: &'static [&'static str],
    set: &'static [&'static str],
}

impl CookieRule {
    /// Of every method that is not named below.
    pub(crate) const NONE: Self = Self { read: &[], set: &[] };

    const REGISTER: Self = Self { read: &[], set: BOTH };
    const LOGIN: Self = Self {
        read: DEVICE,
        set: BOTH,
    };
    const REFRESH_TOKEN: Self = Self {
        read: REFRESH,
        set: REFRESH,
    };
    const CHANGE_PASSWORD: Self = Self {
        read: &[],
        set: REFRESH,
    };
    const LOGOUT: Self = Self::REFRESH_TOKEN;

    /// The rules of `AuthService`.
    pub(crate) const OF_AUTH_SERVICE: &[(&str, Self)] = &[
        ("Register", Self::REGISTER),
        ("Login", Self::LOGIN),
        ("RefreshToken", Self::REFRESH_TOKEN),
        ("ChangePassword", Self::CHANGE_PASSWORD),
        ("Logout", Self::LOGOUT),
    ];

    /// The rule of a call: nothing for one that does not ask for cookies. A page of another origin cannot ask before
    /// its preflight has passed, so cookies that a browser adds to a forged call stop here.
    pub(crate) fn of_call(self, client: &HeaderMap) -> Self {
        if client.contains_key(TOKEN_DELIVERY) {
            self
        } else {
            Self::NONE
        }
    }

    /// Adds to the upstream's headers what this rule lets in.
    pub(crate) fn add_to_upstream(self, client: &HeaderMap, headers: &mut HeaderMap) {
        if self == Self::NONE {
            return;
        }
        for delivery in client.get_all(TOKEN_DELIVERY).iter().take(MOST_OF_A_NAME) {
            headers.append(TOKEN_DELIVERY, delivery.clone());
        }
        let fields: Vec<_> = client
            .get_all(COOKIE)
            .iter()
            .map(|field| String::from_utf8_lossy(field.as_bytes()))
            .collect();
        let cookies: Vec<_> = fields
            .iter()
            .flat_map(|field| Cookie::split_parse(field.as_ref()))
            .flatten()
            .collect();
        let listed = self.read.iter().flat_map(|name| {
            let named = cookies.iter().filter(move |cookie| cookie.name() == *name);
            named
                .filter(|cookie| cookie.value().len() <= MOST_OF_A_VALUE)
                .take(MOST_OF_A_NAME)
        });
        let kept: Vec<_> = listed.map(Cookie::to_string).collect();
        if let Ok(mut value) = HeaderValue::from_str(&kept.join("; "))
            && !kept.is_empty()
        {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    /// What an upstream's headers set that this rule lets out. Of headers only: trailers are within reach of scripts.
    pub(crate) fn set_by(self, upstream: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in upstream.get_all(SET_COOKIE) {
            let name = value.as_bytes().split(|byte| *byte == b'=').next();
            if self.set.iter().any(|listed| name == Some(listed.as_bytes())) {
                let mut value = value.clone();
                value.set_sensitive(true);
                headers.append(SET_COOKIE, value);
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN_DELIVERY, HeaderValue::from_static("cookie"));
        for cookie in cookies {
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        headers
    }

    /// The `cookie` header that a call with these cookies has at the upstream.
    fn passed(rule: CookieRule, cookies: &[&str]) -> Option<String> {
        let client = client(cookies);
        let mut headers = HeaderMap::new();
        rule.of_call(&client).add_to_upstream(&client, &mut headers);
        headers
            .get(COOKIE)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn of_a_browsers_cookies_a_method_sees_its_own_only() {
        let all = "theme=dark; __Host-invoiceapp-refresh=r; invoiceapp-refresh=s; __Host-invoiceapp-device=d; sid=1";
        let refresh = Some("__Host-invoiceapp-refresh=r; invoiceapp-refresh=s".to_owned());
        let device = Some("__Host-invoiceapp-device=d".to_owned());
        for (rule, expected) in [
            (CookieRule::REFRESH_TOKEN, &refresh),
            (CookieRule::LOGOUT, &refresh),
            (CookieRule::LOGIN, &device),
            (CookieRule::REGISTER, &None),
            (CookieRule::CHANGE_PASSWORD, &None),
            (CookieRule::NONE, &None),
        ] {
            assert_eq!(passed(rule, &[all]), *expected, "{rule:?}");
            let each: Vec<_> = all.split("; ").collect();
            assert_eq!(passed(rule, &each), *expected, "in fields of their own: {rule:?}");
        }
    }

    #[test]
    fn names_that_only_look_like_ours_stay_outside() {
        let rule = CookieRule::REFRESH_TOKEN;
        for other in [
            "xinvoiceapp-refresh=v",
            "invoiceapp-refreshx=v",
            "INVOICEAPP-REFRESH=v",
            "a=invoiceapp-refresh=v",
            "invoiceapp-refresh",
            "=invoiceapp-refresh",
            "",
            ";;=",
        ] {
            assert_eq!(passed(rule, &[other]), None, "{other}");
        }
        let long = format!("invoiceapp-refresh={}", "v".repeat(MOST_OF_A_VALUE + 1));
        assert_eq!(passed(rule, &[&long]), None);
        let bytes = HeaderValue::from_bytes(b"theme=\xff; invoiceapp-refresh=v").unwrap();
        let mut client = client(&[]);
        client.append(COOKIE, bytes);
        let mut headers = HeaderMap::new();
        rule.add_to_upstream(&client, &mut headers);
        assert_eq!(headers[COOKIE], "invoiceapp-refresh=v");
    }

    #[test]
    fn two_of_one_name_stay_two_and_twenty_become_two() {
        let two = Some("invoiceapp-refresh=v; invoiceapp-refresh=v".to_owned());
        for count in [2, 20] {
            let cookies = vec!["invoiceapp-refresh=v"; count];
            assert_eq!(passed(CookieRule::LOGOUT, &cookies), two);
        }
    }

    #[test]
    fn a_call_that_does_not_ask_for_cookies_has_none_and_gets_none() {
        let mut client = client(&["invoiceapp-refresh=v"]);
        client.remove(TOKEN_DELIVERY);
        for (_, rule) in CookieRule::OF_AUTH_SERVICE {
            assert_eq!(rule.of_call(&client), CookieRule::NONE);
        }
    }

    #[test]
    fn a_service_sets_its_own_cookies_only_where_they_are_expected() {
        let mut upstream = HeaderMap::new();
        for cookie in [
            "__Host-invoiceapp-refresh=r; HttpOnly",
            "invoiceapp-device=d; HttpOnly",
            "session=1",
            "invoiceapp-refreshx=1",
        ] {
            upstream.append(SET_COOKIE, cookie.parse().unwrap());
        }
        let set = |rule: CookieRule| rule.set_by(&upstream).get_all(SET_COOKIE).iter().count();
        assert_eq!(set(CookieRule::REGISTER), 2);
        assert_eq!(set(CookieRule::LOGIN), 2);
        assert_eq!(set(CookieRule::REFRESH_TOKEN), 1);
        assert_eq!(set(CookieRule::CHANGE_PASSWORD), 1);
        assert_eq!(set(CookieRule::LOGOUT), 1);
        assert_eq!(set(CookieRule::NONE), 0);
    }
}
