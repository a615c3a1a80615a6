//! Issuing: the one change that also depends on another invoice, the last one of the series.

use std::time::Duration;

use jiff::Timestamp;

use super::change::{ATTEMPTS, Found, Target};
use super::{Caller, InvoiceError, Invoices, Outcome};
use crate::domain::date::CalendarDate;
use crate::domain::history::Reason;
use crate::domain::ids::OrganizationId;
use crate::domain::invoice::{Invoice, InvoiceKind, SeriesId};
use crate::domain::lifecycle::{IssueError, IssueProblem};
use crate::domain::number::{Series, SeriesUnknown};
use crate::domain::profile::Profile;
use crate::domain::state::Action;
use crate::store::StoreError;

/// What a caller says about the number of an invoice.
#[derive(Debug, Clone)]
pub(crate) struct Numbering {
    /// The series that it is taken from; none: the first one for invoices.
    pub(crate) series: Option<SeriesId>,
    /// The day of issue; none: that of the draft, else today.
    pub(crate) issue_date: Option<CalendarDate>,
}

/// After so many lost races the next attempt waits no longer than before.
const LONGEST_DELAY_DOUBLINGS: u32 = 5;

impl Invoices {
    /// Issues a draft: three reads at the same time (the draft, the profile, the last number of the series that the profile
    /// probably says) and one conditional write. The number is the last one of its series
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
        let organization = &caller.organization;
        for attempt in 0..ATTEMPTS {
            let guess = self.guess(organization, numbering.series.as_ref(), InvoiceKind::Invoice);
            let (found, profile, last) = tokio::try_join!(
                self.found(caller, target),
                async { Ok(self.profiles.read(organization).await?) },
                async { Ok(self.store.last_number(organization, &guess).await?) }
            )?;
            let stored = match found {
                Found::Current(stored) => stored,
                Found::Replayed(outcome) => return Ok(*outcome),
            };
            let day = numbering.issue_date.or(stored.invoice.header.issue_date);
            let now = Timestamp::now();
            let today = profile.day(now);
            let day = day.unwrap_or(today);
            let draft = with_parties(&stored.invoice, &profile);
            let series = profile.series(numbering.series.as_ref(), InvoiceKind::Invoice);
            let Ok(series) = series else {
                return Err(without_series(&draft, day, today));
            };
            let last = if *series.id() == guess {
                last
            } else {
                self.store.last_number(organization, series.id()).await?
            };
            let issued = draft.issue(day, series, last.as_ref(), today, now)?;
            if let Some(outcome) = self.put(*stored, issued, deed.clone(), target.request).await? {
                return Ok(outcome);
            }
            after_a_lost_race(attempt).await;
        }
        Err(InvoiceError::Store(StoreError::Overloaded))
    }

    /// The series that the number probably comes from.
    pub(super) fn guess(
        &self,
        organization: &OrganizationId,
        series: Option<&SeriesId>,
        kind: InvoiceKind,
    ) -> SeriesId {
        let profile = self.profiles.guess(organization);
        let series = profile.series(series, kind);
        series.map_or_else(|_| SeriesId::default(), |series| series.id().clone())
    }
}

/// The draft with the parties that it gets, for good: neither profile nor customer changes them any more.
fn with_parties(draft: &Invoice, profile: &Profile) -> Invoice {
    let mut draft = draft.clone();
    let header = &mut draft.header;
    header.seller = header.seller.take().or_else(|| profile.content.seller.clone());
    header.buyer = header.effective_buyer().cloned();
    header.customer_party = None;
    draft
}

/// Everything that stands in the way of issuing a draft in a series that there is not.
fn without_series(draft: &Invoice, day: CalendarDate, today: CalendarDate) -> InvoiceError {
    let mut problems = match draft.issue(day, &Series::standard(), None, today, Timestamp::now()) {
        Ok(_) => Vec::new(),
        Err(IssueError::Problems(problems)) => problems,
        Err(error @ (IssueError::State(_) | IssueError::Content(_))) => return error.into(),
    };
    problems.push(IssueProblem::Series(SeriesUnknown));
    InvoiceError::Issue(problems)
}

/// What was written a moment ago at another process may take a moment to be seen here.
pub(super) async fn after_a_lost_race(attempt: u32) {
    let milliseconds = 1 << attempt.min(LONGEST_DELAY_DOUBLINGS);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
