//! ProfileService, and what invoices take from the profile.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::invoice::Type;
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::series::Reset;
use proto::invoice::v1::{
    GetProfileRequest, Invoice, IssueInvoiceRequest, ListInvoicesRequest, PreviewInvoiceRequest, Profile,
    RecordPaymentRequest, Series, UpdateInvoiceRequest, UpdateProfileRequest,
};
use tonic::{Code, Status};

use crate::issue::{issued, issuing};
use crate::{created, read};

async fn profile(person: &mut Person) -> Profile {
    let profile = person.profiles.get_profile(GetProfileRequest {}).await;
    profile.unwrap().into_inner()
}

fn updating(profile: Profile, paths: &[&str]) -> UpdateProfileRequest {
    UpdateProfileRequest {
        profile: Some(profile),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        request_id: build::request_id(),
    }
}

pub(crate) async fn update(person: &mut Person, profile: Profile, paths: &[&str]) -> Result<Profile, Status> {
    let request = updating(profile, paths);
    Ok(person.profiles.update_profile(request).await?.into_inner())
}

fn series(id: &str, template: &str, reset: Reset) -> Series {
    Series {
        id: id.to_owned(),
        template: template.to_owned(),
        reset: reset.into(),
        next_sequence: 0,
        kind: Type::Invoice.into(),
    }
}

fn credit_notes() -> Series {
    Series {
        kind: Type::CreditNote.into(),
        ..series("CN", "CN-{YYYY}-{SEQ:4}", Reset::Yearly)
    }
}

/// Puts these series for invoices before that for credit notes.
async fn put_series(person: &mut Person, mut series: Vec<Series>) -> Result<Profile, Status> {
    series.push(credit_notes());
    let profile = Profile {
        series,
        ..Profile::default()
    };
    update(person, profile, &["series"]).await
}

fn full() -> Profile {
    Profile {
        seller: Some(build::party("Seller & Søn", "DK")),
        currency_code: "CHF".to_owned(),
        payment_terms_days: Some(21),
        time_zone: "Europe/Zurich".to_owned(),
        note: "Thank you\nfor your order".to_owned(),
        ..Profile::default()
    }
}

const BUT_SERIES: [&str; 5] = [
    "seller",
    "currency_code",
    "payment_terms_days",
    "time_zone",
    "note",
];

