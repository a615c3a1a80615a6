//! What sign-ins cost, and which are refused before they cost anything.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::ServiceLabel;

/// Why a sign-in was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many came from its address.
    Address,
    /// Sign-ins to its account failed just now.
    Account,
    /// Too many passwords are being hashed.
    Hashing,
}

impl Refusal {
    const fn label(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Account => "account",
            Self::Hashing => "hashing",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    service: &'static str,
    cause: &'static str,
}

/// Of every service in the process.
#[derive(Clone, Default)]
pub(super) struct AllSignIns {
    hashes: Family<ServiceLabel, Counter>,
    refused: Family<RefusalLabels, Counter>,
}

/// Counts the sign-ins of one service; cheap to clone.
#[derive(Debug, Clone)]
pub struct SignIns {
    service: &'static str,
    hashes: Counter,
    refused: Family<RefusalLabels, Counter>,
}

impl AllSignIns {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "auth_password_hashes",
            "Passwords that were hashed, to be stored or compared",
            self.hashes.clone(),
        );
        registry.register(
            "auth_sign_ins_refused",
            "Sign-ins, registrations and changes of passwords that were refused for now",
            self.refused.clone(),
        );
    }

    pub(super) fn of(&self, service: &'static str) -> SignIns {
        SignIns {
            service,
            hashes: self.hashes.get_or_create_owned(&ServiceLabel { service }),
            refused: self.refused.clone(),
        }
    }
}

impl SignIns {
    /// So many passwords were hashed.
    pub fn hashed(&self, count: u64) {
        self.hashes.inc_by(count);
    }

    /// Passwords that were hashed so far.
    pub fn hashes(&self) -> u64 {
        self.hashes.get()
    }

    /// One was refused.
    pub fn refused(&self, cause: Refusal) {
        let labels = RefusalLabels {
            service: self.service,
            cause: cause.label(),
        };
        self.refused.get_or_create(&labels).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::Metrics;

    #[test]
    fn sign_ins_are_counted_by_service_and_cause() {
        let metrics = Metrics::new();
        let sign_ins = metrics.sign_ins("auth-service");
        sign_ins.hashed(2);
        sign_ins.hashed(1);
        sign_ins.refused(Refusal::Address);
        metrics.sign_ins("auth-service").refused(Refusal::Address);
        sign_ins.refused(Refusal::Hashing);
        assert_eq!(sign_ins.hashes(), 3);
        let text = metrics.to_text();
        for line in [
            "auth_password_hashes_total{service=\"auth-service\"} 3",
            "auth_sign_ins_refused_total{service=\"auth-service\",cause=\"address\"} 2",
            "auth_sign_ins_refused_total{service=\"auth-service\",cause=\"hashing\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
