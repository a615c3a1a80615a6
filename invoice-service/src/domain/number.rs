//! Invoice numbers: which series there are, when their counts restart, and what a number looks like.

use thiserror::Error;

use super::{
    date::CalendarDate,
    invoice::{InvoiceNumber, SeriesId},
    text::Text,
};

/// When the count of a series begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reset {
    /// Never: one count for the life of the series.
    Never,
    /// With the first invoice of a year.
    Yearly,
    /// With the first invoice of a month.
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

/// A place in a series, which one invoice of an organization has and no other can have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NumberPlace {
    /// The period of the count.
    pub period: Period,
    /// The count: 1..n without gaps when the series starts at 1.
    pub sequence: u32,
}

/// A number as it is given to an invoice.
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
    /// The day of issue of its invoice.
    pub issue_date: CalendarDate,
}

/// Why a template was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Braces around something else, or not closed.
    #[error("must have only the placeholders {{YYYY}}, {{MM}} and {{SEQ:1}} to {{SEQ:9}}")]
    Placeholder,
    /// Not exactly one count.
    #[error("must have {{SEQ:n}} exactly once")]
    Sequence,
    /// Two periods would get the same numbers.
    #[error("must show the period in which the count runs: {{YYYY}}, and {{MM}} when it restarts monthly")]
    PeriodHidden,
    /// A control character, or numbers longer than an invoice number can be.
    #[error("must be text that leads to numbers of at most 64 characters")]
    Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Year,
    Month,
    /// With zeros in front, up to so many digits; a larger count is written with as many digits as it has.
    Sequence(u8),
}

/// A series of numbers of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    id: SeriesId,
    parts: Vec<Part>,
    reset: Reset,
    start: u32,
}

