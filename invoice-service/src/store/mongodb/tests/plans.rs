//! What the server does for every query of the store, on 100,000 invoices.

use mongo_engine::bson::{Bson, RawDocumentBuf};

use super::*;
use crate::domain::content::InvoiceHeader;
use crate::domain::date::CalendarDate;
use crate::domain::ids::CustomerId;
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::Currency;
use crate::search::Words;
use crate::store::{Cursor, CursorKey, ListFilter, ListOrder};

const INVOICES: usize = 100_000;
const ORGANIZATIONS: usize = 10;
const PAGE: usize = 50;

/// Invoices of ten organizations that differ in everything a list looks at. They are written by the driver in large
/// batches, with the entries that the store would write.
async fn fill(store: &MongoInvoiceStore) {
    let templates: Vec<Entry> = (0..60).map(template).collect();
    let mut batch = Vec::new();
    for number in 0..INVOICES {
        let mut entry = templates[number / ORGANIZATIONS % templates.len()].clone();
        let fields = &mut entry.fields;
        let request = sample::request(u32::try_from(number).unwrap(), "a");
        fields.id = InvoiceId::generate().to_string();
        fields.org_id = organization(number % ORGANIZATIONS).to_string();
        fields.create_time_ms += i64::try_from(number / 3).unwrap();
        fields.gross_minor = i64::try_from(number * 7919 % 5_000).unwrap();
        fields.create_request_id = Some(request.id.to_string());
        fields.create_fingerprint = Some(request.fingerprint.as_bytes().to_vec());
        batch.push(entry.into_document().unwrap());
        if batch.len() == 5_000 {
            let full: Vec<RawDocumentBuf> = std::mem::take(&mut batch);
            store.invoices.insert_many(full).ordered(false).await.unwrap();
        }
    }
}

fn organization(number: usize) -> OrganizationId {
    sample::organization(&number.to_string())
}

fn customer(number: usize) -> CustomerId {
    CustomerId::parse(&format!("cus_{number:026}")).unwrap()
}

fn template(number: usize) -> Entry {
    let mut header = InvoiceHeader::blank(Currency::parse(["EUR", "JPY", "KWD"][number % 3]).unwrap());
    let day = |day: usize| {
        Some(sample::date(&format!(
            "2026-{:02}-{:02}",
            day % 12 + 1,
            day % 28 + 1
        )))
    };
    header.issue_date = day(number).filter(|_| !number.is_multiple_of(4));
    header.due_date = day(number + 14).filter(|_| !number.is_multiple_of(5));
    header.customer_id = (!number.is_multiple_of(7)).then(|| customer(number % 5));
    header.buyer = Some(sample::party(
        ["Ann Straße", "annabel GmbH", "Bo", "Zoe"][number % 4],
    ));
    header.purchase_order = sample::text(["", "PO-17", "po 18"][number % 3]);
    let mut invoice = sample::draft(&organization(0), header, vec![sample::line("10")]);
    invoice.state = State::ALL[number % State::ALL.len()];
    if invoice.state != State::Draft {
        invoice.number = Some(sample::text(&format!("INV-2026-{number:04}")));
    }
    if number.is_multiple_of(8) {
        invoice.kind = InvoiceKind::CreditNote;
    }
    let stored = StoredInvoice {
        invoice,
        created_by_request: None,
        applied: AppliedRequests::default(),
        origin: Origin::default(),
    };
    Entry::of(&stored).unwrap()
}

