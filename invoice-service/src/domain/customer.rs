//! Customers: who is invoiced again and again.

use jiff::Timestamp;

use super::{
    content::{Note, PaymentTermsDays},
    date::truncate_to_milliseconds,
    ids::{CustomerId, Etag, OrganizationId, Version},
    money::Currency,
    party::Party,
};

/// What a client says about a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerContent {
    /// The buyer of drafts for this customer.
    pub party: Party,
    /// The currency of new drafts that name none.
    pub currency: Option<Currency>,
    /// The payment terms of new drafts without terms and due date.
    pub payment_terms_days: Option<PaymentTermsDays>,
    /// For the organization's own eyes.
    pub note: Note,
}

/// A customer of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// What the client says.
    pub content: CustomerContent,
    /// How often it was written.
    pub version: Version,
    /// When it was created, to the millisecond.
    pub create_time: Timestamp,
    /// When it last changed, to the millisecond.
    pub update_time: Timestamp,
}

impl Customer {
    /// A new customer.
    pub fn new(organization_id: OrganizationId, content: CustomerContent, now: Timestamp) -> Self {
        let now = truncate_to_milliseconds(now);
        Self {
            id: CustomerId::generate(),
            organization_id,
            content,
            version: Version::FIRST,
            create_time: now,
            update_time: now,
        }
    }

    /// The customer with another content, one version on.
    #[must_use]
    pub fn revise(&self, content: CustomerContent, now: Timestamp) -> Self {
        Self {
            content,
            version: self.version.next(),
            update_time: truncate_to_milliseconds(now),
            ..self.clone()
        }
    }

    /// The etag of the current version.
    pub fn etag(&self) -> Etag {
        self.version.etag()
    }
}