/// No series of the organization has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be the id of a number series for such documents, or blank for the one that is there from the start"
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
    /// An invoice of the series has a later day of issue.
    #[error(
        "must not be before {last}, the day of the last invoice of the series: numbers follow the calendar"
    )]
    DateBeforeLast {
        /// The day of the last invoice.
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
    /// How many days ahead an invoice may be dated: a week is custom, a mistyped year is not.
    pub const DAYS_AHEAD: u16 = 7;

    /// The longest count in digits, and what a template's literals leave room for.
    const SEQUENCE_DIGITS: usize = 10;

    /// The series that every organization starts with, `INV-{YYYY}-{SEQ:4}`, restarted every year.
    pub fn standard() -> Self {
        let literal = |text: &str| Part::Literal(text.to_owned());
        Self {
            id: Self::standard_id(),
            parts: vec![literal("INV-"), Part::Year, literal("-"), Part::Sequence(4)],
            reset: Reset::Yearly,
            start: 1,
        }
    }

    /// The series of credit notes that every organization starts with, `CN-{YYYY}-{SEQ:4}`, restarted every year.
    pub fn standard_of_credit_notes() -> Self {
        let literal = |text: &str| Part::Literal(text.to_owned());
        Self {
            // Two letters.
            id: SeriesId::parse("CN").unwrap_or_default(),
            parts: vec![literal("CN-"), Part::Year, literal("-"), Part::Sequence(4)],
            reset: Reset::Yearly,
            start: 1,
        }
    }

    /// The series of credit notes with this id: [`Series::standard_of_credit_notes`] and no other.
    ///
    /// # Errors
    /// [`SeriesUnknown`].
    pub fn of_credit_notes(id: &str) -> Result<Self, SeriesUnknown> {
        let standard = Self::standard_of_credit_notes();
        (standard.id.as_str() == id)
            .then_some(standard)
            .ok_or(SeriesUnknown)
    }

    /// The series with this id. Every organization has [`Series::standard`] and no other, until profiles hold more.
    ///
    /// # Errors
    /// [`SeriesUnknown`].
    pub fn with_id(id: &str) -> Result<Self, SeriesUnknown> {
        let standard = Self::standard();
        (standard.id.as_str() == id)
            .then_some(standard)
            .ok_or(SeriesUnknown)
    }

    /// The id of [`Series::standard`].
    fn standard_id() -> SeriesId {
        // Three letters.
        SeriesId::parse("INV").unwrap_or_default()
    }

    /// A series whose numbers look like `template`, where `{YYYY}` and `{MM}` are year and month of the day of issue and
    /// `{SEQ:4}` is the count with at least four digits. The first number of each period is `start`.
    ///
    /// # Errors
    /// [`TemplateError`], one variant per cause.
    pub fn new(id: SeriesId, template: &str, reset: Reset, start: u32) -> Result<Self, TemplateError> {
        let parts = parts(template)?;
        let has = |wanted: &Part| parts.contains(wanted);
        let counts = parts.iter().filter(|part| matches!(part, Part::Sequence(_)));
        if counts.count() != 1 {
            return Err(TemplateError::Sequence);
        }
        let shows_period = match reset {
            Reset::Never => true,
            Reset::Yearly => has(&Part::Year),
            Reset::Monthly => has(&Part::Year) && has(&Part::Month),
        };
        if !shows_period {
            return Err(TemplateError::PeriodHidden);
        }
        let longest: String = parts
            .iter()
            .map(|part| part.text(CalendarDate::FIRST, 1))
            .collect();
        let room = "0".repeat(Self::SEQUENCE_DIGITS);
        InvoiceNumber::parse(&(longest + &room)).map_err(|_| TemplateError::Text)?;
        Ok(Self {
            id,
            parts,
            reset,
            start,
        })
    }

    /// Its id.
    pub const fn id(&self) -> &SeriesId {
        &self.id
    }

    /// The number after `last` for an invoice of this day, given out `today`.
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
        let period = self.reset.period(day);
        let sequence = match last {
            Some(last) if day < last.issue_date => {
                return Err(NumberError::DateBeforeLast {
                    last: last.issue_date,
                });
            }
            Some(last) if last.place.period == period => {
                last.place.sequence.checked_add(1).ok_or(NumberError::Exhausted)?
            }
            Some(_) | None => self.start,
        };
        let number: String = self.parts.iter().map(|part| part.text(day, sequence)).collect();
        Ok(AssignedNumber {
            // The constructor left room for the longest count.
            number: InvoiceNumber::parse(&number).map_err(|_| NumberError::Exhausted)?,
            series: self.id.clone(),
            place: NumberPlace { period, sequence },
        })
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

impl Part {
    fn text(&self, day: CalendarDate, sequence: u32) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Year => format!("{:04}", day.date().year()),
            Self::Month => format!("{:02}", day.date().month()),
            Self::Sequence(digits) => format!("{sequence:0width$}", width = usize::from(*digits)),
        }
    }
}

fn parts(template: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or(TemplateError::Placeholder)?;
        parts.extend(self::literal(literal)?);
        parts.push(placeholder(name)?);
        rest = after;
    }
    parts.extend(literal(rest)?);
    Ok(parts)
}

fn literal(text: &str) -> Result<Option<Part>, TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Placeholder);
    }
    Ok((!text.is_empty()).then(|| Part::Literal(text.to_owned())))
}

