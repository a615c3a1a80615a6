//! `invoiceapp.invoice.v1.ProfileService`.

use prost_types::FieldMask;
use rpc_error::{FieldPath, RpcError, Violations};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;
use proto::invoice::v1::profile_service_server;

use super::answer::replayed;
use super::mask::{Field, Mask, Masked, address_fields, fields, party_fields};
use super::text::{Reader, each, optional};
use super::{applied, caller, error, etag, inward, outward};
use crate::domain::content::PaymentTermsDays;
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::Currency;
use crate::domain::number::{Reset, Series};
use crate::domain::party::Party;
use crate::domain::profile::{
    MAX_SERIES, Profile, ProfileContent, SeriesField, SeriesProblem, SeriesViolation, WantedSeries, Zone,
};
use crate::domain::template::Template;
use crate::profiles::{ProfileError, Profiles, Standing, WantedProfile};

const FIELDS: [Field<pb::Profile>; 7] = fields![
    seller,
    currency_code,
    payment_terms_days,
    time_zone,
    series,
    note,
    // Compared, never changed.
    etag,
];
const SELLER: [Field<pb::Profile>; 6] = party_fields![seller: name, email, phone, tax_id, legal_id, address];
const SELLER_ADDRESS: [Field<pb::Profile>; 6] =
    address_fields![seller: line1, line2, city, postal_code, region, country_code];

impl Masked for pb::Profile {
    const NAME: &'static str = "Profile";
    const FIELDS: &'static [&'static [Field<Self>]] = &[&FIELDS, &SELLER, &SELLER_ADDRESS];
    const OUTPUT_ONLY: &'static [&'static str] = &["update_time"];
}

/// `invoiceapp.invoice.v1.ProfileService`. It serves authenticated calls only: [`authn::Authenticated`] goes around it.
#[derive(Clone)]
pub(crate) struct ProfileService {
    profiles: Profiles,
}

impl ProfileService {
    /// The service on these use cases.
    pub(crate) fn new(profiles: Profiles) -> Self {
        Self { profiles }
    }
}

#[tonic::async_trait]
impl profile_service_server::ProfileService for ProfileService {
    async fn get_profile(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<Response<pb::Profile>, Status> {
        let caller = caller(&request)?;
        let standing = self.profiles.get(&caller.organization).await;
        Ok(Response::new(shown(
            &standing.map_err(|error| error::store(&error))?,
        )))
    }

    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::Profile>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let mut violations = Violations::new();
        if request.profile.is_none() {
            violations.push(FieldPath::new("profile"), "FIELD_REQUIRED", "must be set");
        }
        let update = pb::Profile {
            update_time: None,
            ..request.profile.take().unwrap_or_default()
        };
        request.profile = Some(update.clone());
        let applied = applied(
            "UpdateProfile",
            &mut request,
            |request| &mut request.request_id,
            &mut violations,
        );
        let mask = Mask::resolve(request.update_mask.as_ref(), &update, &mut violations);
        let mut alone = pb::Profile::default();
        mask.apply(&mut alone, &update);
        wanted(
            &alone,
            names_series(request.update_mask.as_ref(), &update),
            &mut violations,
        );
        let (Some(applied), true) = (applied, violations.is_empty()) else {
            return Err(error::invalid(violations));
        };
        let with_series = names_series(request.update_mask.as_ref(), &update);
        let patch = |profile: &Profile| {
            let mut merged = merged(profile);
            mask.apply(&mut merged, &update);
            let mut violations = Violations::new();
            wanted(&merged, with_series, &mut violations).ok_or(violations)
        };
        let etag = etag(&update.etag);
        let updated = self
            .profiles
            .update(&caller.organization, etag.as_ref(), applied, patch)
            .await;
        let (standing, was_replayed) = updated.map_err(refused)?;
        Ok(replayed(Response::new(shown(&standing)), was_replayed))
    }
}

/// Whether the series are to be replaced.
fn names_series(mask: Option<&FieldMask>, update: &pb::Profile) -> bool {
    match mask.map_or(&[][..], |mask| &mask.paths) {
        [] => !update.series.is_empty(),
        paths => paths.iter().any(|path| path == "series" || path == "*"),
    }
}

fn refused(error: ProfileError<Violations>) -> Status {
    match error {
        ProfileError::EtagMismatch => {
            let text = "the profile has changed since it was read; read it again and decide again";
            RpcError::aborted(error::ETAG_MISMATCH, text).into()
        }
        ProfileError::RequestIdReused => {
            let text = "the request id was used before with other content; make a new one";
            RpcError::invalid_argument(error::REQUEST_ID_REUSED, text).into()
        }
        ProfileError::Patch(violations) => error::invalid(violations),
        ProfileError::Series(problems) => error::invalid(series_violations(&problems)),
        ProfileError::Store(error) => error::store(&error),
    }
}

fn series_violations(problems: &[SeriesViolation]) -> Violations {
    let list = FieldPath::new("profile").field("series");
    let mut violations = Violations::new();
    for (place, problem) in problems {
        let at = place.map_or_else(
            || list.clone(),
            |(position, field)| {
                let name = match field {
                    SeriesField::Id => "id",
                    SeriesField::Template => "template",
                    SeriesField::Reset => "reset",
                    SeriesField::NextSequence => "next_sequence",
                    SeriesField::Kind => "kind",
                };
                list.index(position).field(name)
            },
        );
        violations.push(at, problem.reason(), problem.to_string());
    }
    violations
}

