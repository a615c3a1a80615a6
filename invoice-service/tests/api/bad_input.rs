//! What is wrong gets a clear answer, and nothing is stored.

use harness::{Refusal, RunningProduct, build};
use proto::invoice::v1::adjustment::{Kind, Value};
use proto::invoice::v1::{Adjustment, ExtraTax, Invoice, Line, ListInvoicesRequest, TaxCategory};
use tonic::Code;

use crate::{created, read};

/// What the service says to an invoice, made from a good one.
async fn refusal(product: &RunningProduct, spoil: impl FnOnce(&mut Invoice)) -> Refusal {
    let mut ann = product.person().await;
    let mut invoice = build::invoice();
    spoil(&mut invoice);
    let refusal = Refusal::in_result(ann.invoices.create_invoice(build::create(invoice)).await);
    let stored = ann
        .invoices
        .list_invoices(ListInvoicesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(stored.invoices.is_empty(), "a refused invoice was stored");
    refusal
}

#[tokio::test]
async fn every_problem_of_an_invoice_is_reported_at_once_with_its_path() {
    let product = RunningProduct::start().await;
    let found = refusal(&product, |invoice| {
        invoice.currency_code = "XAU".to_owned();
        invoice.issue_date = "2026-13-01".to_owned();
        invoice.payment_terms_days = Some(-1);
        invoice.customer_id = "cus_nope".to_owned();
        invoice.cash_rounding_minor = -5;
        invoice.buyer.as_mut().unwrap().name = "x".repeat(201);
        invoice
            .buyer
            .as_mut()
            .unwrap()
            .address
            .as_mut()
            .unwrap()
            .country_code = "de".to_owned();
        invoice.metadata.insert("a b".to_owned(), String::new());
        invoice.lines.push(Line {
            quantity: "1,5".to_owned(),
            unit_price: "-1".to_owned(),
            tax_rate: "100.1".to_owned(),
            unit_code: "hours".to_owned(),
            price_base_quantity: "0".to_owned(),
            ..Line::default()
        });
        invoice.adjustments.push(Adjustment::default());
    })
    .await;
    let mut violations = found.violations.clone();
    violations.sort();
    assert_eq!(found.reason, "FIELDS_INVALID");
    assert_eq!(
        violations,
        [
            "invoice.adjustments[0] FIELD_REQUIRED",
            "invoice.adjustments[0].kind FIELD_REQUIRED",
            "invoice.buyer.address.country_code COUNTRY_UNKNOWN",
            "invoice.buyer.name TEXT_TOO_LONG",
            "invoice.cash_rounding_minor CASH_ROUNDING_STEP",
            "invoice.currency_code CURRENCY_NO_MINOR_UNIT",
            "invoice.customer_id ID_MALFORMED",
            "invoice.issue_date DATE_NO_SUCH_DAY",
            "invoice.lines[1].price_base_quantity DECIMAL_RANGE",
            "invoice.lines[1].quantity DECIMAL_MALFORMED",
            "invoice.lines[1].tax_rate DECIMAL_RANGE",
            "invoice.lines[1].unit_code TEXT_FORM",
            "invoice.lines[1].unit_price DECIMAL_RANGE",
            "invoice.metadata[\"a b\"] METADATA_KEY",
            "invoice.payment_terms_days PAYMENT_TERMS_RANGE",
        ]
    );
}

#[tokio::test]
async fn malformed_decimals_are_refused_at_their_field() {
    let product = RunningProduct::start().await;
    let cases = [
        ("1e3", "DECIMAL_MALFORMED"),
        ("+1", "DECIMAL_MALFORMED"),
        ("1,000", "DECIMAL_MALFORMED"),
        (" 1", "DECIMAL_MALFORMED"),
        (".5", "DECIMAL_MALFORMED"),
        ("5.", "DECIMAL_MALFORMED"),
        ("0x10", "DECIMAL_MALFORMED"),
        ("NaN", "DECIMAL_MALFORMED"),
        ("Infinity", "DECIMAL_MALFORMED"),
        ("--1", "DECIMAL_MALFORMED"),
        ("1.2.3", "DECIMAL_MALFORMED"),
        ("١", "DECIMAL_MALFORMED"),
        ("{\"$gt\":\"\"}", "DECIMAL_MALFORMED"),
        ("1.0000001", "DECIMAL_SCALE"),
        ("1000000000", "DECIMAL_RANGE"),
        ("-1000000000", "DECIMAL_RANGE"),
    ];
    for (quantity, reason) in cases {
        let found = refusal(&product, |invoice| {
            invoice.lines[0].quantity = quantity.to_owned();
        })
        .await;
        assert_eq!(
            found,
            Refusal::fields(&[&format!("invoice.lines[0].quantity {reason}")]),
            "{quantity:?}"
        );
    }
}

#[tokio::test]
async fn malformed_dates_are_refused_at_their_field() {
    let product = RunningProduct::start().await;
    let cases = [
        ("2026-2-3", "DATE_MALFORMED"),
        ("03.02.2026", "DATE_MALFORMED"),
        ("2026-02-03T00:00:00Z", "DATE_MALFORMED"),
        ("today", "DATE_MALFORMED"),
        ("2026-02-30", "DATE_NO_SUCH_DAY"),
        ("2025-02-29", "DATE_NO_SUCH_DAY"),
        ("0000-01-01", "DATE_RANGE"),
        ("1899-12-31", "DATE_RANGE"),
        ("3000-01-01", "DATE_RANGE"),
    ];
    for (date, reason) in cases {
        let found = refusal(&product, |invoice| invoice.supply_date = date.to_owned()).await;
        assert_eq!(
            found,
            Refusal::fields(&[&format!("invoice.supply_date {reason}")]),
            "{date:?}"
        );
    }
}

#[tokio::test]
async fn amounts_that_leave_their_range_are_refused_where_they_arise_and_never_wrap() {
    let product = RunningProduct::start().await;
    let largest = || Line {
        quantity: "999999999".into(),
        unit_price: "9999999999".into(),
        ..Line::default()
    };
    let line = refusal(&product, |invoice| invoice.lines[0] = largest()).await;
    assert_eq!(line, Refusal::fields(&["invoice.lines[0] AMOUNT_RANGE"]));
    let sum = refusal(&product, |invoice| {
        let large = Line {
            quantity: "99".into(),
            unit_price: "9999999999".into(),
            ..Line::default()
        };
        invoice.lines = vec![large.clone(), large];
    })
    .await;
    assert_eq!(sum, Refusal::fields(&["invoice.totals.tax_minor AMOUNT_RANGE"]));
    let amount = refusal(&product, |invoice| {
        let value = Some(Value::AmountMinor(i64::MIN));
        invoice.adjustments.push(Adjustment {
            kind: Kind::Charge.into(),
            value,
            ..Adjustment::default()
        });
    })
    .await;
    assert_eq!(
        amount,
        Refusal::fields(&["invoice.adjustments[0].amount_minor AMOUNT_RANGE"])
    );
}

#[tokio::test]
async fn contradictory_or_too_many_taxes_are_refused() {
    let product = RunningProduct::start().await;
    let exempt = refusal(&product, |invoice| {
        invoice.lines[0].set_tax_category(TaxCategory::Exempt);
        invoice.lines[0].tax_rate = "5".to_owned();
    })
    .await;
    assert_eq!(
        exempt,
        Refusal::fields(&["invoice.lines[0].tax_rate TAX_RATE_NOT_ZERO"])
    );
    let unknown = refusal(&product, |invoice| invoice.lines[0].tax_category = 99).await;
    assert_eq!(
        unknown,
        Refusal::fields(&["invoice.lines[0].tax_category ENUM_UNKNOWN"])
    );
    let many = refusal(&product, |invoice| {
        invoice.lines[0].extra_taxes = vec![ExtraTax::default(); 5];
    })
    .await;
    assert_eq!(
        many,
        Refusal::fields(&["invoice.lines[0].extra_taxes TOO_MANY_EXTRA_TAXES"])
    );
    let on_a_line = refusal(&product, |invoice| {
        let mut adjustment = Adjustment {
            value: Some(Value::AmountMinor(1)),
            ..Adjustment::default()
        };
        adjustment.set_kind(Kind::Charge);
        adjustment.set_tax_category(TaxCategory::Standard);
        invoice.lines[0].adjustments.push(adjustment);
    })
    .await;
    assert_eq!(
        on_a_line,
        Refusal::fields(&["invoice.lines[0].adjustments[0].tax_category FIELD_NOT_HERE"])
    );
}

#[tokio::test]
async fn lists_that_are_too_long_are_refused_without_a_word_about_their_items() {
    let product = RunningProduct::start().await;
    let bad = Line {
        quantity: "x".to_owned(),
        ..Line::default()
    };
    let lines = refusal(&product, |invoice| invoice.lines = vec![bad; 501]).await;
    assert_eq!(lines, Refusal::fields(&["invoice.lines TOO_MANY_LINES"]));
    let adjustments = refusal(&product, |invoice| {
        invoice.adjustments = vec![Adjustment::default(); 101];
    })
    .await;
    assert_eq!(
        adjustments,
        Refusal::fields(&["invoice.adjustments TOO_MANY_ADJUSTMENTS"])
    );
    let id = "lin_01hzzzzzzzzzzzzzzzzzzzzzzz".to_owned();
    let same = refusal(&product, |invoice| {
        invoice.lines = vec![
            Line {
                id,
                ..Line::default()
            };
            2
        ];
    })
    .await;
    assert_eq!(same, Refusal::fields(&["invoice.lines[1].id DUPLICATE_LINE_ID"]));
}

#[tokio::test]
async fn problems_of_several_kinds_are_reported_together() {
    let product = RunningProduct::start().await;
    let found = refusal(&product, |invoice| {
        let id = "lin_01hzzzzzzzzzzzzzzzzzzzzzzz".to_owned();
        invoice.lines = vec![
            Line {
                id,
                ..Line::default()
            };
            2
        ];
        invoice.supply_date = "soon".to_owned();
        invoice.metadata.insert(String::new(), "x".to_owned());
        invoice.metadata.insert("ok".to_owned(), "x".repeat(501));
        let value = Some(Value::AmountMinor(1));
        let mut untaxed = Adjustment {
            value,
            tax_rate: "0".to_owned(),
            ..Adjustment::default()
        };
        untaxed.set_kind(Kind::Allowance);
        invoice.adjustments.push(untaxed);
    })
    .await;
    let expected = [
        "invoice.supply_date DATE_MALFORMED",
        "invoice.metadata[\"\"] METADATA_KEY",
        "invoice.metadata[\"ok\"] METADATA_VALUE",
        "invoice.adjustments[0].tax_category FIELD_REQUIRED",
        "invoice.lines[1].id DUPLICATE_LINE_ID",
    ];
    assert_eq!(found, Refusal::fields(&expected));
}

#[tokio::test]
async fn ten_megabytes_of_text_are_refused_by_size_and_nothing_is_stored() {
    let product = RunningProduct::start().await;
    let huge = refusal(&product, |invoice| invoice.note = "x".repeat(10 * 1024 * 1024)).await;
    assert_eq!(huge, Refusal::new(Code::InvalidArgument, "MESSAGE_TOO_LARGE"));
    let long = refusal(&product, |invoice| invoice.note = "x".repeat(5_001)).await;
    assert_eq!(long, Refusal::fields(&["invoice.note TEXT_TOO_LONG"]));
}

#[tokio::test]
async fn text_that_looks_like_an_operator_or_a_statement_is_text() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    for text in [
        "{\"$gt\":\"\"}",
        "'; DROP TABLE invoice; --",
        "$where: 1==1",
        "%_*?[]",
        "<script>alert(1)</script>",
    ] {
        let mut invoice = build::invoice();
        invoice.note = text.to_owned();
        invoice.lines[0].description = text.to_owned();
        invoice.metadata.insert("k".to_owned(), text.to_owned());
        let id = created(&mut ann, invoice).await.id;
        let read = read(&mut ann, &id).await.unwrap();
        assert_eq!((read.note.as_str(), read.metadata["k"].as_str()), (text, text));
    }
}

#[tokio::test]
async fn request_ids_that_are_no_uuid_are_refused() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    for request_id in ["1", "{\"$ne\":null}", "00000000-0000-0000-0000-000000000000"] {
        let mut request = build::create(build::invoice());
        request.request_id = request_id.to_owned();
        let refusal = Refusal::in_result(ann.invoices.create_invoice(request).await);
        assert_eq!(
            refusal,
            Refusal::fields(&["request_id REQUEST_ID_MALFORMED"]),
            "{request_id}"
        );
    }
}
