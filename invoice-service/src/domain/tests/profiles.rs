//! Profiles: which day it is, and what may change of the series.

use jiff::Timestamp;

use crate::domain::date::CalendarDate;
use crate::domain::invoice::{InvoiceKind, SeriesId};
use crate::domain::number::{LastNumber, NumberPlace, Period, Reset, Series};
use crate::domain::profile::{
    LastNumbers, SeriesField, SeriesProblem, SeriesViolation, WantedSeries, Zone, ZoneError, changed_series,
};
use crate::domain::template::Template;

fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).unwrap()
}

fn id(text: &str) -> SeriesId {
    SeriesId::parse(text).unwrap()
}

fn series(name: &str, template: &str, reset: Reset) -> Series {
    let template = Template::parse(template).unwrap();
    Series::new(id(name), InvoiceKind::Invoice, template, reset).unwrap()
}

fn as_is(series: &Series) -> WantedSeries {
    WantedSeries {
        series: series.clone().starting_at(None),
        next_sequence: None,
    }
}

fn next(series: &Series, next_sequence: u32) -> WantedSeries {
    WantedSeries {
        next_sequence: Some(next_sequence),
        ..as_is(series)
    }
}

fn lasts(name: &str, period: &str, sequence: u32, issue_date: &str) -> LastNumbers {
    let last = LastNumber {
        place: NumberPlace {
            period: Period::parse(period).unwrap(),
            sequence,
        },
        issue_date: day(issue_date),
    };
    [(id(name), last)].into()
}

/// What changing the standard series for invoices to `wanted` leads to, in May 2026.
fn changed(wanted: &[WantedSeries], lasts: &LastNumbers) -> Result<Vec<Series>, Vec<SeriesViolation>> {
    let current = [Series::standard(), Series::standard_of_credit_notes()];
    let notes = as_is(&Series::standard_of_credit_notes());
    let wanted: Vec<_> = wanted.iter().cloned().chain([notes]).collect();
    changed_series(&current, &wanted, lasts, day("2026-05-05"))
}

fn at(position: usize, field: SeriesField, problem: SeriesProblem) -> SeriesViolation {
    (Some((position, field)), problem)
}

#[test]
fn the_day_changes_at_midnight_of_the_zone() {
    for (name, before, midnight, new_day) in [
        (
            "UTC",
            "2026-03-04T23:59:59.999Z",
            "2026-03-05T00:00:00Z",
            "2026-03-05",
        ),
        // UTC+13 in their summer, UTC+12 in their winter.
        (
            "Pacific/Auckland",
            "2026-01-09T10:59:59Z",
            "2026-01-09T11:00:00Z",
            "2026-01-10",
        ),
        (
            "Pacific/Auckland",
            "2026-07-09T11:59:59Z",
            "2026-07-09T12:00:00Z",
            "2026-07-10",
        ),
        (
            "America/Los_Angeles",
            "2026-01-10T07:59:59Z",
            "2026-01-10T08:00:00Z",
            "2026-01-10",
        ),
        (
            "America/Los_Angeles",
            "2026-07-10T06:59:59Z",
            "2026-07-10T07:00:00Z",
            "2026-07-10",
        ),
    ] {
        let zone = Zone::parse(name).unwrap();
        let on = |instant: &str| zone.day(instant.parse::<Timestamp>().unwrap());
        assert_eq!(on(midnight), day(new_day), "{name}");
        assert_eq!(on(before).plus_days(1), Ok(day(new_day)), "{name}");
    }
}

#[test]
fn a_zone_has_a_name_of_the_database_in_its_spelling() {
    assert_eq!(Zone::parse("europe/BERLIN").unwrap().name(), "Europe/Berlin");
    assert_eq!(Zone::parse("UTC"), Ok(Zone::default()));
    let long = "x".repeat(10_000);
    for unknown in ["", "Mars/Olympus", "+02:00", "../../etc/passwd", "Europe/", &long] {
        assert_eq!(Zone::parse(unknown), Err(ZoneError), "{unknown:?}");
    }
}

