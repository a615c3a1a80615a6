use std::sync::atomic::{AtomicU32, Ordering};

/// Retries may add a tenth to the load, and ten at once: an upstream in trouble must not get its calls
/// doubled.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    /// Tenths of a retry.
    tenths: AtomicU32,
}

impl RetryBudget {
    const MOST: u32 = 100;
    const ONE: u32 = 10;

    /// For every call.
    pub(crate) fn deposit(&self) {
        self.update(|tenths| (tenths < Self::MOST).then(|| tenths.saturating_add(1)));
    }

    /// For every retry; `false` when there is none left.
    pub(crate) fn withdraw(&self) -> bool {
        self.update(|tenths| tenths.checked_sub(Self::ONE))
    }

    fn update(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.tenths
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            tenths: AtomicU32::new(Self::MOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RetryBudget;

    #[test]
    fn ten_retries_at_once_and_then_one_for_ten_calls() {
        let budget = RetryBudget::default();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
        for _ in 0..9 {
            budget.deposit();
            assert!(!budget.withdraw());
        }
        budget.deposit();
        assert!(budget.withdraw());
    }
}
