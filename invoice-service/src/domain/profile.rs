//! What an organization says once for all its invoices.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use thiserror::Error;

use super::{
    content::{Note, PaymentTermsDays},
    date::CalendarDate,
    ids::{Etag, Version},
    invoice::{InvoiceKind, SeriesId},
    money::Currency,
    number::{LastNumber, NumberPlace, Reset, Series, SeriesUnknown},
    party::Party,
};

/// Text that is not the name of a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be the name of a time zone in the IANA database, such as \"Europe/Berlin\"")]
pub struct ZoneError;

impl ZoneError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "TIME_ZONE_UNKNOWN"
    }
}

/// A time zone of the IANA database that this program was built with: every machine knows the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone with this name, in whatever case.
    ///
    /// # Errors
    /// [`ZoneError`] when there is none.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| ZoneError)?;
        let name = zone.iana_name().ok_or(ZoneError)?.to_owned();
        Ok(Self { name, zone })
    }

    /// Its name as the database writes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The day that it is there at `instant`. A clock that is centuries off makes nothing overdue.
    pub fn day(&self, instant: Timestamp) -> CalendarDate {
        CalendarDate::at(instant, self.zone.clone()).unwrap_or(CalendarDate::FIRST)
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }
}

/// What an organization says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileContent {
    /// The seller of drafts that name none.
    pub seller: Option<Party>,
    /// The currency of new drafts that name none.
    pub currency: Option<Currency>,
    /// The payment terms of new drafts without terms and due date.
    pub payment_terms_days: Option<PaymentTermsDays>,
    /// Decides which day it is.
    pub zone: Zone,
    /// The number series; of each kind, the first one is the default.
    pub series: Vec<Series>,
    /// The note of new drafts that have none.
    pub note: Note,
}

impl Default for ProfileContent {
    /// What every organization begins with.
    fn default() -> Self {
        Self {
            seller: None,
            currency: None,
            payment_terms_days: None,
            zone: Zone::default(),
            series: vec![Series::standard(), Series::standard_of_credit_notes()],
            note: Note::default(),
        }
    }
}

/// The profile of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What it says.
    pub content: ProfileContent,
    /// How often it was written.
    pub version: Version,
    /// When it was last written, to the millisecond; none when it never was.
    pub update_time: Option<Timestamp>,
}

impl Default for Profile {
    /// The profile of an organization that never changed it.
    fn default() -> Self {
        Self {
            content: ProfileContent::default(),
            version: Version::new(0),
            update_time: None,
        }
    }
}

impl Profile {
    /// The etag of the current version.
    pub fn etag(&self) -> Etag {
        self.version.etag()
    }

    /// The day that it is in the organization at `instant`.
    pub fn day(&self, instant: Timestamp) -> CalendarDate {
        self.content.zone.day(instant)
    }

    /// The series with this id that `kind` takes numbers from; without an id, the first one for that kind.
    ///
    /// # Errors
    /// [`SeriesUnknown`].
    pub fn series(&self, id: Option<&SeriesId>, kind: InvoiceKind) -> Result<&Series, SeriesUnknown> {
        let mut of_kind = self.content.series.iter().filter(|series| series.kind() == kind);
        let found = of_kind.find(|series| id.is_none_or(|id| series.id() == id));
        found.ok_or(SeriesUnknown)
    }
}

/// A series as an update wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedSeries {
    /// The series, without a start number.
    pub series: Series,
    /// Its next count; none: as it is.
    pub next_sequence: Option<u32>,
}

/// A field of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesField {
    /// Its id.
    Id,
    /// Its template.
    Template,
    /// Its reset.
    Reset,
    /// Its next count.
    NextSequence,
    /// Its kind.
    Kind,
}

/// Why the series of a profile are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeriesProblem {
    /// An earlier series has the same id.
    #[error("must not be the id of an earlier series")]
    Duplicate,
    /// An earlier series can make the same numbers.
    #[error("must not be able to make a number that the series {0} can make")]
    Overlap(SeriesId),
    /// It has given out numbers.
    #[error("must stay as it is: the series has given out numbers. Add another series instead")]
    InUse,
    /// A series that has given out numbers is missing.
    #[error("must keep the series {0}, which has given out numbers")]
    Missing(SeriesId),
    /// There is none for a kind of document.
    #[error("must have a series for invoices and one for credit notes")]
    NoneOfKind,
    /// The period has numbers, and this is not the next one.
    #[error("must be {0}, or 0: the series has numbers in this period, and a gap would hide missing ones")]
    NotNext(u32),
    /// Outside 1 to [`Series::GREATEST_START`].
    #[error("must be between 1 and {}, or 0 to leave it as it is", Series::GREATEST_START)]
    StartRange,
}

impl SeriesProblem {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Duplicate => "SERIES_DUPLICATE",
            Self::Overlap(_) => "SERIES_OVERLAP",
            Self::InUse | Self::Missing(_) => "SERIES_IN_USE",
            Self::NoneOfKind => "SERIES_MISSING",
            Self::NotNext(_) => "SERIES_NEXT_SEQUENCE",
            Self::StartRange => "SERIES_START_RANGE",
        }
    }
}

