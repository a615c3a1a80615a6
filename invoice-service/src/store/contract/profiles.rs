//! Profiles, and what keeps the numbers of their series apart.

use futures::future::join_all;

use super::numbers::{drafted, issued};
use super::sample::{date, organization, party, request};
use crate::domain::content::{Note, PaymentTermsDays};
use crate::domain::ids::Version;
use crate::domain::invoice::{InvoiceKind, SeriesId};
use crate::domain::money::Currency;
use crate::domain::number::{NumberPlace, Period, Reset, Series};
use crate::domain::profile::{Profile, ProfileContent, Zone};
use crate::domain::template::Template;
use crate::store::{InvoiceStore, ProfileStore, StoreError, StoredProfile};

fn series(id: &str, kind: InvoiceKind, template: &str, reset: Reset) -> Series {
    let template = Template::parse(template).unwrap();
    Series::new(SeriesId::parse(id).unwrap(), kind, template, reset).unwrap()
}

/// A profile with everything that a careless store would lose or change, at its first version.
fn rich(name: &str) -> StoredProfile {
    let start = NumberPlace {
        period: Period::parse("2026-03").unwrap(),
        sequence: 999_999_999,
    };
    let monthly = series(
        "m.1_x-Y",
        InvoiceKind::Invoice,
        "Ré \"{YY}{MM}{SEQ:9}",
        Reset::Monthly,
    );
    let mut stored = StoredProfile::unchanged(organization(name));
    stored.profile = Profile {
        content: ProfileContent {
            seller: Some(party("Müller & Søn ✓")),
            currency: Some(Currency::parse("JPY").unwrap()),
            payment_terms_days: Some(PaymentTermsDays::new(0).unwrap()),
            zone: Zone::parse("America/Argentina/Ushuaia").unwrap(),
            series: vec![
                monthly.starting_at(Some(start)),
                series("n", InvoiceKind::CreditNote, "N{SEQ}", Reset::Never),
                Series::standard(),
            ],
            note: Note::parse("two\nlines").unwrap(),
        },
        version: Version::FIRST,
        update_time: Some(jiff::Timestamp::from_millisecond(1_772_000_000_123).unwrap()),
    };
    stored.applied.remember(request(7, "x"));
    stored
}

/// The profile, one version on.
fn next(stored: &StoredProfile) -> StoredProfile {
    let mut next = stored.clone();
    next.profile.content.note = Note::parse("next").unwrap();
    next.profile.version = stored.profile.version.next();
    next
}

async fn read(store: &impl ProfileStore, name: &str) -> Option<StoredProfile> {
    let organization = organization(name);
    let read = store.profile(&organization).await.unwrap();
    let settled = store.profile_settled(&organization).await.unwrap();
    let parts = |stored: &StoredProfile| (stored.profile.clone(), stored.applied.clone());
    assert_eq!(read.as_ref().map(parts), settled.as_ref().map(parts));
    read
}

pub(in crate::store) async fn a_profile_that_was_never_written_is_none(store: &impl ProfileStore) {
    assert!(read(store, "a").await.is_none());
}

pub(in crate::store) async fn a_profile_reads_back_equal_in_every_field(store: &impl ProfileStore) {
    let first = rich("a");
    store.put_profile(first.clone(), Version::new(0)).await.unwrap();
    let found = read(store, "a").await.unwrap();
    assert_eq!(found.organization, first.organization);
    assert_eq!((&found.profile, &found.applied), (&first.profile, &first.applied));

    let second = next(&found);
    store.put_profile(second.clone(), Version::FIRST).await.unwrap();
    assert_eq!(read(store, "a").await.unwrap().profile, second.profile);
}

pub(in crate::store) async fn a_profile_of_one_organization_is_none_of_another(store: &impl ProfileStore) {
    store.put_profile(rich("a"), Version::new(0)).await.unwrap();
    assert!(read(store, "b").await.is_none());
    store.put_profile(rich("b"), Version::new(0)).await.unwrap();
    let second = next(&rich("b"));
    store.put_profile(second.clone(), Version::FIRST).await.unwrap();
    assert_eq!(read(store, "a").await.unwrap().profile, rich("a").profile);
    assert_eq!(read(store, "b").await.unwrap().profile, second.profile);
}

pub(in crate::store) async fn a_profile_at_another_version_is_not_replaced(store: &impl ProfileStore) {
    let early = store.put_profile(next(&rich("a")), Version::FIRST).await;
    assert!(
        matches!(early, Err(StoreError::VersionConflict { current }) if current == Version::new(0)),
        "{early:?}"
    );
    store.put_profile(rich("a"), Version::new(0)).await.unwrap();
    for expected in [0, 2] {
        let late = store.put_profile(next(&rich("a")), Version::new(expected)).await;
        assert!(
            matches!(late, Err(StoreError::VersionConflict { current }) if current == Version::FIRST),
            "{late:?}"
        );
    }
    assert_eq!(read(store, "a").await.unwrap().profile, rich("a").profile);
}

pub(in crate::store) async fn of_twenty_parallel_first_writes_of_a_profile_one_wins(
    store: &impl ProfileStore,
) {
    let writes = (0..20).map(|_| store.put_profile(rich("a"), Version::new(0)));
    let results = join_all(writes).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1, "{results:?}");
}

pub(in crate::store) async fn no_number_is_printed_twice(store: &impl InvoiceStore) {
    let org = organization("a");
    let [first, second] = [drafted(store, &org).await, drafted(store, &org).await];
    let same_look = series("other", InvoiceKind::Invoice, "INV-{YYYY}-{SEQ:4}", Reset::Yearly);
    let of_first = issued(&first, &Series::standard(), None, "2026-03-01");
    store.replace(of_first.clone(), first.version).await.unwrap();
    let of_second = issued(&second, &same_look, None, "2026-03-01");
    assert_eq!(of_second.invoice.number, of_first.invoice.number);
    assert_eq!(of_second.invoice.header.issue_date, Some(date("2026-03-01")));
    let taken = store.replace(of_second, second.version).await;
    assert!(matches!(taken, Err(StoreError::NumberTaken)), "{taken:?}");
    let foreign = drafted(store, &organization("b")).await;
    let of_foreign = issued(&foreign, &same_look, None, "2026-03-01");
    store.replace(of_foreign, foreign.version).await.unwrap();
}