/// Each filter alone, some together, and all at once.
fn filters() -> Vec<ListFilter> {
    let mut filters = vec![ListFilter::default()];
    let mut with = |set: &dyn Fn(&mut ListFilter)| {
        let mut filter = ListFilter::default();
        set(&mut filter);
        filters.push(filter);
    };
    let day = |text: &str| -> Option<CalendarDate> { Some(sample::date(text)) };
    let words = |text: &str| Words::of_query(text).unwrap();
    with(&|filter| filter.states = vec![State::Open]);
    with(&|filter| filter.states = vec![State::Open, State::Draft]);
    with(&|filter| filter.kind = Some(InvoiceKind::CreditNote));
    with(&|filter| filter.customer = Some(customer(2)));
    with(&|filter| filter.currency = Some(Currency::parse("KWD").unwrap()));
    with(&|filter| filter.issued_from = day("2026-06-01"));
    with(&|filter| filter.issued_to = day("2026-03-01"));
    with(&|filter| {
        filter.issued_from = day("2026-03-01");
        filter.issued_to = day("2026-04-01");
    });
    with(&|filter| filter.due_from = day("2026-06-01"));
    with(&|filter| filter.due_to = day("2026-06-01"));
    with(&|filter| filter.overdue_on = day("2026-06-15"));
    with(&|filter| filter.words = words("annab"));
    with(&|filter| filter.words = words("ann po 17"));
    with(&|filter| filter.words = words("zzz"));
    with(&|filter| {
        filter.customer = Some(customer(3));
        filter.states = vec![State::Open, State::Paid];
        filter.issued_from = day("2026-02-01");
    });
    with(&|filter| {
        *filter = ListFilter {
            states: vec![State::Open],
            kind: Some(InvoiceKind::Invoice),
            customer: Some(customer(1)),
            words: words("ann"),
            issued_from: day("2026-01-01"),
            issued_to: day("2026-12-31"),
            due_from: day("2026-01-01"),
            due_to: day("2026-12-31"),
            overdue_on: day("2026-12-31"),
            currency: Some(Currency::parse("EUR").unwrap()),
        }
    });
    filters
}

/// A place in the middle of the list, among ties where the order has any.
async fn middle(store: &MongoInvoiceStore, order: ListOrder) -> Cursor {
    let index = schema::index(order);
    let filter = doc! { "org_id": organization(3).as_str(), "deleted": false };
    let found = store.invoices.find_one(filter).sort(index.sort()).skip(4_000);
    let found = found.await.unwrap().unwrap();
    let key = found.get(index.key).unwrap().unwrap();
    let integer = key.as_i64().map(CursorKey::Integer);
    let text = key.as_str().map(|text| CursorKey::Text(text.to_owned()));
    let key = integer.or(text).unwrap();
    Cursor {
        key,
        id: entry::id(&found).unwrap(),
    }
}

/// What the server did for a command.
#[derive(Debug)]
struct Work {
    stages: Vec<String>,
    returned: i64,
    documents: i64,
}

impl Work {
    async fn of(store: &MongoInvoiceStore, command: Document) -> Self {
        let explain = doc! { "explain": command, "verbosity": "executionStats" };
        let explained = store.engine.database().run_command(explain).await.unwrap();
        let stats = explained.get_document("executionStats").unwrap();
        let mut stages = Vec::new();
        collect_stages(stats.get_document("executionStages").unwrap(), &mut stages);
        Self {
            stages,
            returned: number(stats, "nReturned"),
            documents: number(stats, "totalDocsExamined"),
        }
    }

    /// Indexed, nothing sorted in memory, at most two documents read for each that is returned.
    fn check(&self, what: &str) {
        let has = |stage: &str| self.stages.iter().any(|name| name == stage);
        assert!(has("IXSCAN") && !has("COLLSCAN"), "{what}: {self:?}");
        assert!(!has("SORT"), "{what}: {self:?}");
        assert!(self.documents <= 2 * self.returned.max(1), "{what}: {self:?}");
    }
}

fn number(stats: &Document, name: &str) -> i64 {
    match stats.get(name) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        other => panic!("{name}: {other:?}"),
    }
}

fn collect_stages(stage: &Document, stages: &mut Vec<String>) {
    stages.extend(stage.get_str("stage").map(str::to_owned));
    for (name, value) in stage {
        if !name.contains("Stage") {
            continue;
        }
        if let Some(inner) = value.as_document() {
            collect_stages(inner, stages);
        }
        let inner = value.as_array().into_iter().flatten();
        inner
            .filter_map(Bson::as_document)
            .for_each(|inner| collect_stages(inner, stages));
    }
}

