//! What invoice-service asks of MongoDB, asked by the driver alone.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::options::{
    Acknowledgment, ClientOptions, Hint, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use ulid::Ulid;
use uuid::Uuid;

use crate::drive::Caller;
use crate::template::Template;

/// As invoice-service has it.
const MAX_POOL_SIZE: u32 = 64;
const OPERATION_TIME: Duration = Duration::from_secs(4);
const COLLECTION: &str = "invoices";
const BY_ID: &str = "by_id";
const FAILED: &str = "failed";
/// The element of an entry that its newest-first index is by; type, name and end of name in BSON.
const CREATE_TIME: &[u8] = b"\x12create_time_ms\0";

/// Connects with the options that invoice-service promises its results by.
pub(crate) async fn connect(url: &str) -> Result<Client, Box<dyn Error>> {
    let mut options = ClientOptions::parse(url).await?;
    options.max_pool_size = Some(MAX_POOL_SIZE);
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    let mut majority = WriteConcern::builder().w(Acknowledgment::Majority).build();
    majority.journal = Some(true);
    majority.w_timeout = Some(OPERATION_TIME);
    options.write_concern = Some(majority);
    let client = Client::with_options(options)?;
    client.warm_connection_pool().await;
    Ok(client)
}

/// What of a stored invoice is new in every copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Id,
    RequestId,
    CreateTime,
}

/// Writes copies of one stored invoice, and reads them back.
#[derive(Clone)]
pub(crate) struct Bare {
    invoices: Collection<RawDocumentBuf>,
    template: Template<Slot>,
    organization: String,
}

impl Bare {
    /// A collection in `to` with the same indexes as that of invoice-service in `from`, and the invoice `id` of it as the
    /// example of all others.
    pub(crate) async fn like(from: &Database, to: &Database, id: &str) -> Result<Self, Box<dyn Error>> {
        let original = from.collection::<RawDocumentBuf>(COLLECTION);
        let invoices = to.collection(COLLECTION);
        let mut indexes = original.list_indexes().await?;
        while indexes.advance().await? {
            let mut index: IndexModel = indexes.deserialize_current()?;
            if let Some(options) = &mut index.options {
                options.version = None;
            }
            if index.keys != (doc! { "_id": 1 }) {
                invoices.create_index(index).await?;
            }
        }
        let stored = original.find_one(doc! { "_id": id }).await?;
        let stored = stored.ok_or("the example is not stored")?;
        Ok(Self {
            template: template(&stored)?,
            organization: stored.get_str("org_id")?.to_owned(),
            invoices,
        })
    }

    fn copy(&self, id: &str) -> Result<RawDocumentBuf, mongodb::bson::error::Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or_default();
        let mut bytes = self.template.copy();
        let mut put = |slot, value: &[u8]| self.template.put(&mut bytes, slot, value);
        put(Slot::Id, id.as_bytes());
        put(Slot::RequestId, Uuid::new_v4().to_string().as_bytes());
        put(Slot::CreateTime, &[CREATE_TIME, &now.to_le_bytes()].concat());
        RawDocumentBuf::from_bytes(bytes)
    }

    async fn create(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        let id = new_id();
        self.invoices.insert_one(self.copy(&id)?).await?;
        Ok(id)
    }

    async fn get(&self, id: &str) -> Result<bool, mongodb::error::Error> {
        let filter: Document = doc! { "org_id": &self.organization, "_id": id, "deleted": false };
        let find = self.invoices.find_one(filter).hint(Hint::Name(BY_ID.to_owned()));
        let find = find.projection(doc! { "_id": 0, "document": 1 });
        Ok(find.max_time(OPERATION_TIME).await?.is_some())
    }

    /// Makes invoices, one after the other.
    pub(crate) async fn fill(&self, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
        let mut ids = Vec::new();
        let copies: Result<Vec<_>, _> = (0..count)
            .map(|_| {
                ids.push(new_id());
                self.copy(ids.last().map_or("", String::as_str))
            })
            .collect();
        self.invoices.insert_many(copies?).await?;
        Ok(ids)
    }

    /// Callers that create.
    pub(crate) fn creators(&self, count: usize) -> Vec<BareCaller> {
        self.callers(count, &Arc::new(Work::Create))
    }

    /// Callers that read these invoices in turn.
    pub(crate) fn readers(&self, count: usize, invoices: Vec<String>) -> Vec<BareCaller> {
        let next = AtomicUsize::new(0);
        self.callers(count, &Arc::new(Work::Get { invoices, next }))
    }

    fn callers(&self, count: usize, work: &Arc<Work>) -> Vec<BareCaller> {
        let caller = || BareCaller {
            bare: self.clone(),
            work: Arc::clone(work),
        };
        (0..count).map(|_| caller()).collect()
    }
}

