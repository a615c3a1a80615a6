//! The engine against real servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod copies;
mod opening;
mod running;
mod transactions;

use harness::mongo::ReplicaSet;
use mongo_engine::bson::doc;
use mongo_engine::{Engine, Index, Location, Schema};

fn location(url: &str) -> Location {
    url.parse().unwrap()
}

fn schema(version: u32) -> Schema {
    let by_name = Index::new("things", "by_name", doc! { "org_id": 1, "name": 1 }).unique();
    Schema {
        name: "test",
        version,
        indexes: vec![by_name],
    }
}

async fn open(set: &ReplicaSet) -> Engine {
    let opened = Engine::open(&location(&set.url("test")), "other", &schema(1)).await;
    opened.unwrap_or_else(|error| panic!("{error}"))
}