/// A problem and where it is: at a field of the series at a position, or at the list.
pub type SeriesViolation = (Option<(usize, SeriesField)>, SeriesProblem);

/// The last numbers of series that have given out any.
pub type LastNumbers = BTreeMap<SeriesId, LastNumber>;

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// More series than a bookkeeper can keep apart; bounds what an update compares.
pub const MAX_SERIES: usize = 20;

/// The series that take the place of `current`, whose numbers so far are `lasts`.
///
/// # Errors
/// Everything that is wrong with them; never empty.
pub fn changed_series(
    current: &[Series],
    wanted: &[WantedSeries],
    lasts: &LastNumbers,
    today: CalendarDate,
) -> Result<Vec<Series>, Vec<SeriesViolation>> {
    let mut violations = Vec::new();
    for kind in [InvoiceKind::Invoice, InvoiceKind::CreditNote] {
        if !wanted.iter().any(|wanted| wanted.series.kind() == kind) {
            violations.push((None, SeriesProblem::NoneOfKind));
            break;
        }
    }
    let kept: BTreeSet<_> = wanted.iter().map(|wanted| wanted.series.id()).collect();
    for series in current.iter().filter(|series| !kept.contains(series.id())) {
        if lasts.contains_key(series.id()) {
            violations.push((None, SeriesProblem::Missing(series.id().clone())));
        }
    }
    let mut changed = Vec::new();
    for (position, wanted) in wanted.iter().enumerate() {
        let mut refuse = |field, problem| violations.push((Some((position, field)), problem));
        for (field, problem) in against_earlier(&changed, &wanted.series) {
            refuse(field, problem);
        }
        let old = current.iter().find(|series| series.id() == wanted.series.id());
        let last = lasts.get(wanted.series.id());
        if let Some(last) = last {
            for field in in_use(old, last, &wanted.series) {
                refuse(field, SeriesProblem::InUse);
            }
        }
        match started(old, last, wanted, today) {
            Ok(series) => changed.push(series),
            Err(problem) => {
                refuse(SeriesField::NextSequence, problem);
                changed.push(wanted.series.clone());
            }
        }
    }
    if violations.is_empty() {
        Ok(changed)
    } else {
        Err(violations)
    }
}

/// What keeps a series apart from those before it.
fn against_earlier(earlier: &[Series], series: &Series) -> Vec<(SeriesField, SeriesProblem)> {
    if earlier.iter().any(|earlier| earlier.id() == series.id()) {
        return vec![(SeriesField::Id, SeriesProblem::Duplicate)];
    }
    let overlap = earlier
        .iter()
        .find(|earlier| earlier.template().can_equal(series.template()));
    let overlap = overlap.map(|earlier| {
        let problem = SeriesProblem::Overlap(earlier.id().clone());
        (SeriesField::Template, problem)
    });
    overlap.into_iter().collect()
}

/// The fields in which a series that has given out numbers must not differ from what it was.
fn in_use(old: Option<&Series>, last: &LastNumber, series: &Series) -> Vec<SeriesField> {
    let mut fields = Vec::new();
    if let Some(old) = old {
        if !old.template().differs_in_zeros_only(series.template()) {
            fields.push(SeriesField::Template);
        }
        if old.kind() != series.kind() {
            fields.push(SeriesField::Kind);
        }
    }
    // Periods of another reset would sort before or after all others for ever.
    if series.reset().period(last.issue_date) != last.place.period {
        fields.push(SeriesField::Reset);
    }
    fields
}

/// The wanted series with its start number.
fn started(
    old: Option<&Series>,
    last: Option<&LastNumber>,
    wanted: &WantedSeries,
    today: CalendarDate,
) -> Result<Series, SeriesProblem> {
    let series = wanted.series.clone();
    let start = old
        .filter(|old| old.reset() == series.reset())
        .and_then(Series::start);
    let series = series.starting_at(start.cloned());
    let Some(sequence) = wanted.next_sequence else {
        return Ok(series);
    };
    let next = series.next_place(last, today);
    let next = next.map_err(|_| SeriesProblem::NotNext(u32::MAX))?;
    if last.is_some_and(|last| last.place.period == next.period) {
        return if sequence == next.sequence {
            Ok(series)
        } else {
            Err(SeriesProblem::NotNext(next.sequence))
        };
    }
    if !(1..=Series::GREATEST_START).contains(&sequence) {
        return Err(SeriesProblem::StartRange);
    }
    let period = next.period;
    Ok(series.starting_at(Some(NumberPlace { period, sequence })))
}

impl Reset {
    /// Every reset.
    pub const ALL: [Self; 3] = [Self::Never, Self::Yearly, Self::Monthly];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "NEVER",
            Self::Yearly => "YEARLY",
            Self::Monthly => "MONTHLY",
        }
    }
}
