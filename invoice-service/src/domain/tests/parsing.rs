//! What the constructors take and refuse.

use std::collections::BTreeMap;

use crate::domain::{
    content::PaymentTermsDays,
    date::{CalendarDate, DateError, truncate_to_milliseconds},
    decimal::{Decimal, DecimalError, PriceBaseQuantity, Quantity, Rate, UnitPrice},
    ids::{CustomerId, InvoiceId, LineId, OrganizationId, Version},
    metadata::{Metadata, MetadataError},
    money::{AmountOverflow, CashRoundingStep, Currency, CurrencyError, MinorUnits},
    tax::{Tax, TaxCategory, TaxError, TaxProfile},
    text::{Paragraph, Text, TextError, UnitCode},
};

#[test]
fn a_decimal_comes_back_as_it_was_written() {
    for text in [
        "0",
        "1",
        "1.5",
        "1.50",
        "-0.01146",
        "10.00",
        "0.0",
        "-999999999.999999",
    ] {
        assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Decimal::parse("-0.00").unwrap().to_string(), "0.00");
}

#[test]
fn what_is_not_a_plain_decimal_is_refused() {
    for text in [
        "", "-", ".", ".5", "5.", "-.5", "+1", "--1", "1e3", "1E3", "1,5", "1.000,00", "1_000", "1 000",
        " 1", "1 ", "1\n", "1.2.3", "1.-2", "007", "00", "-01", "0x1", "NaN", "inf", "١٢", "½", "1.٥", "−1",
    ] {
        assert_eq!(Decimal::parse(text), Err(DecimalError::Malformed), "{text:?}");
    }
}

#[test]
fn a_decimal_of_any_length_is_refused_without_wrapping() {
    assert_eq!(
        Decimal::parse(&"9".repeat(19)),
        Err(DecimalError::Range { range: "below 10^18" })
    );
    assert_eq!(
        Decimal::parse(&format!("1.{}", "0".repeat(300))),
        Err(DecimalError::Scale { max: 18 })
    );
    let longest = format!("-{nines}.{nines}", nines = "9".repeat(18));
    assert_eq!(Decimal::parse(&longest).unwrap().to_string(), longest);
}

#[test]
fn quantities_end_at_their_limits() {
    for text in ["999999999.999999", "-999999999.999999", "0", "-1"] {
        assert!(Quantity::parse(text).is_ok(), "{text}");
    }
    for text in ["1000000000", "-1000000000", "1000000000.000000"] {
        assert_eq!(
            Quantity::parse(text).unwrap_err().reason(),
            "DECIMAL_RANGE",
            "{text}"
        );
    }
    assert_eq!(Quantity::parse("1.0000000"), Err(DecimalError::Scale { max: 6 }));
}

#[test]
fn a_unit_price_is_never_negative_br_27() {
    for text in ["0", "9999999999.99999999", "0.00000001"] {
        assert!(UnitPrice::parse(text).is_ok(), "{text}");
    }
    for text in ["-0.01", "-1", "10000000000"] {
        assert_eq!(
            UnitPrice::parse(text).unwrap_err().reason(),
            "DECIMAL_RANGE",
            "{text}"
        );
    }
    assert_eq!(
        UnitPrice::parse("0.000000001"),
        Err(DecimalError::Scale { max: 8 })
    );
}

#[test]
fn a_price_base_quantity_is_above_zero() {
    assert!(PriceBaseQuantity::parse("0.000001").is_ok());
    assert!(PriceBaseQuantity::parse("999999999.999999").is_ok());
    for text in ["0", "0.000000", "-1", "1000000000"] {
        assert_eq!(
            PriceBaseQuantity::parse(text).unwrap_err().reason(),
            "DECIMAL_RANGE",
            "{text}"
        );
    }
    assert_eq!(
        PriceBaseQuantity::parse("0.0000001"),
        Err(DecimalError::Scale { max: 6 })
    );
}

#[test]
fn a_rate_is_a_percentage_from_0_to_100() {
    for text in ["0", "100", "100.0000", "9.975", "0.0001"] {
        assert!(Rate::parse(text).is_ok(), "{text}");
    }
    for text in ["-0.0001", "100.0001", "101"] {
        assert_eq!(Rate::parse(text).unwrap_err().reason(), "DECIMAL_RANGE", "{text}");
    }
    assert_eq!(Rate::parse("1.00000"), Err(DecimalError::Scale { max: 4 }));
    assert_eq!(Rate::parse("7").unwrap(), Rate::parse("7.00").unwrap());
}