/// What the profile is to become, or `None` with everything that is wrong with it in `violations`.
fn wanted(profile: &pb::Profile, with_series: bool, violations: &mut Violations) -> Option<WantedProfile> {
    let at = FieldPath::new("profile");
    let mut read = Reader::new(&at, violations);
    let currency = read.optional("currency_code", &profile.currency_code, Currency::parse);
    let terms = profile
        .payment_terms_days
        .map(|days| PaymentTermsDays::new(i64::from(days)));
    let payment_terms_days = read.value("payment_terms_days", terms.transpose());
    let zone = read.optional("time_zone", &profile.time_zone, Zone::parse);
    let note = read.paragraph("note", &profile.note);
    let seller = optional(profile.seller.as_ref(), |party| {
        inward::party(party, &at.field("seller"), violations)
    });
    let series = if with_series {
        let (at, too_many) = (at.field("series"), "TOO_MANY_SERIES");
        each(&profile.series, MAX_SERIES, too_many, &at, violations, series).map(Some)
    } else {
        Some(None)
    };
    Some(WantedProfile {
        content: ProfileContent {
            seller: seller?.filter(|party| *party != Party::default()),
            currency: currency?,
            payment_terms_days: payment_terms_days?,
            zone: zone?.unwrap_or_default(),
            series: Vec::new(),
            note: note?,
        },
        series: series?,
    })
}

fn series(series: &pb::Series, at: &FieldPath, violations: &mut Violations) -> Option<WantedSeries> {
    let reset = reset(series.reset(), series.reset, &at.field("reset"), violations);
    let kind = kind(series.kind(), series.kind, &at.field("kind"), violations);
    let mut read = Reader::new(at, violations);
    let id = read.required("id", &series.id, inward::series_id);
    let template = read.required("template", &series.template, Template::parse);
    let next_sequence = match series.next_sequence {
        0 => Some(None),
        sequence => u32::try_from(sequence).ok().map(Some),
    };
    if next_sequence.is_none() {
        let problem = SeriesProblem::StartRange;
        violations.push(at.field("next_sequence"), problem.reason(), problem.to_string());
    }
    let made = Series::new(id?, kind?, template?, reset?);
    let series = violations.check(at.field("template"), made)?;
    Some(WantedSeries {
        series,
        next_sequence: next_sequence?,
    })
}

fn reset(reset: pb::series::Reset, value: i32, at: &FieldPath, violations: &mut Violations) -> Option<Reset> {
    match reset {
        pb::series::Reset::Never => Some(Reset::Never),
        pb::series::Reset::Yearly => Some(Reset::Yearly),
        pb::series::Reset::Monthly => Some(Reset::Monthly),
        pb::series::Reset::Unspecified => {
            unset(value, "must be a value of Series.Reset", at, violations);
            None
        }
    }
}

fn kind(
    kind: pb::invoice::Type,
    value: i32,
    at: &FieldPath,
    violations: &mut Violations,
) -> Option<InvoiceKind> {
    match kind {
        pb::invoice::Type::Invoice => Some(InvoiceKind::Invoice),
        pb::invoice::Type::CreditNote => Some(InvoiceKind::CreditNote),
        pb::invoice::Type::Unspecified => {
            unset(value, "must be TYPE_INVOICE or TYPE_CREDIT_NOTE", at, violations);
            None
        }
    }
}

/// An enum that is not set, or has a value that this release does not know.
fn unset(value: i32, text: &str, at: &FieldPath, violations: &mut Violations) {
    let reason = if value == 0 {
        "FIELD_REQUIRED"
    } else {
        "ENUM_UNKNOWN"
    };
    violations.push(at.clone(), reason, text);
}

/// The profile as an update is merged into it: without counts, which then stay as they are.
fn merged(profile: &Profile) -> pb::Profile {
    let content = &profile.content;
    pb::Profile {
        seller: content.seller.as_ref().map(outward::party),
        currency_code: content
            .currency
            .map(|currency| currency.to_string())
            .unwrap_or_default(),
        payment_terms_days: content.payment_terms_days.map(|terms| i32::from(terms.get())),
        time_zone: content.zone.to_string(),
        series: content.series.iter().map(shown_series).collect(),
        note: content.note.to_string(),
        etag: profile.etag().to_string(),
        update_time: profile.update_time.map(outward::timestamp),
    }
}

/// The profile as clients see it.
fn shown(standing: &Standing) -> pb::Profile {
    let today = standing.profile.day(jiff::Timestamp::now());
    let mut shown = merged(&standing.profile);
    for (shown, series) in shown.series.iter_mut().zip(&standing.profile.content.series) {
        let next = series.next_place(standing.lasts.get(series.id()), today);
        // None is left after the greatest count.
        shown.next_sequence = next.map_or(0, |next| i64::from(next.sequence));
    }
    shown
}

fn shown_series(series: &Series) -> pb::Series {
    let reset = match series.reset() {
        Reset::Never => pb::series::Reset::Never,
        Reset::Yearly => pb::series::Reset::Yearly,
        Reset::Monthly => pb::series::Reset::Monthly,
    };
    pb::Series {
        id: series.id().to_string(),
        template: series.template().to_string(),
        reset: reset.into(),
        next_sequence: 0,
        kind: outward::kind(series.kind()).into(),
    }
}
