//! Customers.

use futures::future::join_all;

use super::sample::{organization, party, request};
use crate::domain::content::{Note, PaymentTermsDays};
use crate::domain::customer::{Customer, CustomerContent};
use crate::domain::ids::{CustomerId, Version};
use crate::domain::money::Currency;
use crate::domain::party::PartyName;
use crate::search::Words;
use crate::store::{
    CustomerCursor, CustomerInsertion, CustomerOrder, CustomerQuery, CustomerStore, StoreError,
    StoredCustomer,
};

fn named(organization_name: &str, name: &str) -> Customer {
    let mut party = party(name);
    party.name = PartyName::parse(name).unwrap();
    let content = CustomerContent {
        party,
        currency: Some(Currency::parse("KWD").unwrap()),
        payment_terms_days: Some(PaymentTermsDays::new(0).unwrap()),
        note: Note::parse("two\nlines").unwrap(),
    };
    Customer::new(organization(organization_name), content, jiff::Timestamp::now())
}

async fn inserted(store: &impl CustomerStore, customer: Customer) -> Customer {
    let insertion = store.insert_customer(customer, None).await.unwrap();
    let CustomerInsertion::Inserted(customer) = insertion else {
        panic!("not inserted: {insertion:?}")
    };
    *customer
}

async fn read(store: &impl CustomerStore, customer: &Customer) -> Result<StoredCustomer, StoreError> {
    store.customer(&customer.organization_id, &customer.id).await
}

fn revised(stored: &StoredCustomer, name: &str) -> StoredCustomer {
    let mut content = stored.customer.content.clone();
    content.party.name = PartyName::parse(name).unwrap();
    let mut next = stored.clone();
    next.customer = stored.customer.revise(content, jiff::Timestamp::now());
    next.applied.remember(request(9, name));
    next
}

pub(in crate::store) async fn a_customer_reads_back_equal_and_is_replaced_at_its_version(
    store: &impl CustomerStore,
) {
    let customer = named("a", "Müller & Søn ✓");
    let by = request(1, "x");
    let insertion = store.insert_customer(customer.clone(), Some(by)).await.unwrap();
    assert_eq!(insertion, CustomerInsertion::Inserted(Box::new(customer.clone())));
    let found = read(store, &customer).await.unwrap();
    assert_eq!((&found.customer, found.created_by_request), (&customer, Some(by)));
    let next = revised(&found, "Other");
    store
        .replace_customer(next.clone(), Version::FIRST)
        .await
        .unwrap();
    let stale = store.replace_customer(next.clone(), Version::FIRST).await;
    assert!(
        matches!(stale, Err(StoreError::VersionConflict { current }) if current == Version::new(2)),
        "{stale:?}"
    );
    let settled = store
        .customer_settled(&customer.organization_id, &customer.id)
        .await;
    let settled = settled.unwrap();
    assert_eq!((settled.customer, settled.applied), (next.customer, next.applied));
}

