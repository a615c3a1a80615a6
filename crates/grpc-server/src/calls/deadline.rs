use std::time::Duration;

use deadline::Deadline;
use http::{HeaderMap, HeaderValue};

use super::CallLimits;

const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The deadline of a call of `method`: the caller's, at most `longest_deadline`, else `default_deadline`.
/// Long-lived methods have the caller's or none.
pub(super) fn of_call(headers: &HeaderMap, method: &str, limits: &CallLimits) -> Option<Deadline> {
    let asked = headers.get(GRPC_TIMEOUT).and_then(decode_timeout);
    let timeout = if limits.long_lived.contains(method) {
        asked
    } else {
        Some(
            asked
                .unwrap_or(limits.default_deadline)
                .min(limits.longest_deadline),
        )
    };
    timeout.map(Deadline::after)
}

/// `timeout` as the value of a `grpc-timeout` header, rounded up to a millisecond.
pub fn encode_timeout(timeout: Duration) -> HeaderValue {
    const MOST_DIGITS: u128 = 99_999_999;
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    let text = if millis <= MOST_DIGITS {
        format!("{millis}m")
    } else {
        format!("{}S", u128::from(timeout.as_secs()).min(MOST_DIGITS))
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("0m"))
}

/// Reads a `grpc-timeout` header: one to eight digits and a unit (gRPC over HTTP/2, "Timeout"). A malformed
/// one reads as absent, as in other gRPC servers; the call then has the default deadline. A day is as long as
/// any.
fn decode_timeout(value: &HeaderValue) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_hours(24);
    let text = value.to_str().ok()?;
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount = digits.parse::<u64>().ok()?;
    let timeout = match unit {
        'H' => Duration::from_secs(amount.saturating_mul(3600)),
        'M' => Duration::from_secs(amount.saturating_mul(60)),
        'S' => Duration::from_secs(amount),
        'm' => Duration::from_millis(amount),
        'u' => Duration::from_micros(amount),
        'n' => Duration::from_nanos(amount),
        _ => return None,
    };
    Some(timeout.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::{CallLimits, decode_timeout, encode_timeout, of_call};

    fn left(timeout: Option<&'static str>, method: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        if let Some(text) = timeout {
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
        }
        let limits = CallLimits::default().with_long_lived(["/s/Watch"]);
        let deadline = of_call(&headers, method, &limits)?;
        Some((deadline.remaining() + Duration::from_millis(500)).as_secs())
    }

    #[test]
    fn a_call_has_the_callers_deadline_within_ours() {
        assert_eq!(left(None, "/s/Get"), Some(5));
        assert_eq!(left(Some("2S"), "/s/Get"), Some(2));
        assert_eq!(left(Some("10S"), "/s/Get"), Some(10));
        assert_eq!(left(Some("1H"), "/s/Get"), Some(30));
        assert_eq!(left(Some("nonsense"), "/s/Get"), Some(5));
    }

    #[test]
    fn a_long_lived_stream_has_only_its_callers() {
        assert_eq!(left(None, "/s/Watch"), None);
        assert_eq!(left(Some("1M"), "/s/Watch"), Some(60));
    }

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        let read = |text: &'static str| decode_timeout(&HeaderValue::from_static(text));
        assert_eq!(read("1500m"), Some(Duration::from_millis(1500)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        assert_eq!(read("7u"), Some(Duration::from_micros(7)));
        assert_eq!(read("99999999H"), Some(Duration::from_hours(24)));
        for malformed in ["", "S", "5", "-5S", "5 S", "123456789S", "1.5S", "5s"] {
            assert_eq!(read(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(encode_timeout(Duration::from_micros(1)), "1m");
        assert_eq!(encode_timeout(Duration::from_millis(4_900)), "4900m");
        assert_eq!(encode_timeout(Duration::from_secs(200_000)), "200000S");
    }
}
