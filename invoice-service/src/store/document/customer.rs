use serde::{Deserialize, Serialize};

use super::decode::{Decoded, field, instant, optional, paragraph};
use super::{DocumentError, Origin, PartyDocument, RequestDocument, SCHEMA};
use crate::domain::content::PaymentTermsDays;
use crate::domain::customer::{Customer, CustomerContent};
use crate::domain::ids::{CustomerId, OrganizationId, Version};
use crate::domain::money::Currency;
use crate::idempotency::AppliedRequest;
use crate::store::StoredCustomer;

/// A customer as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct CustomerDocument {
    schema: u32,
    id: String,
    org_id: String,
    version: u64,
    create_time_ms: i64,
    update_time_ms: i64,
    #[serde(default)]
    party: PartyDocument,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    currency_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_terms_days: Option<u16>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by_request: Option<RequestDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    applied_requests: Vec<RequestDocument>,
}

impl CustomerDocument {
    /// Refuses a document that this release would misread.
    pub(in crate::store) fn check_schema(&self) -> Decoded<()> {
        if self.schema > SCHEMA {
            return Err(DocumentError::TooNew { found: self.schema });
        }
        Ok(())
    }
}

impl From<&StoredCustomer> for CustomerDocument {
    fn from(stored: &StoredCustomer) -> Self {
        let customer = &stored.customer;
        let content = &customer.content;
        Self {
            schema: SCHEMA,
            id: customer.id.to_string(),
            org_id: customer.organization_id.to_string(),
            version: customer.version.get(),
            create_time_ms: customer.create_time.as_millisecond(),
            update_time_ms: customer.update_time.as_millisecond(),
            party: (&content.party).into(),
            currency_code: content
                .currency
                .map(|currency| currency.code().to_owned())
                .unwrap_or_default(),
            payment_terms_days: content.payment_terms_days.map(PaymentTermsDays::get),
            note: content.note.to_string(),
            created_by_request: stored.created_by_request.as_ref().map(Into::into),
            applied_requests: stored.applied.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<CustomerDocument> for StoredCustomer {
    type Error = DocumentError;

    fn try_from(document: CustomerDocument) -> Decoded<Self> {
        document.check_schema()?;
        let terms = document
            .payment_terms_days
            .map(|days| PaymentTermsDays::new(i64::from(days)))
            .transpose();
        let created_by_request = document.created_by_request.as_ref().map(TryInto::try_into);
        let applied = document.applied_requests.iter().map(TryInto::try_into);
        let applied: Vec<AppliedRequest> = applied.collect::<Decoded<_>>()?;
        let customer = Customer {
            id: field("id", CustomerId::parse(&document.id))?,
            organization_id: field("org_id", OrganizationId::parse(&document.org_id))?,
            content: CustomerContent {
                party: (&document.party).try_into()?,
                currency: optional("currency_code", &document.currency_code, Currency::parse)?,
                payment_terms_days: field("payment_terms_days", terms)?,
                note: paragraph("note", &document.note)?,
            },
            version: Version::new(document.version),
            create_time: instant("create_time_ms", document.create_time_ms)?,
            update_time: instant("update_time_ms", document.update_time_ms)?,
        };
        Ok(Self {
            customer,
            created_by_request: created_by_request.transpose()?,
            applied: applied.into_iter().collect(),
            origin: Origin::default(),
        })
    }
}
