//! How the certificates of a process stand, read when somebody asks: they change while it runs.

use std::collections::BTreeMap;
use std::fmt::Error;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// The TLS of one server or client as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsStanding {
    /// The file of the certificate, and when that expires in seconds since 1970; `None` without a certificate.
    pub certificate: Option<(String, i64)>,
    /// Whether files have changed to something that cannot be used.
    pub reload_fails: bool,
}

/// Tells the standing; `None` when the server or client is gone.
type Ask = Box<dyn Fn() -> Option<TlsStanding> + Send + Sync>;

/// Everything in the process that has certificates; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Certificates(Arc<Mutex<Vec<(&'static str, Ask)>>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct CertificateLabels {
    file: String,
    role: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct RoleLabel {
    role: &'static str,
}

impl Certificates {
    pub(super) fn add(&self, role: &'static str, ask: Ask) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((role, ask));
    }

    /// Of everything that is still there. Two clients of one process may have the same role and file.
    fn standings(&self) -> (BTreeMap<CertificateLabels, i64>, BTreeMap<RoleLabel, i64>) {
        let (mut ends, mut failing) = (BTreeMap::new(), BTreeMap::new());
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (role, ask) in asked.iter() {
            let Some(standing) = ask() else {
                continue;
            };
            if let Some((file, not_after)) = standing.certificate {
                ends.insert(CertificateLabels { file, role }, not_after);
            }
            let fails = failing.entry(RoleLabel { role }).or_default();
            *fails = i64::max(*fails, standing.reload_fails.into());
        }
        (ends, failing)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Collector for Certificates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (ends, failing) = self.standings();
        if failing.is_empty() {
            return Ok(());
        }
        let mut gauges = encoder.encode_descriptor(
            "tls_certificate_not_after",
            "When the certificate in use expires, since 1970",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for (labels, not_after) in &ends {
            ConstGauge::new(*not_after).encode(gauges.encode_family(labels)?)?;
        }
        let mut gauges = encoder.encode_descriptor(
            "tls_reload_failing",
            "1 when certificate files have changed to something that cannot be used",
            None,
            MetricType::Gauge,
        )?;
        for (labels, fails) in &failing {
            ConstGauge::new(*fails).encode(gauges.encode_family(labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::TlsStanding;
    use crate::Metrics;

    #[test]
    fn a_certificate_is_told_as_it_is_now_and_once_for_each_role_and_file() {
        let metrics = Metrics::new();
        assert!(!metrics.to_text().contains("tls_"));
        let standing = TlsStanding {
            certificate: Some(("/tls/auth.crt".to_owned(), 1_900_000_000)),
            reload_fails: false,
        };
        let fails = TlsStanding {
            certificate: None,
            reload_fails: true,
        };
        for (role, told) in [
            ("auth", Some(standing.clone())),
            ("auth", Some(standing)),
            ("client", Some(fails)),
            ("gone", None),
        ] {
            metrics.tls(role, move || told.clone());
        }
        let text = metrics.to_text();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("tls_")).collect();
        assert_eq!(
            lines,
            [
                "tls_certificate_not_after_seconds{file=\"/tls/auth.crt\",role=\"auth\"} 1900000000",
                "tls_reload_failing{role=\"auth\"} 0",
                "tls_reload_failing{role=\"client\"} 1",
            ]
        );
    }
}
