//! Invoice numbers: which series there are, when their counts restart, and which number comes next.

use thiserror::Error;

use super::{
    date::CalendarDate,
    invoice::{InvoiceKind, InvoiceNumber, SeriesId},
    template::Template,
    text::Text,
};

/// When the count of a series begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reset {
    /// Never: one count for the life of the series.
    Never,
    /// With the first document of a year.
    Yearly,
    /// With the first document of a month.
    Monthly,
}

/// The stretch of time that one count runs in: blank, `2026` or `2026-03`. Later ones sort after earlier ones.
pub type Period = Text<7>;

impl Reset {
    /// The period that a day falls into.
    pub fn period(self, day: CalendarDate) -> Period {
        let (year, month) = (day.date().year(), day.date().month());
        let period = match self {
            Self::Never => String::new(),
            Self::Yearly => format!("{year:04}"),
            Self::Monthly => format!("{year:04}-{month:02}"),
        };
        // Digits and a hyphen, seven of them at most.
        Period::parse(&period).unwrap_or_default()
    }
}

/// A place in a series, which one document of an organization has and no other can have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NumberPlace {
    /// The period of the count.
    pub period: Period,
    /// The count: 1..n without gaps, or from the start number that was set for the period.
    pub sequence: u32,
}

/// A number as it is given to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedNumber {
    /// What is printed.
    pub number: InvoiceNumber,
    /// The series.
    pub series: SeriesId,
    /// The place in it.
    pub place: NumberPlace,
}

/// The last number of a series, which the next one follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastNumber {
    /// Its place.
    pub place: NumberPlace,
    /// The day of issue of its document.
    pub issue_date: CalendarDate,
}

/// A reset whose periods the template does not show: two periods would get the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must show the period in which the count runs: {{YYYY}} or {{YY}}, and {{MM}} too when it restarts monthly"
)]
pub struct PeriodHidden;

impl PeriodHidden {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "TEMPLATE_PERIOD_HIDDEN"
    }
}

/// A series of numbers of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    id: SeriesId,
    kind: InvoiceKind,
    template: Template,
    reset: Reset,
    start: Option<NumberPlace>,
}

/// No series of the organization for this kind of document has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be the id of a number series of the profile for this kind of document, or blank for the first one"
)]
pub struct SeriesUnknown;

impl SeriesUnknown {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        "SERIES_UNKNOWN"
    }
}

/// Why the next number of a series cannot be given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// A document of the series has a later day of issue.
    #[error(
        "must not be before {last}, the day of the last invoice of the series: numbers follow the calendar"
    )]
    DateBeforeLast {
        /// The day of the last document.
        last: CalendarDate,
    },
    /// The day of issue is too far ahead. Accepted, it would keep the series closed until it has come, since numbers
    /// follow the calendar and a number that was given stays used.
    #[error(
        "must not be after {latest}: an invoice is issued at most {} days ahead",
        Series::DAYS_AHEAD
    )]
    DateTooFar {
        /// The last day that is accepted now.
        latest: CalendarDate,
    },
    /// The count has no number left.
    #[error("must be a series that has numbers left")]
    Exhausted,
}

impl Series {
    /// How many days ahead a document may be dated: a week is custom, a mistyped year is not.
    pub const DAYS_AHEAD: u16 = 7;
    /// The greatest start number: nine digits, which leaves numbers for centuries.
    pub const GREATEST_START: u32 = 999_999_999;

    /// A series whose numbers look like `template` and count from 1 in each period.
    ///
    /// # Errors
    /// [`PeriodHidden`].
    pub fn new(
        id: SeriesId,
        kind: InvoiceKind,
        template: Template,
        reset: Reset,
    ) -> Result<Self, PeriodHidden> {
        if !template.shows_periods_of(reset) {
            return Err(PeriodHidden);
        }
        Ok(Self {
            id,
            kind,
            template,
            reset,
            start: None,
        })
    }

