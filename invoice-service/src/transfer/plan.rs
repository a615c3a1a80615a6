//! What is to be stored, in which order.

use crate::domain::date::CalendarDate;
use crate::domain::state::State;
use crate::idempotency::AppliedRequest;

/// An invoice of the file that was checked. Some 150 bytes, whatever the invoice holds.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// The line of the file that it begins on.
    pub(super) line: u64,
    /// Its first byte in the file.
    pub(super) offset: u64,
    /// How many bytes it has.
    pub(super) length: usize,
    /// The id that the file gives it; blank when it gives none.
    pub(super) id: Box<str>,
    /// What it is stored under.
    pub(super) request: AppliedRequest,
    /// The state that it comes to.
    pub(super) state: State,
    /// The day of issue; none of a draft.
    pub(super) day: Option<CalendarDate>,
    /// The number that the file states; blank when it states none.
    pub(super) number: Box<str>,
}

impl Planned {
    /// Numbers follow the calendar. On one day those that the file states decide, shorter ones first, so that what was
    /// numbered by the same series before is numbered the same again; drafts come last, and otherwise the file decides.
    fn place(&self) -> (bool, Option<CalendarDate>, usize, &str, u64) {
        (
            self.day.is_none(),
            self.day,
            self.number.len(),
            &self.number,
            self.offset,
        )
    }
}

/// Puts them into the order in which they are stored.
pub(super) fn order(planned: &mut [Planned]) {
    planned.sort_unstable_by(|one, other| one.place().cmp(&other.place()));
}
