//! How the revocation feeds of a process are, read when somebody asks: silence grows by itself.

use std::fmt::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::ServiceLabel;

/// A revocation feed as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedStanding {
    /// Since when nothing was heard.
    pub silence: Duration,
    /// Whether revocations may be missing.
    pub stale: bool,
    /// Streams that ended after they had worked.
    pub streams_lost: u64,
    /// Sessions and users of whom something is revoked.
    pub entries: usize,
}

/// Tells the standing; `None` when the feed is gone.
type Ask = Box<dyn Fn() -> Option<FeedStanding> + Send + Sync>;

/// The feed of each service in the process that has one; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Feeds(Arc<Mutex<Vec<(&'static str, Ask)>>>);

impl Feeds {
    pub(super) fn add(&self, service: &'static str, ask: Ask) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((service, ask));
    }

    fn standings(&self) -> Vec<(ServiceLabel, FeedStanding)> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let standings = asked
            .iter()
            .filter_map(|(service, ask)| Some((ServiceLabel { service }, ask()?)));
        standings.collect()
    }
}

impl std::fmt::Debug for Feeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeds").finish_non_exhaustive()
    }
}

/// Name, help, unit and figure of one metric.
type Figure<M> = (&'static str, &'static str, Option<Unit>, fn(&FeedStanding) -> M);

impl Collector for Feeds {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let standings = self.standings();
        if standings.is_empty() {
            return Ok(());
        }
        let gauges: [Figure<ConstGauge<f64>>; 3] = [
            (
                "revocation_feed_silence",
                "Time since the revocation feed was heard; it says something every 2 s",
                Some(Unit::Seconds),
                |standing| ConstGauge::new(standing.silence.as_secs_f64()),
            ),
            (
                "revocation_feed_stale",
                "1 when revocations may be missing",
                None,
                |standing| ConstGauge::new(f64::from(u8::from(standing.stale))),
            ),
            (
                "revocation_feed_entries",
                "Sessions and users of whom tokens are revoked that have not expired",
                None,
                |standing| ConstGauge::new(f64::from(u32::try_from(standing.entries).unwrap_or(u32::MAX))),
            ),
        ];
        for figure in gauges {
            write(&mut encoder, &standings, &figure)?;
        }
        let lost: Figure<ConstCounter<u64>> = (
            "revocation_feed_streams_lost",
            "Streams of the revocation feed that ended after they had worked; each is opened again",
            None,
            |standing| ConstCounter::new(standing.streams_lost),
        );
        write(&mut encoder, &standings, &lost)
    }
}

fn write<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    standings: &[(ServiceLabel, FeedStanding)],
    (name, help, unit, figure): &Figure<M>,
) -> Result<(), Error> {
    let Some((_, first)) = standings.first() else {
        return Ok(());
    };
    let mut metrics = encoder.encode_descriptor(name, help, unit.as_ref(), figure(first).metric_type())?;
    for (service, standing) in standings {
        figure(standing).encode(metrics.encode_family(service)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::FeedStanding;
    use crate::Metrics;

    #[test]
    fn a_feed_is_told_as_it_is_now_as_long_as_it_is_there() {
        let metrics = Metrics::new();
        assert!(!metrics.to_text().contains("revocation_feed"));
        let standing = FeedStanding {
            silence: Duration::from_millis(12_500),
            stale: true,
            streams_lost: 3,
            entries: 7,
        };
        metrics.revocation_feed("invoice-service", move || Some(standing));
        metrics.revocation_feed("gone", || None);
        let text = metrics.to_text();
        let mut lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("revocation_"))
            .collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "revocation_feed_entries{service=\"invoice-service\"} 7.0",
                "revocation_feed_silence_seconds{service=\"invoice-service\"} 12.5",
                "revocation_feed_stale{service=\"invoice-service\"} 1.0",
                "revocation_feed_streams_lost_total{service=\"invoice-service\"} 3",
            ]
        );
    }
}
