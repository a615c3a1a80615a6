use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use settings::ServiceUrl;
use tls::Connector;
use tokio::sync::OnceCell;

use super::replica::Replica;

/// How often names are resolved again: replicas come and go with deployments.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// For a name server to answer.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// The processes that serve a service: every address of every host of its URLs.
#[derive(Debug)]
pub(super) struct Replicas {
    urls: Vec<ServiceUrl>,
    connector: Connector,
    known: ArcSwap<Vec<Arc<Replica>>>,
    looked: OnceCell<()>,
    turn: AtomicUsize,
}

impl Replicas {
    /// Looks for them when they are first needed, and then for as long as somebody holds this.
    pub(super) fn new(urls: Vec<ServiceUrl>, connector: &Connector) -> Arc<Self> {
        Arc::new(Self {
            urls,
            connector: connector.clone(),
            known: ArcSwap::default(),
            looked: OnceCell::new(),
            turn: AtomicUsize::new(0),
        })
    }

    /// The replica for the next call: one that can be reached, with the fewest open calls; in turn when there are
    /// several. Another than `tried` when there is one. `None` when no name resolves.
    pub(super) async fn choose(self: &Arc<Self>, tried: Option<&Arc<Replica>>) -> Option<Arc<Replica>> {
        self.looked.get_or_init(|| self.look_for_the_first_time()).await;
        let known = self.known.load();
        let begin = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn =
            (0..known.len()).filter_map(|offset| known.get(begin.wrapping_add(offset) % known.len()));
        let least = in_turn.min_by_key(|replica| {
            let was_tried = tried.is_some_and(|tried| Arc::ptr_eq(tried, replica));
            (was_tried, replica.is_left_alone(), replica.open_calls())
        });
        least.cloned()
    }

    async fn look_for_the_first_time(self: &Arc<Self>) {
        self.look().await;
        tokio::spawn(keep_looking(Arc::downgrade(self)));
    }

    /// Resolves the names. The replicas of a name that does not resolve stay as they are: a name server that is down
    /// must not take the services with it.
    async fn look(&self) {
        let before = self.known.load_full();
        let mut now = Vec::new();
        for url in &self.urls {
            match resolve(url).await {
                Some(addresses) => now.extend(addresses.into_iter().map(|address| {
                    let same = before.iter().find(|replica| replica.is_at(url, address));
                    same.map_or_else(
                        || Arc::new(Replica::new(url.clone(), address, &self.connector)),
                        Arc::clone,
                    )
                })),
                None => now.extend(before.iter().filter(|replica| replica.is_of(url)).cloned()),
            }
        }
        if now.len() != before.len() {
            tracing::info!(replicas = now.len(), url = %self.urls.first().map_or("", ServiceUrl::host), "resolved");
        }
        self.known.store(Arc::new(now));
    }
}

async fn keep_looking(replicas: Weak<Replicas>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(replicas) = replicas.upgrade() else {
            return;
        };
        replicas.look().await;
    }
}

/// The addresses of a URL's host, in order; `None` when it does not resolve.
async fn resolve(url: &ServiceUrl) -> Option<BTreeSet<SocketAddr>> {
    let looked = tokio::time::timeout(LOOK_FOR, tokio::net::lookup_host((url.host(), url.port()))).await;
    match looked {
        Ok(Ok(addresses)) => Some(addresses.collect()),
        Ok(Err(error)) => {
            tracing::warn!(host = url.host(), %error, "the name of a service does not resolve");
            None
        }
        Err(_) => {
            tracing::warn!(host = url.host(), "no name server answers");
            None
        }
    }
}
