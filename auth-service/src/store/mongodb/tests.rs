use std::sync::Arc;

use harness::mongo::ReplicaSet;

use super::*;
use crate::store::contract::{self, Store};

async fn open(set: &ReplicaSet) -> MongoAuthStore {
    let location = set.url("auth_of_a_test").parse().unwrap();
    MongoAuthStore::open(&location).await.unwrap()
}

contract::stamp!(in_mongodb, async {
    let set = ReplicaSet::start().await;
    let store: Store = Arc::new(open(&set).await);
    (store, set)
});

#[tokio::test]
async fn everything_is_there_again_after_reopening() {
    let set = ReplicaSet::start().await;
    let store = open(&set).await;
    let written = contract::fill(&store).await;
    store.close().await;
    contract::check(&open(&set).await, &written).await;
}
