//! ProfileService.

use futures::future::join_all;
use harness::{Person, Refusal, RunningProduct, build};
use prost_types::FieldMask;
use proto::invoice::v1::invoice::Type;
use proto::invoice::v1::series::Reset;
use proto::invoice::v1::{GetProfileRequest, Profile, Series, UpdateProfileRequest};
use tonic::{Code, Status};

use crate::created;
use crate::issue::issued;

pub(crate) async fn profile(person: &mut Person) -> Profile {
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

pub(crate) fn series(id: &str, template: &str, reset: Reset) -> Series {
    Series {
        id: id.to_owned(),
        template: template.to_owned(),
        reset: reset.into(),
        next_sequence: 0,
        kind: Type::Invoice.into(),
    }
}

pub(crate) fn credit_notes() -> Series {
    Series {
        kind: Type::CreditNote.into(),
        ..series("CN", "CN-{YYYY}-{SEQ:4}", Reset::Yearly)
    }
}

/// Puts these series for invoices before that for credit notes.
pub(crate) async fn put_series(person: &mut Person, mut series: Vec<Series>) -> Result<Profile, Status> {
    series.push(credit_notes());
    let profile = Profile {
        series,
        ..Profile::default()
    };
    update(person, profile, &["series"]).await
}

pub(crate) fn full() -> Profile {
    Profile {
        seller: Some(build::party("Seller & Søn", "DK")),
        currency_code: "CHF".to_owned(),
        payment_terms_days: Some(21),
        time_zone: "Europe/Zurich".to_owned(),
        note: "Thank you\nfor your order".to_owned(),
        ..Profile::default()
    }
}

pub(crate) const BUT_SERIES: [&str; 5] = [
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