    /// The series, with the count of one period beginning at `start` instead of 1: for who goes on with numbers that
    /// another program began. Other periods are not touched.
    #[must_use]
    pub fn starting_at(mut self, start: Option<NumberPlace>) -> Self {
        self.start = start;
        self
    }

    /// The series for invoices that every organization starts with, `INV-{YYYY}-{SEQ:4}`, restarted every year.
    pub fn standard() -> Self {
        Self::yearly("INV", InvoiceKind::Invoice)
    }

    /// The series for credit notes that every organization starts with, `CN-{YYYY}-{SEQ:4}`, restarted every year.
    pub fn standard_of_credit_notes() -> Self {
        Self::yearly("CN", InvoiceKind::CreditNote)
    }

    fn yearly(prefix: &str, kind: InvoiceKind) -> Self {
        Self {
            // A few letters.
            id: SeriesId::parse(prefix).unwrap_or_default(),
            kind,
            template: Template::counted_yearly(prefix),
            reset: Reset::Yearly,
            start: None,
        }
    }

    /// Its id.
    pub const fn id(&self) -> &SeriesId {
        &self.id
    }

    /// Which documents take numbers from it.
    pub const fn kind(&self) -> InvoiceKind {
        self.kind
    }

    /// What its numbers look like.
    pub const fn template(&self) -> &Template {
        &self.template
    }

    /// When its count begins anew.
    pub const fn reset(&self) -> Reset {
        self.reset
    }

    /// The place that a start number was set for.
    pub const fn start(&self) -> Option<&NumberPlace> {
        self.start.as_ref()
    }

    /// The place of the document that is issued next, when that happens `today`.
    ///
    /// # Errors
    /// [`NumberError::Exhausted`].
    pub fn next_place(
        &self,
        last: Option<&LastNumber>,
        today: CalendarDate,
    ) -> Result<NumberPlace, NumberError> {
        // The last one may be dated a few days ahead, and the next one cannot be before it.
        self.place(last, last.map_or(today, |last| last.issue_date.max(today)))
    }

    /// The number after `last` for a document of this day, given out `today`.
    ///
    /// # Errors
    /// [`NumberError`], one variant per cause.
    pub fn next(
        &self,
        last: Option<&LastNumber>,
        day: CalendarDate,
        today: CalendarDate,
    ) -> Result<AssignedNumber, NumberError> {
        match today.plus_days(Self::DAYS_AHEAD) {
            Ok(latest) if day > latest => return Err(NumberError::DateTooFar { latest }),
            // In the last week of all days every day is near.
            Ok(_) | Err(_) => {}
        }
        if let Some(last) = last.map(|last| last.issue_date).filter(|last| day < *last) {
            return Err(NumberError::DateBeforeLast { last });
        }
        let place = self.place(last, day)?;
        let number = self.template.number(day, place.sequence);
        Ok(AssignedNumber {
            // The template left room for the longest count.
            number: InvoiceNumber::parse(&number).map_err(|_| NumberError::Exhausted)?,
            series: self.id.clone(),
            place,
        })
    }

    fn place(&self, last: Option<&LastNumber>, day: CalendarDate) -> Result<NumberPlace, NumberError> {
        let period = self.reset.period(day);
        let last = last.filter(|last| last.place.period == period);
        let start = self.start.as_ref().filter(|start| start.period == period);
        let sequence = match (last, start) {
            (Some(last), _) => last.place.sequence.checked_add(1).ok_or(NumberError::Exhausted)?,
            (None, Some(start)) => start.sequence,
            (None, None) => 1,
        };
        Ok(NumberPlace { period, sequence })
    }
}

impl NumberError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::DateBeforeLast { .. } => "ISSUE_DATE_BEFORE_LAST",
            Self::DateTooFar { .. } => "ISSUE_DATE_TOO_FAR",
            Self::Exhausted => "SERIES_EXHAUSTED",
        }
    }
}
