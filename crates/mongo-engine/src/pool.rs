use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::ServerAddress;

/// Counts the connections of the driver's pools. Each server has a pool of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoolFigures(Arc<Mutex<Figures>>);

#[derive(Debug, Default)]
struct Figures {
    open: HashMap<ServerAddress, usize>,
    most: usize,
}

impl PoolFigures {
    /// What the driver tells about its pools.
    pub(crate) fn handler(&self) -> EventHandler<CmapEvent> {
        let figures = self.clone();
        EventHandler::callback(move |event| {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "only births and deaths of connections count"
            )]
            match event {
                CmapEvent::ConnectionCreated(created) => figures.opened(created.address),
                CmapEvent::ConnectionClosed(closed) => figures.closed(&closed.address),
                _ => {}
            }
        })
    }

    /// Connections that are open now, to all servers.
    pub(crate) fn open(&self) -> usize {
        self.figures(|figures| figures.open.values().sum())
    }

    /// The most connections that any one server had at a time.
    pub(crate) fn most_to_one_server(&self) -> usize {
        self.figures(|figures| figures.most)
    }

    fn opened(&self, address: ServerAddress) {
        self.figures(|figures| {
            let open = figures.open.entry(address).or_default();
            *open += 1;
            figures.most = figures.most.max(*open);
        });
    }

    fn closed(&self, address: &ServerAddress) {
        self.figures(|figures| {
            if let Some(open) = figures.open.get_mut(address) {
                *open = open.saturating_sub(1);
            }
        });
    }

    fn figures<T>(&self, with: impl FnOnce(&mut Figures) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
