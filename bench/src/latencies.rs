//! How long calls took: millions of them in little memory.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// A minute; longer calls count as this long.
const LONGEST_MICROS: u64 = 60_000_000;
/// Figures are right to three digits.
const DIGITS: u8 = 3;

/// A histogram of durations in microseconds.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "constants, which a test tries")]
        let histogram = Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).expect("the bounds make sense");
        Self(histogram)
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_MICROS);
        self.0.saturating_record(micros);
    }

    /// Adds all of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds, so it cannot fail.
        let _added = self.0.add(&other.0);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that this part of all calls does not exceed.
    fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }

    /// Of 100, 99 take no longer.
    pub(crate) fn p99(&self) -> Duration {
        self.percentile(99.0)
    }

    fn longest(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99] = [50.0, 99.0].map(|percent| millis(self.percentile(percent)));
        write!(f, "p50 {p50}, p99 {p99}, max {}", millis(self.longest()))
    }
}

/// With two decimals.
fn millis(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_are_below_the_median_and_one_in_a_hundred_above_the_99th() {
        let (mut odd, mut even) = (Latencies::default(), Latencies::default());
        for micros in 1..=1_000 {
            let part = if micros % 2 == 0 { &mut even } else { &mut odd };
            part.record(Duration::from_micros(micros));
        }
        odd.add(&even);
        assert_eq!(odd.count(), 1_000);
        assert_eq!(odd.percentile(50.0), Duration::from_micros(500));
        assert_eq!(odd.percentile(99.0), Duration::from_micros(990));
        assert_eq!(odd.longest(), Duration::from_millis(1));
        assert_eq!(odd.to_string(), "p50 0.50 ms, p99 0.99 ms, max 1.00 ms");
    }

    #[test]
    fn a_call_that_never_ends_counts_as_a_minute() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_hours(1));
        let minute = Duration::from_mins(1).as_millis();
        assert_eq!(latencies.longest().as_millis() / 100, minute / 100);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(
            Latencies::default().to_string(),
            "p50 0.00 ms, p99 0.00 ms, max 0.00 ms"
        );
    }
}
