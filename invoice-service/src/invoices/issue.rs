//! Issuing: the one change that also depends on another invoice, the last one of the series.

use std::time::Duration;

use jiff::Timestamp;

use super::change::{ATTEMPTS, Found, Target};
use super::{Caller, InvoiceError, Invoices, Outcome};
use crate::domain::date::CalendarDate;
use crate::domain::history::Reason;
use crate::domain::number::Series;
use crate::domain::state::Action;
use crate::store::StoreError;

/// What a caller says about the number of an invoice.
#[derive(Debug, Clone)]
pub(crate) struct Numbering {
    /// The series that it is taken from.
    pub(crate) series: Series,
    /// The day of issue; none: that of the draft.
    pub(crate) issue_date: Option<CalendarDate>,
    /// The day of issue where the draft has none either.
    pub(crate) today: CalendarDate,
}

/// After so many lost races the next attempt waits no longer than before.
const LONGEST_DELAY_DOUBLINGS: u32 = 5;

impl Invoices {
    /// Issues a draft: two reads at the same time and one conditional write. The number is the last one of its series
    /// plus 1; when another writer took it, nothing was written, and it is decided again. So a number is neither lost nor
    /// given twice, whoever fails at whatever point, and the store's unique index is what guarantees it. Within this
    /// process, the issues of an organization wait for each other, which only saves lost races.
    ///
    /// # Errors
    /// Those of [`Invoices::update`], and [`InvoiceError::Issue`].
    pub(crate) async fn issue(
        &self,
        caller: &Caller,
        target: Target<'_>,
        numbering: &Numbering,
    ) -> Result<Outcome, InvoiceError> {
        let deed = caller.deed(Action::IssueInvoice.name(), target.request, Reason::default());
        let _turn = self.turns.take(&caller.organization).await;
        let _place = self.place_of_history().await?;
        for attempt in 0..ATTEMPTS {
            let (found, last) = tokio::try_join!(self.found(caller, target), async {
                let series = numbering.series.id();
                Ok(self.store.last_number(&caller.organization, series).await?)
            })?;
            let stored = match found {
                Found::Current(stored) => stored,
                Found::Replayed(outcome) => return Ok(*outcome),
            };
            let day = numbering.issue_date.or(stored.invoice.header.issue_date);
            let day = day.unwrap_or(numbering.today);
            let issued = stored
                .invoice
                .issue(day, &numbering.series, last.as_ref(), Timestamp::now())?;
            if let Some(outcome) = self.put(*stored, issued, deed.clone(), target.request).await? {
                return Ok(outcome);
            }
            after_a_lost_race(attempt).await;
        }
        Err(InvoiceError::Store(StoreError::Overloaded))
    }
}

/// What was written a moment ago at another process may take a moment to be seen here.
pub(super) async fn after_a_lost_race(attempt: u32) {
    let milliseconds = 1 << attempt.min(LONGEST_DELAY_DOUBLINGS);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
