//! What invoices take from the profile: defaults, numbers and the time zone.

use harness::{Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::series::Reset;
use proto::invoice::v1::{
    Invoice, IssueInvoiceRequest, ListInvoicesRequest, PreviewInvoiceRequest, Profile, RecordPaymentRequest,
    Series, UpdateInvoiceRequest,
};

use crate::issue::{issued, issuing};
use crate::profile::{BUT_SERIES, full, profile, put_series, series, update};
use crate::{created, read};

#[tokio::test]
async fn numbers_come_from_the_chosen_series_or_the_first_one_and_begin_where_it_says() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let shop = Series {
        next_sequence: 58,
        ..series("shop.1", "S{SEQ:6}", Reset::Never)
    };
    let inv = series("INV", "INV-{YYYY}-{SEQ:4}", Reset::Yearly);
    let monthly = series("M", "M{YY}{MM}-{SEQ}", Reset::Monthly);
    let answered = put_series(&mut ann, vec![shop, inv, monthly]).await.unwrap();
    assert_eq!(answered.series[0].next_sequence, 58);
    let mut numbers = Vec::new();
    for (series, day) in [
        ("", "2026-01-31"),
        ("M", "2026-01-31"),
        ("M", "2026-01-31"),
        ("M", "2026-02-01"),
        ("INV", "2025-12-31"),
        ("INV", "2026-01-01"),
        ("shop.1", "2026-02-01"),
    ] {
        let draft = created(&mut ann, build::invoice()).await;
        let request = IssueInvoiceRequest {
            series: series.to_owned(),
            issue_date: day.to_owned(),
            ..issuing(&draft)
        };
        let issued = ann.invoices.issue_invoice(request).await.unwrap().into_inner();
        numbers.push(format!("{} {}", issued.series, issued.number));
    }
    let expected = [
        "shop.1 S000058",
        "M M2601-1",
        "M M2601-2",
        "M M2602-1",
        "INV INV-2025-0001",
        "INV INV-2026-0001",
        "shop.1 S000059",
    ];
    assert_eq!(numbers, expected);
    assert_eq!(profile(&mut ann).await.series[0].next_sequence, 60);

    let mut incomplete = build::invoice();
    incomplete.lines.clear();
    let draft = created(&mut ann, incomplete).await;
    for series in ["CN", "nope"] {
        let request = IssueInvoiceRequest {
            series: series.to_owned(),
            ..issuing(&draft)
        };
        let refused = Refusal::in_result(ann.invoices.issue_invoice(request).await);
        let expected = ["invoice.lines NO_LINES", "series SERIES_UNKNOWN"];
        assert_eq!(refused, Refusal::fields(&expected), "{series}");
    }
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), draft);
}

#[tokio::test]
async fn a_new_draft_takes_the_defaults_and_its_seller_follows_the_profile_until_it_is_issued() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    update(&mut ann, full(), &BUT_SERIES).await.unwrap();
    let bare = Invoice {
        seller: None,
        currency_code: String::new(),
        payment_terms_days: None,
        due_date: String::new(),
        note: String::new(),
        ..build::invoice()
    };
    let draft = created(&mut ann, bare.clone()).await;
    assert_eq!(
        (draft.currency_code.as_str(), draft.payment_terms_days),
        ("CHF", Some(21))
    );
    assert_eq!((&draft.note, &draft.seller), (&full().note, &full().seller));
    let request = PreviewInvoiceRequest { invoice: Some(bare) };
    let preview = ann.invoices.preview_invoice(request).await.unwrap().into_inner();
    let same = Invoice {
        id: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        lines: preview.lines.clone(),
        ..draft.clone()
    };
    assert_eq!(preview, same);

    let typed = created(&mut ann, build::invoice()).await;
    let mut moved = full();
    moved.seller.as_mut().unwrap().name = "New name".to_owned();
    update(&mut ann, moved.clone(), &["seller"]).await.unwrap();
    assert_eq!(read(&mut ann, &draft.id).await.unwrap().seller, moved.seller);
    assert_eq!(
        read(&mut ann, &typed.id).await.unwrap().seller,
        build::invoice().seller
    );
    let listed = ann.invoices.list_invoices(ListInvoicesRequest::default()).await;
    let listed = listed.unwrap().into_inner().invoices;
    let shown = listed.iter().find(|listed| listed.id == draft.id).unwrap();
    assert_eq!(shown.seller, moved.seller);

    // Sent back as it was read, it is not typed.
    let whole = UpdateInvoiceRequest {
        invoice: Some(shown.clone()),
        update_mask: Some(FieldMask {
            paths: vec!["*".to_owned()],
        }),
        request_id: String::new(),
    };
    ann.invoices.update_invoice(whole).await.unwrap();
    update(&mut ann, full(), &["seller"]).await.unwrap();
    let issued = ann
        .invoices
        .issue_invoice(issuing(&draft))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(issued.seller, full().seller);
    update(&mut ann, moved, &["seller"]).await.unwrap();
    assert_eq!(read(&mut ann, &draft.id).await.unwrap(), issued, "frozen");
}

/// The day that it is in the zone that is the last to begin it.
fn latest_zones_today() -> String {
    let now = jiff::Timestamp::now();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-12));
    now.to_zoned(zone).date().to_string()
}

#[tokio::test]
async fn today_and_what_is_overdue_are_those_of_the_organizations_time_zone() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let zone = |name: &str| Profile {
        time_zone: name.to_owned(),
        ..Profile::default()
    };
    let overdue = ListInvoicesRequest {
        filter: Some(Filter {
            overdue_only: true,
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    // It is always a later day on Kiritimati (UTC+14) than at UTC-12. Once more when midnight falls in between.
    for attempt in 0.. {
        assert!(attempt < 3, "midnight every time");
        let today = latest_zones_today();
        let due = Invoice {
            due_date: today.clone(),
            ..build::invoice()
        };
        let due = issued(&mut ann, due).await;
        update(&mut ann, zone("Etc/GMT+12"), &["time_zone"])
            .await
            .unwrap();
        let early = read(&mut ann, &due.id).await.unwrap().overdue;
        let early_list = ann
            .invoices
            .list_invoices(overdue.clone())
            .await
            .unwrap()
            .into_inner();
        let paying = RecordPaymentRequest {
            invoice_id: due.id.clone(),
            amount_minor: Some(1),
            ..RecordPaymentRequest::default()
        };
        let paid = ann.invoices.record_payment(paying).await.unwrap().into_inner();
        update(&mut ann, zone("Pacific/Kiritimati"), &["time_zone"])
            .await
            .unwrap();
        assert!(read(&mut ann, &due.id).await.unwrap().overdue);
        let late_list = ann
            .invoices
            .list_invoices(overdue.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(late_list.invoices.iter().any(|late| late.id == due.id));
        if today != latest_zones_today() {
            continue;
        }
        assert!(!early && early_list.invoices.iter().all(|listed| listed.id != due.id));
        assert_eq!(paid.payments[0].paid_on, today);
        break;
    }
}

#[tokio::test]
async fn a_change_of_the_profile_holds_for_the_next_call() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    for name in ["one", "two", "three"] {
        let note = Profile {
            note: name.to_owned(),
            ..Profile::default()
        };
        update(&mut ann, note, &["note"]).await.unwrap();
        let bare = Invoice {
            note: String::new(),
            ..build::invoice()
        };
        assert_eq!(created(&mut ann, bare).await.note, name);
    }
}
