//! Calendar dates and instants.

use std::fmt;

use jiff::{Timestamp, Unit, civil::Date};
use thiserror::Error;

/// Why a calendar date was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DateError {
    /// Not of the form `YYYY-MM-DD`.
    #[error("must be a date of the form YYYY-MM-DD, such as \"2026-02-28\"")]
    Malformed,
    /// Of the right form, but no such day exists.
    #[error("must be a day that exists in the calendar")]
    NoSuchDay,
    /// Outside the years 1900 to 2999.
    #[error("must be between 1900-01-01 and 2999-12-31")]
    Range,
}

impl DateError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "DATE_MALFORMED",
            Self::NoSuchDay => "DATE_NO_SUCH_DAY",
            Self::Range => "DATE_RANGE",
        }
    }
}

/// A day on the calendar, without time or zone, between 1900-01-01 and 2999-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate(Date);

impl CalendarDate {
    /// Earlier years are typing mistakes, such as 0203 for 2023.
    pub const MIN_YEAR: i16 = 1900;
    /// Later years are typing mistakes, such as 20260 cut short; far off so that no real term is refused.
    pub const MAX_YEAR: i16 = 2999;

    /// 1900-01-01.
    pub const FIRST: Self = Self(jiff::civil::date(Self::MIN_YEAR, 1, 1));

    /// Takes a date.
    ///
    /// # Errors
    /// [`DateError::Range`] outside [`Self::MIN_YEAR`]..=[`Self::MAX_YEAR`].
    pub fn new(date: Date) -> Result<Self, DateError> {
        if (Self::MIN_YEAR..=Self::MAX_YEAR).contains(&date.year()) {
            Ok(Self(date))
        } else {
            Err(DateError::Range)
        }
    }

    /// Parses exactly `YYYY-MM-DD`: ten characters, no shorter month or day, no time.
    ///
    /// # Errors
    /// [`DateError`], one variant per cause.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return Err(DateError::Malformed);
        }
        let year = text[..4].parse().map_err(|_| DateError::Malformed)?;
        let month = text[5..7].parse().map_err(|_| DateError::Malformed)?;
        let day = text[8..].parse().map_err(|_| DateError::Malformed)?;
        Self::new(Date::new(year, month, day).map_err(|_| DateError::NoSuchDay)?)
    }

    /// The day that it is at `instant` in `zone`.
    ///
    /// # Errors
    /// [`DateError::Range`] when the clock is outside [`Self::MIN_YEAR`]..=[`Self::MAX_YEAR`].
    pub fn at(instant: Timestamp, zone: jiff::tz::TimeZone) -> Result<Self, DateError> {
        Self::new(instant.to_zoned(zone).date())
    }

    /// The day.
    pub const fn date(self) -> Date {
        self.0
    }

    /// The day so many days later.
    ///
    /// # Errors
    /// [`DateError::Range`] when that is after the last permitted day.
    pub fn plus_days(self, days: u16) -> Result<Self, DateError> {
        let later = self
            .0
            .checked_add(jiff::Span::new().days(days))
            .map_err(|_| DateError::Range)?;
        Self::new(later)
    }

    /// The day so many days earlier, but never before [`Self::FIRST`].
    #[must_use]
    pub fn minus_days(self, days: u16) -> Self {
        let earlier = self.0.checked_sub(jiff::Span::new().days(days));
        earlier
            .ok()
            .and_then(|date| Self::new(date).ok())
            .unwrap_or(Self::FIRST)
    }
}

impl fmt::Display for CalendarDate {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The instant without what is finer than a millisecond.
///
/// Stores keep milliseconds; an instant that is cut before it is first used reads back equal.
pub fn truncate_to_milliseconds(instant: Timestamp) -> Timestamp {
    let rounding = jiff::TimestampRound::new()
        .smallest(Unit::Millisecond)
        .mode(jiff::RoundMode::Floor);
    // Rounding down stays inside the range of a timestamp but at its very first millisecond.
    instant.round(rounding).unwrap_or(instant)
}