#[tokio::test]
async fn an_organization_begins_with_the_default_profile_and_keeps_its_own_apart() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let mut bob = product.person().await;
    let first = profile(&mut ann).await;
    let inv = Series {
        next_sequence: 1,
        ..series("INV", "INV-{YYYY}-{SEQ:4}", Reset::Yearly)
    };
    let expected = Profile {
        time_zone: "UTC".to_owned(),
        series: vec![
            inv,
            Series {
                next_sequence: 1,
                ..credit_notes()
            },
        ],
        etag: "v0".to_owned(),
        ..Profile::default()
    };
    assert_eq!(first, expected);

    let updated = update(&mut ann, full(), &BUT_SERIES).await.unwrap();
    assert!(updated.update_time.is_some());
    let expected = Profile {
        series: first.series.clone(),
        etag: "v1".to_owned(),
        update_time: updated.update_time,
        ..full()
    };
    assert_eq!(updated, expected);
    assert_eq!(profile(&mut ann).await, updated);
    assert_eq!(profile(&mut bob).await, first, "another organization's");
    let draft = created(&mut bob, build::invoice()).await;
    assert_eq!(draft.note, build::invoice().note);
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let before = update(&mut ann, full(), &BUT_SERIES).await.unwrap();
    let mut city = Profile {
        seller: Some(build::party("other", "SE")),
        ..Profile::default()
    };
    city.seller.as_mut().unwrap().address.as_mut().unwrap().city = "Malmö".to_owned();
    let after = update(&mut ann, city, &["seller.address.city", "note"])
        .await
        .unwrap();
    let mut expected = Profile {
        note: String::new(),
        etag: "v2".to_owned(),
        update_time: after.update_time,
        ..before
    };
    expected.seller.as_mut().unwrap().address.as_mut().unwrap().city = "Malmö".to_owned();
    assert_eq!(after, expected);
    let filled = UpdateProfileRequest {
        profile: Some(Profile {
            time_zone: "asia/tokyo".to_owned(),
            ..Profile::default()
        }),
        ..UpdateProfileRequest::default()
    };
    let filled = ann.profiles.update_profile(filled).await.unwrap().into_inner();
    assert_eq!(filled.time_zone, "Asia/Tokyo");
    assert_eq!(filled.currency_code, "CHF");
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_update_is_reported_at_once_and_changes_nothing() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let before = profile(&mut ann).await;
    let mut wrong = Profile {
        seller: Some(build::party(&"x".repeat(201), "XX")),
        currency_code: "EURO".to_owned(),
        payment_terms_days: Some(-1),
        time_zone: "Mars/Olympus".to_owned(),
        note: "\u{7}".to_owned(),
        ..Profile::default()
    };
    wrong.series = vec![
        series("a b", "{SEQ}", Reset::Never),
        series("", "", Reset::Unspecified),
        series("c", "{DD}{SEQ}", Reset::Never),
        series("d", "no count", Reset::Never),
        series("e", "{SEQ}", Reset::Yearly),
        Series {
            reset: 99,
            kind: 0,
            next_sequence: -1,
            ..series("f", &"x".repeat(60), Reset::Never)
        },
    ];
    let paths = ["series", "nope", "update_time", "series[0].id"];
    let request = UpdateProfileRequest {
        request_id: "x".to_owned(),
        ..updating(wrong, &[&BUT_SERIES[..], &paths].concat())
    };
    let refused = Refusal::in_result(ann.profiles.update_profile(request).await);
    let expected = [
        "request_id REQUEST_ID_MALFORMED",
        "update_mask.paths[6] FIELD_MASK_UNKNOWN",
        "update_mask.paths[7] FIELD_OUTPUT_ONLY",
        "update_mask.paths[8] FIELD_MASK_UNKNOWN",
        "profile.currency_code CURRENCY_UNKNOWN",
        "profile.payment_terms_days PAYMENT_TERMS_RANGE",
        "profile.time_zone TIME_ZONE_UNKNOWN",
        "profile.note TEXT_CONTROL_CHARACTER",
        "profile.seller.name TEXT_TOO_LONG",
        "profile.seller.address.country_code COUNTRY_UNKNOWN",
        "profile.series[0].id TEXT_FORM",
        "profile.series[1].reset FIELD_REQUIRED",
        "profile.series[1].id FIELD_REQUIRED",
        "profile.series[1].template FIELD_REQUIRED",
        "profile.series[2].template TEMPLATE_PLACEHOLDER",
        "profile.series[3].template TEMPLATE_SEQUENCE",
        "profile.series[4].template TEMPLATE_PERIOD_HIDDEN",
        "profile.series[5].reset ENUM_UNKNOWN",
        "profile.series[5].kind FIELD_REQUIRED",
        "profile.series[5].template TEMPLATE_SEQUENCE",
        "profile.series[5].next_sequence SERIES_START_RANGE",
    ];
    assert_eq!(refused, Refusal::fields(&expected));
    let nothing = Refusal::in_result(ann.profiles.update_profile(UpdateProfileRequest::default()).await);
    assert_eq!(nothing, Refusal::fields(&["profile FIELD_REQUIRED"]));
    assert_eq!(profile(&mut ann).await, before);
}

