use rpc_error::IntoViolation;

/// What a page holds when the caller does not say.
pub const DEFAULT_SIZE: usize = 50;
/// A wish for a larger page is cut to this.
pub const LARGEST_SIZE: usize = 200;

/// A page of fewer than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not be negative")]
pub struct PageSizeError;

impl IntoViolation for PageSizeError {
    fn reason(&self) -> &'static str {
        "PAGE_SIZE_NEGATIVE"
    }
}

/// How many the page holds for which a request wants `page_size`; 0 is no wish.
///
/// # Errors
/// When it is negative.
pub fn size(page_size: i32) -> Result<usize, PageSizeError> {
    match usize::try_from(page_size) {
        Ok(0) => Ok(DEFAULT_SIZE),
        Ok(size) => Ok(size.min(LARGEST_SIZE)),
        Err(_) => Err(PageSizeError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_fifty_by_default_and_two_hundred_at_most() {
        for (wish, held) in [(0, 50), (1, 1), (200, 200), (201, 200), (i32::MAX, 200)] {
            assert_eq!(size(wish), Ok(held), "{wish}");
        }
        for wish in [-1, i32::MIN] {
            assert_eq!(size(wish), Err(PageSizeError), "{wish}");
        }
    }
}
