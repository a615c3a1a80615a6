use serde::{Deserialize, Serialize};

use super::decode::{Decoded, field, instant, kind, optional, paragraph, text};
use super::encode::kind_name;
use super::{DocumentError, Origin, PartyDocument, RequestDocument, SCHEMA};
use crate::domain::content::PaymentTermsDays;
use crate::domain::ids::{OrganizationId, Version};
use crate::domain::money::Currency;
use crate::domain::number::{NumberPlace, Reset, Series};
use crate::domain::profile::{Profile, ProfileContent, Zone};
use crate::domain::template::Template;
use crate::idempotency::AppliedRequest;
use crate::store::StoredProfile;

/// The profile of an organization as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct ProfileDocument {
    schema: u32,
    /// The organization's, which is what makes two versions of it versions of the same.
    id: String,
    version: u64,
    update_time_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seller: Option<PartyDocument>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    currency_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_terms_days: Option<u16>,
    time_zone: String,
    series: Vec<SeriesDocument>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    applied_requests: Vec<RequestDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SeriesDocument {
    id: String,
    kind: String,
    template: String,
    reset: String,
    /// This and the next one are there or not together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_period: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_sequence: Option<u32>,
}

impl ProfileDocument {
    /// Refuses a document that this release would misread.
    pub(in crate::store) fn check_schema(&self) -> Decoded<()> {
        if self.schema > SCHEMA {
            return Err(DocumentError::TooNew { found: self.schema });
        }
        Ok(())
    }
}

impl From<&StoredProfile> for ProfileDocument {
    fn from(stored: &StoredProfile) -> Self {
        let Profile {
            content,
            version,
            update_time,
        } = &stored.profile;
        Self {
            schema: SCHEMA,
            id: stored.organization.to_string(),
            version: version.get(),
            update_time_ms: update_time.map_or(0, jiff::Timestamp::as_millisecond),
            seller: content.seller.as_ref().map(Into::into),
            currency_code: content
                .currency
                .map(|currency| currency.code().to_owned())
                .unwrap_or_default(),
            payment_terms_days: content.payment_terms_days.map(PaymentTermsDays::get),
            time_zone: content.zone.name().to_owned(),
            series: content.series.iter().map(Into::into).collect(),
            note: content.note.to_string(),
            applied_requests: stored.applied.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Series> for SeriesDocument {
    fn from(series: &Series) -> Self {
        Self {
            id: series.id().to_string(),
            kind: kind_name(series.kind()).to_owned(),
            template: series.template().to_string(),
            reset: series.reset().name().to_owned(),
            start_period: series.start().map(|start| start.period.to_string()),
            start_sequence: series.start().map(|start| start.sequence),
        }
    }
}

impl TryFrom<ProfileDocument> for StoredProfile {
    type Error = DocumentError;

    fn try_from(document: ProfileDocument) -> Decoded<Self> {
        document.check_schema()?;
        let terms = document
            .payment_terms_days
            .map(|days| PaymentTermsDays::new(i64::from(days)))
            .transpose();
        let applied = document.applied_requests.iter().map(TryInto::try_into);
        let applied: Vec<AppliedRequest> = applied.collect::<Decoded<_>>()?;
        let content = ProfileContent {
            seller: document.seller.as_ref().map(TryInto::try_into).transpose()?,
            currency: optional("currency_code", &document.currency_code, Currency::parse)?,
            payment_terms_days: field("payment_terms_days", terms)?,
            zone: field("time_zone", Zone::parse(&document.time_zone))?,
            series: document
                .series
                .iter()
                .map(TryInto::try_into)
                .collect::<Decoded<_>>()?,
            note: paragraph("note", &document.note)?,
        };
        Ok(Self {
            organization: field("id", OrganizationId::parse(&document.id))?,
            profile: Profile {
                content,
                version: Version::new(document.version),
                update_time: Some(instant("update_time_ms", document.update_time_ms)?),
            },
            applied: applied.into_iter().collect(),
            origin: Origin::default(),
        })
    }
}

impl TryFrom<&SeriesDocument> for Series {
    type Error = DocumentError;

    fn try_from(document: &SeriesDocument) -> Decoded<Self> {
        let reset = Reset::ALL
            .into_iter()
            .find(|reset| reset.name() == document.reset);
        let reset = reset.ok_or(DocumentError::Field {
            field: "series.reset",
        })?;
        let template = field("series.template", Template::parse(&document.template))?;
        let id = text("series.id", &document.id)?;
        let series = field(
            "series.template",
            Self::new(id, kind(&document.kind)?, template, reset),
        )?;
        let start = document.start_period.as_ref().zip(document.start_sequence);
        let start = start.map(|(period, sequence)| {
            Ok(NumberPlace {
                period: text("series.start_period", period)?,
                sequence,
            })
        });
        Ok(series.starting_at(start.transpose()?))
    }
}