#[tokio::test]
async fn series_that_would_confuse_numbers_are_refused_and_nothing_changes() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let inv = || series("INV", "INV-{YYYY}-{SEQ:4}", Reset::Yearly);
    let none = update(&mut ann, Profile::default(), &["series"]).await;
    assert_eq!(
        Refusal::in_result(none),
        Refusal::fields(&["profile.series SERIES_MISSING"])
    );
    let many = (0..20).map(|n| series(&format!("s{n}"), &format!("s{n}-{{SEQ}}"), Reset::Never));
    let refused = put_series(&mut ann, many.collect()).await;
    assert_eq!(
        Refusal::in_result(refused),
        Refusal::fields(&["profile.series TOO_MANY_SERIES"])
    );
    let alike = vec![
        inv(),
        series("R", "INV-2026-{SEQ:5}", Reset::Never),
        series("INV", "x{SEQ}", Reset::Never),
    ];
    let expected = [
        "profile.series[1].template SERIES_OVERLAP",
        "profile.series[2].id SERIES_DUPLICATE",
    ];
    assert_eq!(
        Refusal::in_result(put_series(&mut ann, alike).await),
        Refusal::fields(&expected)
    );

    issued(&mut ann, build::invoice()).await;
    let before = profile(&mut ann).await;
    let new_year = before.series[0].next_sequence;
    for (wanted, expected) in [
        (
            vec![series("R", "R{SEQ}", Reset::Never)],
            "profile.series SERIES_IN_USE",
        ),
        (
            vec![series("INV", "R-{YYYY}-{SEQ:4}", Reset::Yearly)],
            "profile.series[0].template SERIES_IN_USE",
        ),
        (
            vec![series("INV", "INV-{YYYY}-{SEQ:4}", Reset::Never)],
            "profile.series[0].reset SERIES_IN_USE",
        ),
    ] {
        let refused = Refusal::in_result(put_series(&mut ann, wanted).await);
        assert_eq!(refused, Refusal::fields(&[expected]));
    }
    let next = |sequence| Series {
        next_sequence: sequence,
        ..inv()
    };
    if new_year == 2 {
        let refused = Refusal::in_result(put_series(&mut ann, vec![next(58)]).await);
        assert_eq!(
            refused,
            Refusal::fields(&["profile.series[0].next_sequence SERIES_NEXT_SEQUENCE"])
        );
    }
    assert_eq!(profile(&mut ann).await, before);
    let same = put_series(
        &mut ann,
        vec![next(new_year), series("R", "R{SEQ}", Reset::Never)],
    )
    .await;
    assert_eq!(same.unwrap().series[0], before.series[0]);
}

#[tokio::test]
async fn a_stale_etag_changes_nothing_and_a_request_id_has_one_effect() {
    let product = RunningProduct::start().await;
    let mut ann = product.person().await;
    let note = |note: &str, etag: &str| Profile {
        note: note.to_owned(),
        etag: etag.to_owned(),
        ..Profile::default()
    };
    let stale = Refusal::in_result(update(&mut ann, note("a", "v1"), &["note"]).await);
    assert_eq!(stale, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    let request = updating(note("b", "v0"), &["note"]);
    let calls = (0..50).map(|_| {
        let (mut ann, request) = (ann.clone(), request.clone());
        async move { ann.profiles.update_profile(request).await.unwrap() }
    });
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.get_ref() == answers[0].get_ref())
    );
    let replays = answers
        .iter()
        .filter(|answer| answer.metadata().contains_key("x-idempotent-replay"));
    assert_eq!((replays.count(), answers[0].get_ref().etag.as_str()), (49, "v1"));
    let other = UpdateProfileRequest {
        profile: Some(note("c", "v0")),
        ..request
    };
    let reused = Refusal::in_result(ann.profiles.update_profile(other).await);
    assert_eq!(reused, Refusal::new(Code::InvalidArgument, "REQUEST_ID_REUSED"));
    let stale = Refusal::in_result(update(&mut ann, note("d", "v0"), &["note"]).await);
    assert_eq!(stale, Refusal::new(Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(profile(&mut ann).await.note, "b");
}

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
