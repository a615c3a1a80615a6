//! Who a call comes from, as far as the owner of an account is shown it.

use client_address::AddressPrefix;

use super::text::ClientLabel;

/// The program and the network that somebody calls from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Client {
    /// What the program calls itself.
    pub(crate) label: ClientLabel,
    /// Where the call came from, if that is known.
    pub(crate) address_prefix: Option<AddressPrefix>,
}
