//! What the invoices of an organization come to, as one aggregation on one index.

use mongo_engine::OPERATION_TIME;
use mongo_engine::bson::{Bson, Document, RawDocumentBuf, doc};
use mongo_engine::mongodb::options::Hint;
use mongo_engine::mongodb::{self, Collection};

use super::list::conditions;
use super::schema;
use crate::domain::ids::OrganizationId;
use crate::domain::invoice::InvoiceKind;
use crate::domain::money::Currency;
use crate::domain::state::State;
use crate::domain::summary::{DueAge, DueAges, Sums, Tally};
use crate::store::document::{self, kind_name};
use crate::store::{ListFilter, StoreError, broken};

/// The sums of a group, and the fields that they are of.
const AMOUNTS: [(&str, &str); 4] = [
    ("gross", "$gross_minor"),
    ("paid", "$document.totals.paid_minor"),
    ("credited", "$document.totals.credited_minor"),
    ("remaining", "$remaining_minor"),
];

/// The groups of the invoices that `filter` names.
pub(super) fn pipeline(organization: &OrganizationId, filter: &ListFilter, ages: DueAges) -> Vec<Document> {
    let mut group = doc! {
        "_id": { "currency": "$currency_code", "kind": "$kind", "state": "$state", "age": age(ages) },
        "count": { "$sum": 1_i64 },
    };
    for (sum, amount) in AMOUNTS {
        // A sum of integers becomes a float beyond an i64; one of decimals has 34 digits.
        group.insert(sum, doc! { "$sum": { "$toDecimal": amount } });
    }
    vec![
        doc! { "$match": { "$and": conditions(organization, filter) } },
        doc! { "$group": group },
    ]
}

/// The position in [`DueAge::ALL`]; null of an invoice that nothing is owed on.
fn age(ages: DueAges) -> Document {
    let is_owed = doc! { "$and": [
        { "$eq": ["$kind", kind_name(InvoiceKind::Invoice)] },
        { "$eq": ["$state", State::Open.name()] },
        { "$gt": ["$remaining_minor", 0_i64] },
    ] };
    let mut branches = vec![
        doc! { "case": { "$not": [is_owed] }, "then": Bson::Null },
        doc! { "case": { "$gt": ["$due_date", ages.today().to_string()] }, "then": 0_i64 },
    ];
    for (position, (_, first)) in (1_i64..).zip(ages.first_due_dates()) {
        branches.push(doc! { "case": { "$gte": ["$due_date", first.to_string()] }, "then": position });
    }
    doc! { "$switch": { "branches": branches, "default": 5_i64 } }
}

/// Runs the pipeline.
pub(super) async fn groups(
    invoices: &Collection<RawDocumentBuf>,
    pipeline: Vec<Document>,
) -> mongodb::error::Result<Vec<Document>> {
    let mut cursor = invoices
        .aggregate(pipeline)
        .hint(Hint::Name(schema::BY_FIGURES.to_owned()))
        .max_time(OPERATION_TIME)
        .await?;
    let mut groups = Vec::new();
    while cursor.advance().await? {
        groups.push(cursor.deserialize_current()?);
    }
    Ok(groups)
}

/// What a group says.
pub(super) fn tally(group: &Document) -> Result<Tally, StoreError> {
    let key = group.get_document("_id").map_err(broken)?;
    let text = |name| key.get_str(name).map_err(broken);
    let age = match key.get("age") {
        Some(Bson::Int64(position)) => usize::try_from(*position).ok(),
        _ => None,
    };
    let amount = |name: &str| -> Result<i128, StoreError> {
        let sum = group.get_decimal128(name).map_err(broken)?;
        sum.to_string().parse().map_err(broken)
    };
    Ok(Tally {
        currency: Currency::parse(text("currency")?).map_err(broken)?,
        kind: document::kind(text("kind")?).map_err(broken)?,
        state: document::state(text("state")?).map_err(broken)?,
        age: age.and_then(|position| DueAge::ALL.get(position).copied()),
        count: u64::try_from(group.get_i64("count").map_err(broken)?).map_err(broken)?,
        sums: Sums {
            gross: amount("gross")?,
            paid: amount("paid")?,
            credited: amount("credited")?,
            remaining: amount("remaining")?,
        },
    })
}
