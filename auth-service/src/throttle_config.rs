//! The flags against abuse of sign-ins.

use client_address::TrustedProxies;
use settings::Mistakes;

use crate::throttle::AddressLimit;

/// How many sign-ins an address is granted, and how its address is known.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct ThrottleConfig {
    /// Networks of the gateways in front, comma separated: `10.0.0.0/8,fd00::/8`. Their x-forwarded-for tells whose
    /// sign-ins are counted together, and which network a session came from. Without one it is who connects. None by
    /// default; in invoice-app its own gateway.
    #[arg(
        id = "auth_trusted_proxies",
        long = "auth-trusted-proxies",
        env = "AUTH_TRUSTED_PROXIES",
        value_name = "CIDRS",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<String>,

    /// Sign-ins, registrations and changes of passwords that one address (of IPv6 a /64) may send in a minute, 1 to
    /// 1000000.
    #[arg(
        id = "auth_sign_ins_per_minute",
        long = "auth-sign-ins-per-minute",
        env = "AUTH_SIGN_INS_PER_MINUTE",
        value_name = "COUNT",
        default_value_t = Self::SIGN_INS_PER_MINUTE
    )]
    pub sign_ins_per_minute: u32,

    /// How many of them it may send at once after a quiet time, 1 to 1000000.
    #[arg(
        id = "auth_sign_in_burst",
        long = "auth-sign-in-burst",
        env = "AUTH_SIGN_IN_BURST",
        value_name = "COUNT",
        default_value_t = Self::SIGN_IN_BURST
    )]
    pub sign_in_burst: u32,
}

/// The settings that were checked.
#[derive(Debug, Clone)]
pub(crate) struct ThrottleSettings {
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) addresses: AddressLimit,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            sign_ins_per_minute: Self::SIGN_INS_PER_MINUTE,
            sign_in_burst: Self::SIGN_IN_BURST,
        }
    }
}

impl ThrottleConfig {
    const SIGN_INS_PER_MINUTE: u32 = 600;
    const SIGN_IN_BURST: u32 = 200;
    const MOST: u32 = 1_000_000;

    pub(crate) fn validate(&self, mistakes: &mut Mistakes) -> ThrottleSettings {
        for (flag, count) in [
            ("--auth-sign-ins-per-minute", self.sign_ins_per_minute),
            ("--auth-sign-in-burst", self.sign_in_burst),
        ] {
            if !(1..=Self::MOST).contains(&count) {
                mistakes.push(flag, format_args!("{count} is not 1 to {}", Self::MOST));
            }
        }
        let trusted = TrustedProxies::parse(&self.trusted_proxies);
        ThrottleSettings {
            trusted_proxies: mistakes
                .note("--auth-trusted-proxies", trusted)
                .unwrap_or_default(),
            addresses: AddressLimit {
                per_minute: self.sign_ins_per_minute,
                burst: self.sign_in_burst,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_carry_their_flags() {
        let config = ThrottleConfig {
            trusted_proxies: vec!["10.0.0.0/8".to_owned(), "gateway".to_owned()],
            sign_ins_per_minute: 0,
            sign_in_burst: 1_000_001,
        };
        let mut mistakes = Mistakes::new();
        let settings = config.validate(&mut mistakes);
        assert_eq!(settings.trusted_proxies, TrustedProxies::none());
        assert_eq!(
            mistakes.unless_any(Some(())).unwrap_err().mistakes(),
            [
                "--auth-sign-ins-per-minute: 0 is not 1 to 1000000",
                "--auth-sign-in-burst: 1000001 is not 1 to 1000000",
                "--auth-trusted-proxies: \"gateway\" is not a network such as 10.0.0.0/8 or fd00::/8, nor an address",
            ]
        );
    }
}