#[test]
fn an_amount_ends_at_ten_to_the_fourteenth() {
    let (most, least) = (MinorUnits::MAX.get(), MinorUnits::MIN.get());
    assert_eq!(most, 10_i64.pow(14) - 1);
    assert_eq!(least, -most);
    for refused in [most + 1, least - 1, i64::MAX, i64::MIN] {
        assert_eq!(MinorUnits::new(refused), Err(AmountOverflow), "{refused}");
    }
    let one = MinorUnits::new(1).unwrap();
    assert_eq!(MinorUnits::MAX.checked_add(one), Err(AmountOverflow));
    assert_eq!(MinorUnits::MIN.checked_sub(one), Err(AmountOverflow));
    assert_eq!(MinorUnits::MAX.checked_sub(one).unwrap().get(), most - 1);
    assert_eq!(MinorUnits::try_from(i128::MAX), Err(AmountOverflow));
}

#[test]
fn a_currency_has_its_own_number_of_digits() {
    for (code, exponent) in [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)] {
        let currency = Currency::parse(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (code, exponent));
    }
}

#[test]
fn what_has_no_minor_unit_is_no_invoice_currency() {
    for code in ["XAU", "XXX", "XTS", "XDR"] {
        assert_eq!(Currency::parse(code), Err(CurrencyError::NoMinorUnit), "{code}");
    }
    for code in ["", "eur", "EURO", "EU", "ZZZ", " EUR", "€"] {
        assert_eq!(Currency::parse(code), Err(CurrencyError::Unknown), "{code}");
    }
}

#[test]
fn a_cash_rounding_step_is_above_zero_and_small() {
    assert!(CashRoundingStep::new(1).is_ok() && CashRoundingStep::new(1_000_000).is_ok());
    for step in [0, -5, 1_000_001, i64::MIN] {
        assert!(CashRoundingStep::new(step).is_err(), "{step}");
    }
}

#[test]
fn a_date_is_ten_characters_and_a_day_that_exists() {
    assert_eq!(
        CalendarDate::parse("2024-02-29").unwrap().to_string(),
        "2024-02-29"
    );
    for text in [
        "",
        "2021-2-3",
        "20210203",
        "2021-02-03T00:00:00",
        "2021/02/03",
        "+021-02-03",
        "2021-02-0３",
        " 2021-02-3",
    ] {
        assert_eq!(CalendarDate::parse(text), Err(DateError::Malformed), "{text:?}");
    }
    for text in [
        "2021-02-30",
        "2023-02-29",
        "2021-13-01",
        "2021-00-10",
        "2021-01-00",
    ] {
        assert_eq!(CalendarDate::parse(text), Err(DateError::NoSuchDay), "{text}");
    }
    for text in ["1899-12-31", "3000-01-01", "0000-01-01"] {
        assert_eq!(CalendarDate::parse(text), Err(DateError::Range), "{text}");
    }
    assert!(CalendarDate::parse("1900-01-01").is_ok());
    assert_eq!(
        CalendarDate::parse("2999-12-31").unwrap().plus_days(1),
        Err(DateError::Range)
    );
}

