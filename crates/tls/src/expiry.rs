//! What is said about a certificate in use.

use jiff::{SignedDuration, Timestamp};

use crate::certificate::CertificateInfo;

/// Renewed certificates are there long before: cert-manager and ACME clients renew with a third of the life left.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How a certificate stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Good,
    ExpiresSoon,
    Expired,
}

fn standing(not_after: Timestamp, now: Timestamp) -> Standing {
    let left = now.duration_until(not_after);
    if left.is_negative() {
        Standing::Expired
    } else if left < SOON {
        Standing::ExpiresSoon
    } else {
        Standing::Good
    }
}

/// One line about a certificate that was loaded, and one more when it needs somebody.
pub(crate) fn log_loaded(role: &str, certificate: &CertificateInfo) {
    let CertificateInfo {
        file,
        names,
        not_after,
    } = certificate;
    tracing::info!(role, file = %file.display(), ?names, %not_after, "certificate loaded");
    log_if_needed(role, certificate);
}

/// One line when the certificate expires soon, or has expired.
pub(crate) fn log_if_needed(role: &str, certificate: &CertificateInfo) {
    let not_after = certificate.not_after;
    let file = certificate.file.display();
    match standing(not_after, Timestamp::now()) {
        Standing::Good => {}
        Standing::ExpiresSoon => {
            tracing::warn!(role, %file, %not_after, "the certificate expires within 14 days: renew it");
        }
        Standing::Expired => {
            tracing::error!(role, %file, %not_after, "the certificate has expired: whoever checks it refuses us");
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Standing, standing};

    #[test]
    fn a_certificate_needs_somebody_in_its_last_fourteen_days() {
        let now = Timestamp::UNIX_EPOCH;
        let days = |days: i64| now + SignedDuration::from_hours(24 * days);
        assert_eq!(standing(days(15), now), Standing::Good);
        assert_eq!(standing(days(13), now), Standing::ExpiresSoon);
        assert_eq!(standing(days(-1), now), Standing::Expired);
    }
}