#[tokio::test]
async fn every_query_walks_one_index_of_the_organization_sorts_nothing_and_reads_what_it_shows() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    fill(&store).await;

    let mut found = Vec::new();
    for order in ListOrder::ALL {
        let middle = middle(&store, order).await;
        for after in [None, Some(middle)] {
            for filter in filters() {
                let query = ListQuery {
                    filter,
                    order,
                    after: after.clone(),
                    limit: PAGE,
                };
                let page = list::Find::of(&organization(3), &query);
                let command = doc! {
                    "find": schema::INVOICES,
                    "filter": page.filter,
                    "sort": page.sort,
                    "hint": page.index,
                    "limit": page.limit,
                    "projection": { "_id": 0, "document": 1 },
                };
                let work = Work::of(&store, command).await;
                work.check(&format!("{query:?}"));
                found.push(work.returned);
            }
        }
    }
    let pages = found.iter().filter(|returned| **returned > 10).count();
    assert!(
        pages > found.len() / 2,
        "{pages} of {} found something",
        found.len()
    );
    check_summaries(&store).await;
    check_single_invoices(&store).await;
}

/// A summary reads keys of its organization, which has a tenth of all invoices, and no document.
async fn check_summaries(store: &MongoInvoiceStore) {
    let ages = DueAges::on(sample::date("2026-06-15"));
    for filter in filters() {
        let command = doc! {
            "aggregate": schema::INVOICES,
            "pipeline": summary::pipeline(&organization(3), &filter, ages),
            "hint": schema::BY_FIGURES,
            "cursor": {},
        };
        let explain = doc! { "explain": command, "verbosity": "executionStats" };
        let explained = store.engine.database().run_command(explain).await.unwrap();
        // Whether grouping is a part of the query or a stage after it depends on the server's release.
        let stages = explained.get_array("stages").ok();
        let first = stages.and_then(|stages| stages[0].as_document()?.get_document("$cursor").ok());
        let query = first.unwrap_or(&explained);
        let plan = format!("{:?}", query.get_document("queryPlanner").unwrap());
        assert!(
            plan.contains("IXSCAN") && !plan.contains("FETCH"),
            "{filter:?}: {plan}"
        );
        let stats = query.get_document("executionStats").unwrap();
        assert_eq!(number(stats, "totalDocsExamined"), 0, "{filter:?}: {stats:?}");
        let keys = number(stats, "totalKeysExamined");
        assert!((1..10_500).contains(&keys), "{filter:?}: {stats:?}");
    }
}

async fn check_single_invoices(store: &MongoInvoiceStore) {
    let known = doc! { "org_id": organization(3).as_str() };
    let known = store.invoices.find_one(known).await.unwrap().unwrap();
    let by_id = one(&organization(3), &entry::id(&known).unwrap());
    let by_request = by_request(&organization(3), &sample::request(3, "a"));
    for (filter, index) in [(by_id.clone(), schema::BY_ID), (by_request, schema::BY_REQUEST)] {
        let find = doc! { "find": schema::INVOICES, "filter": filter, "hint": index, "limit": 1 };
        let work = Work::of(store, find).await;
        work.check(index);
        assert_eq!(work.returned, 1, "{index}");
    }
    let last = doc! {
        "find": schema::INVOICES,
        "filter": in_series(&organization(3), &SeriesId::parse("INV").unwrap()),
        "sort": last_first(),
        "hint": schema::BY_PLACE,
        "limit": 1,
    };
    Work::of(store, last).await.check("the last number of a series");
    let replaced = versioned(by_id.clone(), Version::FIRST).unwrap();
    let deleted = draft_at(by_id, Some(Version::FIRST)).unwrap();
    for filter in [replaced, deleted] {
        let update = doc! { "q": filter, "u": { "$set": { "deleted": true } }, "hint": schema::BY_ID };
        let work = Work::of(store, doc! { "update": schema::INVOICES, "updates": [update] }).await;
        work.check("a write of one invoice");
    }
}

#[tokio::test]
async fn every_index_begins_with_the_organization() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let mut indexes = store.invoices.list_indexes().await.unwrap();
    let mut names = Vec::new();
    while indexes.advance().await.unwrap() {
        let index = indexes.deserialize_current().unwrap();
        let name = index.options.and_then(|options| options.name).unwrap();
        // MongoDB makes this one itself and refuses to do without.
        if name != "_id_" {
            assert_eq!(index.keys.keys().next().unwrap(), "org_id", "{name}");
        }
        names.push(name);
    }
    assert_eq!(names.len(), 11, "{names:?}");
}