#[test]
fn a_series_without_numbers_changes_freely_and_may_go() {
    let none = LastNumbers::new();
    let other = series("INV", "{SEQ}", Reset::Never);
    assert_eq!(changed(&[as_is(&other)], &none).unwrap()[0], other);
    let renamed = series("R", "R{YY}{SEQ:5}", Reset::Yearly);
    assert_eq!(changed(&[as_is(&renamed)], &none).unwrap()[0], renamed);
}

#[test]
fn a_series_with_numbers_stays_and_keeps_everything_but_zeros() {
    let used = lasts("INV", "2026", 3, "2026-04-01");
    let padded = series("INV", "INV-{YYYY}-{SEQ:6}", Reset::Yearly);
    assert_eq!(changed(&[as_is(&padded)], &used).unwrap()[0], padded);
    let gone = changed(&[as_is(&series("R", "R{SEQ}", Reset::Never))], &used);
    assert_eq!(gone, Err(vec![(None, SeriesProblem::Missing(id("INV")))]));
    let other = series("INV", "R-{YYYY}-{MM}-{SEQ:4}", Reset::Monthly);
    let expected =
        [SeriesField::Template, SeriesField::Reset].map(|field| at(0, field, SeriesProblem::InUse));
    assert_eq!(changed(&[as_is(&other)], &used), Err(expected.to_vec()));
    let template = Template::parse("INV-{YYYY}-{SEQ:4}").unwrap();
    let note = Series::new(id("INV"), InvoiceKind::CreditNote, template, Reset::Yearly).unwrap();
    let expected = vec![
        (None, SeriesProblem::NoneOfKind),
        at(0, SeriesField::Kind, SeriesProblem::InUse),
    ];
    assert_eq!(changed(&[as_is(&note)], &used), Err(expected));
}

#[test]
fn two_series_that_could_make_the_same_number_are_refused_with_one_id_twice() {
    let inv = Series::standard();
    let same_look = series("R", "INV-{YYYY}-{SEQ:7}", Reset::Yearly);
    let same_id = series("INV", "R{SEQ}", Reset::Never);
    let refused = changed(
        &[as_is(&inv), as_is(&same_look), as_is(&same_id)],
        &LastNumbers::new(),
    );
    let expected = vec![
        at(1, SeriesField::Template, SeriesProblem::Overlap(id("INV"))),
        at(2, SeriesField::Id, SeriesProblem::Duplicate),
    ];
    assert_eq!(refused, Err(expected));
}

#[test]
fn a_start_number_is_taken_while_the_period_has_no_number() {
    let inv = Series::standard();
    let start = |lasts: &LastNumbers, sequence| {
        let changed = changed(&[next(&inv, sequence)], lasts)?;
        Ok(changed[0]
            .next_place(lasts.get(inv.id()), day("2026-05-05"))
            .unwrap()
            .sequence)
    };
    let none = LastNumbers::new();
    assert_eq!(start(&none, 58), Ok(58));
    let last_year = lasts("INV", "2025", 9, "2025-12-31");
    assert_eq!(start(&last_year, 58), Ok(58));
    let this_year = lasts("INV", "2026", 9, "2026-05-01");
    assert_eq!(start(&this_year, 10), Ok(10), "as it is");
    for wrong in [1, 9, 11, 58] {
        let expected = at(0, SeriesField::NextSequence, SeriesProblem::NotNext(10));
        assert_eq!(start(&this_year, wrong), Err(vec![expected]));
    }
    let expected = at(0, SeriesField::NextSequence, SeriesProblem::StartRange);
    assert_eq!(start(&none, Series::GREATEST_START + 1), Err(vec![expected]));
}

#[test]
fn a_start_number_stays_when_the_next_update_leaves_it_blank() {
    let started = changed(&[next(&Series::standard(), 58)], &LastNumbers::new()).unwrap();
    let wanted: Vec<_> = started.iter().map(as_is).collect();
    let again = changed_series(&started, &wanted, &LastNumbers::new(), day("2026-05-05"));
    assert_eq!(again, Ok(started));
}