fn template(stored: &RawDocumentBuf) -> Result<Template<Slot>, Box<dyn Error>> {
    let created = stored.get_i64("create_time_ms")?;
    let created = [CREATE_TIME, &created.to_le_bytes()].concat();
    Ok(Template::new(stored.as_bytes().to_vec())
        .with(Slot::Id, stored.get_str("_id")?.as_bytes())
        .with(Slot::RequestId, stored.get_str("create_request_id")?.as_bytes())
        .with(Slot::CreateTime, &created))
}

/// As invoice-service makes them.
fn new_id() -> String {
    format!("inv_{}", Ulid::generate().to_string().to_ascii_lowercase())
}

enum Work {
    Create,
    Get {
        invoices: Vec<String>,
        next: AtomicUsize,
    },
}

/// One of several that ask MongoDB at the same time.
pub(crate) struct BareCaller {
    bare: Bare,
    work: Arc<Work>,
}

impl Caller for BareCaller {
    async fn call(&mut self) -> Option<Result<(), &'static str>> {
        let done = match self.work.as_ref() {
            Work::Create => self.bare.create().await.is_ok(),
            Work::Get { invoices, next } => {
                let turn = next.fetch_add(1, Ordering::Relaxed) % invoices.len().max(1);
                let found = self.bare.get(invoices.get(turn)?).await;
                found.is_ok_and(|found| found)
            }
        };
        Some(if done { Ok(()) } else { Err(FAILED) })
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{rawdoc, spec::BinarySubtype};

    use super::*;

    #[test]
    fn a_copy_differs_in_its_ids_and_time_everywhere_and_in_nothing_else() {
        let id = new_id();
        let stored = rawdoc! {
            "_id": id.as_str(), "org_id": "org_1", "deleted": false, "create_time_ms": 5_i64,
            "create_request_id": Uuid::new_v4().to_string(),
            "create_fingerprint": mongodb::bson::Binary { subtype: BinarySubtype::Generic, bytes: vec![7; 32] },
            "document": { "id": id.as_str(), "total": 5_i64 },
        };
        let template = template(&stored).unwrap();
        assert!(
            [Slot::Id, Slot::RequestId, Slot::CreateTime]
                .iter()
                .all(|slot| template.has(*slot))
        );
        let fresh = new_id();
        let mut bytes = template.copy();
        template.put(&mut bytes, Slot::Id, fresh.as_bytes());
        template.put(
            &mut bytes,
            Slot::CreateTime,
            &[CREATE_TIME, &9_i64.to_le_bytes()].concat(),
        );
        let copy = RawDocumentBuf::from_bytes(bytes).unwrap();
        assert_eq!(copy.get_str("_id").unwrap(), fresh);
        assert_eq!(
            copy.get_document("document").unwrap().get_str("id").unwrap(),
            fresh
        );
        assert_eq!(copy.get_i64("create_time_ms").unwrap(), 9);
        assert_eq!(
            copy.get_document("document").unwrap().get_i64("total").unwrap(),
            5
        );
        assert_eq!(
            copy.get_str("create_request_id").unwrap(),
            stored.get_str("create_request_id").unwrap()
        );
    }
}