pub(in crate::store) async fn another_organization_finds_and_changes_no_customer(store: &impl CustomerStore) {
    let customer = inserted(store, named("a", "Ann")).await;
    let foreign = organization("b");
    let unread = store.customer(&foreign, &customer.id).await;
    assert!(matches!(unread, Err(StoreError::NotFound)), "{unread:?}");
    let undeleted = store.delete_customer(&foreign, &customer.id, None).await;
    assert!(matches!(undeleted, Err(StoreError::NotFound)), "{undeleted:?}");
    let mut forged = revised(&read(store, &customer).await.unwrap(), "forged");
    forged.customer.organization_id = foreign.clone();
    let unchanged = store.replace_customer(forged, Version::FIRST).await;
    assert!(matches!(unchanged, Err(StoreError::NotFound)), "{unchanged:?}");
    assert_eq!(
        page(store, "b", "", CustomerOrder::NameAscending).await,
        Vec::<String>::new()
    );
    assert_eq!(read(store, &customer).await.unwrap().customer, customer);
    let unknown = store.customer(&organization("a"), &CustomerId::generate()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
}

pub(in crate::store) async fn of_fifty_parallel_creations_of_a_customer_under_one_request_id_one_stores(
    store: &impl CustomerStore,
) {
    let insert = |_| store.insert_customer(named("a", "Ann"), Some(request(1, "x")));
    let results = join_all((0..50).map(insert)).await;
    let stored = results
        .iter()
        .filter(|result| matches!(result, Ok(CustomerInsertion::Inserted(_))));
    assert_eq!(stored.count(), 1, "{results:?}");
    let reused = store
        .insert_customer(named("a", "Bob"), Some(request(1, "y")))
        .await;
    assert_eq!(reused.unwrap(), CustomerInsertion::RequestIdReused);
    assert_eq!(page(store, "a", "", CustomerOrder::NameAscending).await, ["Ann"]);
    let other = store
        .insert_customer(named("b", "Ann"), Some(request(1, "x")))
        .await;
    assert!(matches!(other.unwrap(), CustomerInsertion::Inserted(_)));
}

pub(in crate::store) async fn a_deleted_customer_is_gone_and_its_request_id_stays_used(
    store: &impl CustomerStore,
) {
    let customer = named("a", "Ann");
    let by = Some(request(1, "x"));
    store.insert_customer(customer.clone(), by).await.unwrap();
    let (org, id) = (&customer.organization_id, &customer.id);
    let stale = store.delete_customer(org, id, Some(Version::new(2))).await;
    assert!(
        matches!(stale, Err(StoreError::VersionConflict { .. })),
        "{stale:?}"
    );
    store
        .delete_customer(org, id, Some(Version::FIRST))
        .await
        .unwrap();
    let again = store.delete_customer(org, id, None).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    let gone = read(store, &customer).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    assert_eq!(
        page(store, "a", "", CustomerOrder::NameAscending).await,
        Vec::<String>::new()
    );
    let repeated = store.insert_customer(named("a", "Ann"), by).await.unwrap();
    assert_eq!(repeated, CustomerInsertion::RepeatedAfterDeletion);
}

/// The names of all customers that match, two to a page.
async fn page(store: &impl CustomerStore, name: &str, query: &str, order: CustomerOrder) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let query = CustomerQuery {
            words: Words::of_query(query).unwrap(),
            order,
            after,
            limit: 2,
        };
        let page = store.customers(&organization(name), query).await.unwrap();
        names.extend(
            page.customers
                .iter()
                .map(|customer| customer.content.party.name.to_string()),
        );
        match page.customers.last().filter(|_| page.more) {
            Some(last) => after = Some(CustomerCursor::of(last, order)),
            None => return names,
        }
    }
}

pub(in crate::store) async fn customers_are_listed_by_name_or_age_and_found_by_the_beginnings_of_words(
    store: &impl CustomerStore,
) {
    let names = [
        "zoe",
        "Ödland AG",
        "anna Bell",
        "Anna Bell",
        "",
        "ANNA CLARK",
        "Straße 7",
    ];
    for (age, name) in names.into_iter().enumerate() {
        let mut customer = named("a", name);
        // Moments of their own.
        let age = i64::try_from(age).unwrap();
        customer.create_time = jiff::Timestamp::from_millisecond(1_772_000_000_000 + age).unwrap();
        inserted(store, customer).await;
    }
    let by_name = page(store, "a", "", CustomerOrder::NameAscending).await;
    let folded: Vec<_> = by_name.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(
        folded,
        [
            "",
            "anna bell",
            "anna bell",
            "anna clark",
            "straße 7",
            "zoe",
            "ödland ag"
        ]
    );
    let newest = page(store, "a", "", CustomerOrder::CreateTimeDescending).await;
    assert_eq!(newest, names.into_iter().rev().collect::<Vec<_>>());
    for order in [CustomerOrder::NameAscending, CustomerOrder::CreateTimeDescending] {
        assert_eq!(page(store, "a", "bel ANN", order).await.len(), 2);
        assert_eq!(page(store, "a", "STRASSE", order).await, ["Straße 7"]);
        assert_eq!(page(store, "a", "a@exa", order).await.len(), 7, "the e-mail");
        assert_eq!(page(store, "a", "nna", order).await, Vec::<String>::new());
    }
}
