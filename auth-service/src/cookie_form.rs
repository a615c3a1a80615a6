/// The form of the cookies that keep tokens, for browsers that ask for cookies (docs/adr/0015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum CookieForm {
    /// `__Host-invoiceapp-…`, Secure: over TLS only, and no other host can plant one
    #[default]
    Secure,
    /// `invoiceapp-…`, not Secure: for development, with a gateway on loopback without TLS
    Loopback,
}

impl CookieForm {
    /// The name of the cookie that holds the refresh token.
    pub(crate) fn refresh_name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-invoiceapp-refresh",
            Self::Loopback => "invoiceapp-refresh",
        }
    }

    /// The name of the cookie that holds the device token.
    pub(crate) fn device_name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-invoiceapp-device",
            Self::Loopback => "invoiceapp-device",
        }
    }

    /// Whether browsers take and send the cookies over TLS only.
    pub(crate) fn is_secure(self) -> bool {
        match self {
            Self::Secure => true,
            Self::Loopback => false,
        }
    }
}