fn placeholder(name: &str) -> Result<Part, TemplateError> {
    match (name, name.strip_prefix("SEQ:").map(str::as_bytes)) {
        ("YYYY", _) => Ok(Part::Year),
        ("MM", _) => Ok(Part::Month),
        (_, Some([digits @ b'1'..=b'9'])) => Ok(Part::Sequence(digits - b'0')),
        (_, Some(_) | None) => Err(TemplateError::Placeholder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> CalendarDate {
        CalendarDate::parse(text).unwrap()
    }

    fn series(template: &str, reset: Reset, start: u32) -> Result<Series, TemplateError> {
        Series::new(SeriesId::parse("S").unwrap(), template, reset, start)
    }

    /// The numbers of invoices of these days, one after the other.
    fn numbers(series: &Series, days: &[&str]) -> Vec<String> {
        let mut last = None;
        let mut numbers = Vec::new();
        for text in days {
            let assigned = series.next(last.as_ref(), day(text), day(text)).unwrap();
            last = Some(LastNumber {
                place: assigned.place,
                issue_date: day(text),
            });
            numbers.push(assigned.number.to_string());
        }
        numbers
    }

    #[test]
    fn the_standard_series_counts_from_one_and_restarts_every_year() {
        let series = Series::standard();
        let spelled = Series::new(Series::standard_id(), "INV-{YYYY}-{SEQ:4}", Reset::Yearly, 1);
        assert_eq!(spelled.as_ref(), Ok(&series));
        let days = [
            "2026-01-01",
            "2026-12-31",
            "2026-12-31",
            "2027-01-01",
            "2029-05-05",
        ];
        let expected = [
            "INV-2026-0001",
            "INV-2026-0002",
            "INV-2026-0003",
            "INV-2027-0001",
            "INV-2029-0001",
        ];
        assert_eq!(numbers(&series, &days), expected);
    }

    #[test]
    fn a_series_restarts_monthly_or_never_and_starts_where_it_is_told() {
        let days = ["2026-01-31", "2026-02-01", "2027-02-01"];
        let monthly = series("{YYYY}{MM}/{SEQ:2}", Reset::Monthly, 7).unwrap();
        assert_eq!(numbers(&monthly, &days), ["202601/07", "202602/07", "202702/07"]);
        let never = series("R{SEQ:1}", Reset::Never, 99).unwrap();
        assert_eq!(numbers(&never, &days), ["R99", "R100", "R101"]);
    }

    #[test]
    fn a_day_before_the_last_invoice_of_the_series_gets_no_number() {
        let last = LastNumber {
            place: NumberPlace {
                period: Period::parse("2026").unwrap(),
                sequence: 4,
            },
            issue_date: day("2026-03-02"),
        };
        let series = Series::standard();
        let refused = series.next(Some(&last), day("2026-03-01"), day("2026-03-03"));
        let expected = NumberError::DateBeforeLast {
            last: day("2026-03-02"),
        };
        assert_eq!(refused, Err(expected));
        let same_day = series
            .next(Some(&last), day("2026-03-02"), day("2026-03-03"))
            .unwrap();
        assert_eq!(same_day.place.sequence, 5);
    }

    #[test]
    fn a_mistyped_year_does_not_close_the_series_and_a_day_next_week_is_accepted() {
        let series = Series::standard();
        let today = day("2026-12-28");
        let refused = series.next(None, day("2062-03-01"), today);
        let latest = day("2027-01-04");
        assert_eq!(refused, Err(NumberError::DateTooFar { latest }));
        assert!(series.next(None, day("2027-01-05"), today).is_err());
        assert_eq!(
            series.next(None, latest, today).unwrap().number.as_str(),
            "INV-2027-0001"
        );
        let last_day = CalendarDate::parse("2999-12-31").unwrap();
        assert!(series.next(None, last_day, last_day).is_ok());
    }

    #[test]
    fn templates_that_double_numbers_or_mean_nothing_are_refused() {
        for (template, reset, error) in [
            ("INV", Reset::Never, TemplateError::Sequence),
            ("{SEQ:4}{SEQ:4}", Reset::Never, TemplateError::Sequence),
            ("{SEQ:0}", Reset::Never, TemplateError::Placeholder),
            ("{SEQ:10}", Reset::Never, TemplateError::Placeholder),
            ("{SEQ:4", Reset::Never, TemplateError::Placeholder),
            ("}{SEQ:4}", Reset::Never, TemplateError::Placeholder),
            ("{DD}{SEQ:4}", Reset::Never, TemplateError::Placeholder),
            ("{SEQ:4}", Reset::Yearly, TemplateError::PeriodHidden),
            ("{YYYY}{SEQ:4}", Reset::Monthly, TemplateError::PeriodHidden),
            ("\u{7}{SEQ:4}", Reset::Never, TemplateError::Text),
        ] {
            assert_eq!(series(template, reset, 1), Err(error), "{template}");
        }
        let long = format!("{}{{SEQ:1}}", "x".repeat(60));
        assert_eq!(series(&long, Reset::Never, 1), Err(TemplateError::Text));
    }
}