#[test]
fn an_instant_is_cut_to_the_millisecond_and_never_moved_forward() {
    for (given, kept) in [
        ("2026-01-02T03:04:05.678999999Z", "2026-01-02T03:04:05.678Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
    ] {
        let kept: jiff::Timestamp = kept.parse().unwrap();
        assert_eq!(truncate_to_milliseconds(given.parse().unwrap()), kept);
    }
}

#[test]
fn an_id_has_one_spelling_and_one_kind() {
    let id = LineId::generate();
    assert_eq!(LineId::parse(id.as_str()).unwrap(), id);
    assert_ne!(LineId::generate(), LineId::generate());
    let ulid = id.as_str().strip_prefix("lin_").unwrap().to_owned();
    for text in [
        ulid.clone(),
        format!("inv_{ulid}"),
        format!("lin_{}", ulid.to_uppercase()),
        format!("lin_{}", &ulid[1..]),
        format!("lin_8{}", &ulid[1..]),
        format!("lin_0l{}", &ulid[2..]),
        format!("lin_{ulid} "),
        "lin_".to_owned(),
    ] {
        assert_eq!(LineId::parse(&text).unwrap_err().prefix, "lin_", "{text}");
    }
    assert!(InvoiceId::generate().as_str().starts_with("inv_"));
    assert!(CustomerId::generate().as_str().starts_with("cus_"));
}

#[test]
fn an_id_of_another_service_is_only_checked_for_its_shape() {
    assert!(OrganizationId::parse("org_01J9ZX").is_ok());
    for text in [
        "org_",
        "org_a b",
        "org_ä",
        "usr_01j9zx",
        &format!("org_{}", "a".repeat(65)),
    ] {
        assert!(OrganizationId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_etag_changes_with_every_version() {
    assert_eq!(Version::FIRST.next(), Version::new(2));
    assert_ne!(Version::FIRST.etag(), Version::FIRST.next().etag());
}

#[test]
fn a_text_is_bounded_in_characters_not_bytes() {
    assert_eq!(Text::<3>::parse("äöü").unwrap().as_str(), "äöü");
    assert_eq!(Text::<3>::parse("äöüß"), Err(TextError::TooLong { max: 3 }));
    assert_eq!(
        Text::<3>::parse(&"x".repeat(1_000)),
        Err(TextError::TooLong { max: 3 })
    );
}

#[test]
fn only_a_paragraph_has_lines_and_tabs() {
    assert!(Paragraph::<9>::parse("a\n\tb").is_ok());
    for text in ["a\nb", "a\tb", "a\0b", "a\u{1b}b", "a\u{85}b"] {
        assert_eq!(
            Text::<9>::parse(text),
            Err(TextError::ControlCharacter),
            "{text:?}"
        );
    }
    for text in ["a\0b", "a\rb", "a\u{7f}b"] {
        assert_eq!(
            Paragraph::<9>::parse(text),
            Err(TextError::ControlCharacter),
            "{text:?}"
        );
    }
}

#[test]
fn a_blank_unit_is_a_piece() {
    assert_eq!(UnitCode::parse("").unwrap().as_str(), "C62");
    assert_eq!(UnitCode::parse("HUR").unwrap().as_str(), "HUR");
    for text in ["hur", "HOUR", "H R", "Ä"] {
        assert_eq!(UnitCode::parse(text).unwrap_err().reason(), "TEXT_FORM", "{text}");
    }
}

#[test]
fn a_category_without_tax_takes_no_rate_br_z_05() {
    let one = Rate::parse("1").unwrap();
    for category in [
        TaxCategory::Zero,
        TaxCategory::Exempt,
        TaxCategory::ReverseCharge,
        TaxCategory::IntraCommunity,
        TaxCategory::Export,
        TaxCategory::OutsideScope,
    ] {
        assert_eq!(
            Tax::new(category, one),
            Err(TaxError::RateNotZero),
            "{category:?}"
        );
        assert!(Tax::new(category, Rate::parse("0.00").unwrap()).is_ok());
        assert_eq!(category.needs_exemption_reason(), category != TaxCategory::Zero);
    }
    assert!(Tax::new(TaxCategory::Standard, Rate::ZERO).is_ok());
    assert!(Tax::new(TaxCategory::Unspecified, one).is_ok());
}

#[test]
fn a_line_has_at_most_five_taxes() {
    let tax = Tax::new(TaxCategory::Standard, Rate::parse("1").unwrap()).unwrap();
    assert!(TaxProfile::new(tax, vec![tax; 4]).is_ok());
    assert_eq!(
        TaxProfile::new(tax, vec![tax; 5]),
        Err(TaxError::TooManyExtraTaxes)
    );
}

#[test]
fn payment_terms_are_0_to_3650_days() {
    assert!(PaymentTermsDays::new(0).is_ok() && PaymentTermsDays::new(3650).is_ok());
    assert!(PaymentTermsDays::new(-1).is_err() && PaymentTermsDays::new(3651).is_err());
}

#[test]
fn metadata_is_bounded_in_entries_keys_and_values() {
    let one = |key: &str, value: &str| Metadata::new(BTreeMap::from([(key.to_owned(), value.to_owned())]));
    assert!(one("shop.order-id_1", &"ü".repeat(500)).is_ok());
    for key in ["", "a b", "ä", "a/b", &"k".repeat(41)] {
        assert_eq!(
            one(key, "").unwrap_err(),
            MetadataError::Key { key: key.to_owned() }
        );
    }
    for value in ["a\nb", &"v".repeat(501)] {
        assert_eq!(
            one("k", value).unwrap_err(),
            MetadataError::Value { key: "k".to_owned() }
        );
    }
    let many = |count: usize| {
        (0..count)
            .map(|index| (index.to_string(), String::new()))
            .collect()
    };
    assert!(Metadata::new(many(50)).is_ok());
    assert_eq!(
        Metadata::new(many(51)).unwrap_err(),
        MetadataError::TooManyEntries
    );
}
