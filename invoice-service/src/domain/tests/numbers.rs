//! Series, their templates, and which number comes next.

use crate::domain::date::CalendarDate;
use crate::domain::invoice::{InvoiceKind, SeriesId};
use crate::domain::number::{LastNumber, NumberError, NumberPlace, Period, PeriodHidden, Reset, Series};
use crate::domain::template::{Template, TemplateError};

fn day(text: &str) -> CalendarDate {
    CalendarDate::parse(text).unwrap()
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn series(text: &str, reset: Reset) -> Series {
    let id = SeriesId::parse("S").unwrap();
    Series::new(id, InvoiceKind::Invoice, template(text), reset).unwrap()
}

fn place(period: &str, sequence: u32) -> NumberPlace {
    NumberPlace {
        period: Period::parse(period).unwrap(),
        sequence,
    }
}

fn last(period: &str, sequence: u32, issue_date: &str) -> LastNumber {
    LastNumber {
        place: place(period, sequence),
        issue_date: day(issue_date),
    }
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
fn the_standard_series_count_from_one_and_restart_every_year() {
    let days = [
        "2026-01-01",
        "2026-12-31",
        "2026-12-31",
        "2027-01-01",
        "2029-05-05",
    ];
    let expected = ["2026-0001", "2026-0002", "2026-0003", "2027-0001", "2029-0001"];
    for (series, id, kind) in [
        (Series::standard(), "INV", InvoiceKind::Invoice),
        (Series::standard_of_credit_notes(), "CN", InvoiceKind::CreditNote),
    ] {
        let spelled = template(&format!("{id}-{{YYYY}}-{{SEQ:4}}"));
        assert_eq!(series.template(), &spelled);
        assert_eq!((series.id().as_str(), series.kind()), (id, kind));
        let expected = expected.map(|number| format!("{id}-{number}"));
        assert_eq!(numbers(&series, &days), expected);
    }
}

#[test]
fn a_series_restarts_monthly_yearly_or_never() {
    let days = [
        "2026-01-31",
        "2026-02-01",
        "2026-02-28",
        "2027-01-01",
        "2027-02-01",
    ];
    let monthly = series("{YYYY}{MM}/{SEQ:2}", Reset::Monthly);
    let expected = ["202601/01", "202602/01", "202602/02", "202701/01", "202702/01"];
    assert_eq!(numbers(&monthly, &days), expected);
    let yearly = series("{YY}-{SEQ:3}", Reset::Yearly);
    let expected = ["26-001", "26-002", "26-003", "27-001", "27-002"];
    assert_eq!(numbers(&yearly, &days), expected);
    let never = series("R{SEQ}", Reset::Never);
    assert_eq!(numbers(&never, &days), ["R1", "R2", "R3", "R4", "R5"]);
}

#[test]
fn a_start_number_holds_for_its_period_and_the_next_one_begins_at_one() {
    let yearly = Series::standard().starting_at(Some(place("2026", 58)));
    let days = ["2026-05-01", "2026-12-31", "2027-01-01"];
    let expected = ["INV-2026-0058", "INV-2026-0059", "INV-2027-0001"];
    assert_eq!(numbers(&yearly, &days), expected);
    let never = series("R{SEQ:4}", Reset::Never).starting_at(Some(place("", 99_999)));
    assert_eq!(numbers(&never, &days), ["R99999", "R100000", "R100001"]);
}

#[test]
fn the_next_place_is_that_of_a_document_issued_today_or_on_the_day_of_the_last_one() {
    let yearly = Series::standard();
    let next = |last: Option<&LastNumber>, today| yearly.next_place(last, day(today)).unwrap();
    assert_eq!(next(None, "2026-05-01"), place("2026", 1));
    let before = last("2026", 7, "2026-12-31");
    assert_eq!(next(Some(&before), "2026-12-31"), place("2026", 8));
    assert_eq!(next(Some(&before), "2027-01-01"), place("2027", 1));
    let ahead = last("2027", 1, "2027-01-02");
    assert_eq!(next(Some(&ahead), "2026-12-30"), place("2027", 2));
}

#[test]
fn a_day_before_the_last_invoice_of_the_series_gets_no_number() {
    let last = last("2026", 4, "2026-03-02");
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
    let last_day = day("2999-12-31");
    assert!(series.next(None, last_day, last_day).is_ok());
}

#[test]
fn the_last_count_of_all_ends_the_series() {
    let last = last("2026", u32::MAX, "2026-03-02");
    let refused = Series::standard().next(Some(&last), day("2026-03-02"), day("2026-03-02"));
    assert_eq!(refused, Err(NumberError::Exhausted));
}

#[test]
fn templates_that_mean_nothing_are_refused() {
    for (text, error) in [
        ("INV", TemplateError::Sequence),
        ("", TemplateError::Sequence),
        ("{SEQ:4}{SEQ:4}", TemplateError::Sequence),
        ("{SEQ}{SEQ:4}", TemplateError::Sequence),
        ("{SEQ:0}", TemplateError::Placeholder),
        ("{SEQ:10}", TemplateError::Placeholder),
        ("{SEQ:}", TemplateError::Placeholder),
        ("{SEQ:4", TemplateError::Placeholder),
        ("}{SEQ:4}", TemplateError::Placeholder),
        ("{DD}{SEQ:4}", TemplateError::Placeholder),
        ("{yyyy}{SEQ:4}", TemplateError::Placeholder),
        ("\u{7}{SEQ:4}", TemplateError::Text),
    ] {
        assert_eq!(Template::parse(text), Err(error), "{text}");
    }
    let of_length = |length| format!("{}{{SEQ:9}}", "x".repeat(length));
    assert_eq!(Template::parse(&of_length(55)), Err(TemplateError::Text));
    let longest = template(&of_length(54)).number(day("2026-01-01"), u32::MAX);
    assert_eq!(longest.chars().count(), 64);
}

#[test]
fn a_reset_needs_a_template_that_tells_its_periods_apart() {
    for (text, reset, accepted) in [
        ("{SEQ:4}", Reset::Never, true),
        ("{SEQ:4}", Reset::Yearly, false),
        ("{MM}{SEQ:4}", Reset::Yearly, false),
        ("{YY}{SEQ:4}", Reset::Yearly, true),
        ("{YYYY}{SEQ:4}", Reset::Monthly, false),
        ("{MM}{SEQ:4}", Reset::Monthly, false),
        ("{YY}{MM}{SEQ:4}", Reset::Monthly, true),
    ] {
        let id = SeriesId::parse("S").unwrap();
        let made = Series::new(id, InvoiceKind::Invoice, template(text), reset);
        assert_eq!(
            made.err(),
            (!accepted).then_some(PeriodHidden),
            "{text} {reset:?}"
        );
    }
}

#[test]
fn two_templates_that_can_make_the_same_number_are_told() {
    for (one, other, can) in [
        ("INV-{YYYY}-{SEQ:4}", "CN-{YYYY}-{SEQ:4}", false),
        ("INV-{YYYY}-{SEQ:4}", "INV-{YYYY}-{SEQ:4}", true),
        // 12345 has five digits either way.
        ("INV-{YYYY}-{SEQ:4}", "INV-{YYYY}-{SEQ:5}", true),
        ("INV-{YYYY}-{SEQ:4}", "INV-{YY}-{SEQ:4}", false),
        ("INV-{YYYY}{SEQ:4}", "INV-{SEQ:4}", true),
        ("INV-{YYYY}-{SEQ}", "INV-2026-{SEQ}", true),
        ("INV-{YYYY}-{SEQ}", "INV-3026-{SEQ}", false),
        ("{MM}{SEQ:2}", "2{SEQ:3}", false),
        ("A{SEQ}", "a{SEQ}", false),
        ("A{SEQ:3}", "A0{SEQ}", true),
        ("A{SEQ}", "A0{SEQ}", false),
    ] {
        let (one, other) = (template(one), template(other));
        assert_eq!(one.can_equal(&other), can, "{one} {other}");
        assert_eq!(other.can_equal(&one), can, "{other} {one}");
    }
}

#[test]
fn zeros_in_front_of_the_count_are_the_one_thing_that_repeats_no_number() {
    let inv = template("INV-{YYYY}-{SEQ:4}");
    assert!(inv.differs_in_zeros_only(&template("INV-{YYYY}-{SEQ}")));
    assert!(!inv.differs_in_zeros_only(&template("INV-{YY}-{SEQ:4}")));
    assert!(!inv.differs_in_zeros_only(&template("RE-{YYYY}-{SEQ:4}")));
}
