use auth_service::CookieForm;
use gateway::EdgeConfig;
use settings::Mistakes;

/// The form of the cookies that keep tokens: what the operator asked for, else that which browsers take from this
/// gateway.
pub(crate) fn form(asked: Option<CookieForm>, gateway: &EdgeConfig) -> CookieForm {
    let fitting = if is_for_development(gateway) {
        CookieForm::Loopback
    } else {
        CookieForm::Secure
    };
    asked.unwrap_or(fitting)
}

/// On loopback without TLS, and nothing says that a proxy in front has it: neither proxies nor pages with TLS are named.
fn is_for_development(gateway: &EdgeConfig) -> bool {
    let mut origins = gateway.gateway_allowed_origins.iter();
    !gateway.is_encrypted()
        && gateway.gateway_listen.ip().is_loopback()
        && gateway.gateway_trusted_proxies.is_empty()
        && !origins.any(|origin| origin.trim().starts_with("https:"))
}

/// Notes cookies for loopback at a gateway that others reach: they would cross the network in the clear.
pub(crate) fn check(asked: Option<CookieForm>, gateway: &EdgeConfig, mistakes: &mut Mistakes) {
    let listen = gateway.gateway_listen;
    if asked == Some(CookieForm::Loopback) && !listen.ip().is_loopback() {
        mistakes.push(
            "--auth-cookies",
            format_args!("loopback is for a gateway on loopback; --gateway-listen is {listen}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn gateway(listen: &str, has_tls: bool) -> EdgeConfig {
        EdgeConfig {
            gateway_listen: listen.parse().unwrap(),
            gateway_tls_cert: has_tls.then(|| PathBuf::from("tls.crt")),
            ..EdgeConfig::default()
        }
    }

    #[test]
    fn cookies_are_secure_unless_the_gateway_is_on_loopback_and_nothing_speaks_of_tls() {
        for (listen, has_tls, expected) in [
            ("127.0.0.1:8080", false, CookieForm::Loopback),
            ("[::1]:8080", false, CookieForm::Loopback),
            ("127.0.0.1:8080", true, CookieForm::Secure),
            ("0.0.0.0:8080", false, CookieForm::Secure),
            ("10.1.2.3:8080", true, CookieForm::Secure),
        ] {
            assert_eq!(
                form(None, &gateway(listen, has_tls)),
                expected,
                "{listen} {has_tls}"
            );
        }
        let behind_a_proxy = gateway("127.0.0.1:8080", false);
        assert_eq!(
            form(Some(CookieForm::Secure), &behind_a_proxy),
            CookieForm::Secure
        );
    }

    #[test]
    fn cookies_for_loopback_are_refused_beyond_it() {
        let mistakes = |listen, asked| {
            let mut mistakes = Mistakes::new();
            check(asked, &gateway(listen, false), &mut mistakes);
            let found = mistakes.unless_any(Some(()));
            found.map_or_else(|error| error.mistakes().to_vec(), |()| vec![])
        };
        let refused = mistakes("0.0.0.0:8080", Some(CookieForm::Loopback));
        assert!(
            refused.len() == 1 && refused[0].starts_with("--auth-cookies: "),
            "{refused:?}"
        );
        assert_eq!(mistakes("0.0.0.0:8080", None), <[String; 0]>::default());
        assert_eq!(
            mistakes("127.0.0.1:8080", Some(CookieForm::Loopback)),
            <[String; 0]>::default()
        );
    }
}
