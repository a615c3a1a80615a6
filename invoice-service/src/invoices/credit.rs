//! Crediting: the one change that writes two documents, the invoice and its credit note.

use jiff::Timestamp;

use super::change::{ATTEMPTS, Found, Target};
use super::issue::after_a_lost_race;
use super::{Caller, InvoiceError, Invoices};
use crate::domain::credit::{CreditError, CreditOrder, Credited, NewCreditNote};
use crate::domain::history::Deed;
use crate::domain::ids::InvoiceId;
use crate::domain::invoice::{Invoice, InvoiceIdentity, InvoiceKind, SeriesId};
use crate::domain::lifecycle::IssueProblem;
use crate::domain::state::Action;
use crate::idempotency::AppliedRequest;
use crate::store::{StoreError, StoredInvoice};

/// An answer to a credit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CreditOutcome {
    /// The credit note.
    pub(crate) note: Invoice,
    /// The invoice as it is now.
    pub(crate) invoice: Invoice,
    /// The request had been applied before; nothing has changed now.
    pub(crate) replayed: bool,
}

impl Invoices {
    /// Credits an invoice: three reads at the same time, as [`Invoices::issue`], and one store transaction, which replaces the invoice, entered with
    /// its credit, and adds the note under the number after the last one of its series. When another writer was faster with
    /// either, nothing was written, and it is decided again; so whoever fails at whatever point, there is no credit without
    /// a note, no note without a credit, no gap and no number twice.
    ///
    /// # Errors
    /// Those of [`Invoices::update`], and [`InvoiceError::Credit`].
    pub(crate) async fn credit(
        &self,
        caller: &Caller,
        target: Target<'_>,
        order: &CreditOrder,
        series: Option<&SeriesId>,
    ) -> Result<CreditOutcome, InvoiceError> {
        let action = Action::CreateCreditNote.name();
        let deed = caller.deed(action, target.request, order.reason.clone());
        let _turn = self.turns.take(&caller.organization).await;
        let _place = self.place_of_history().await?;
        let identity = InvoiceIdentity {
            id: InvoiceId::generate(),
            organization_id: caller.organization.clone(),
            created_by: caller.user.clone(),
        };
        for attempt in 0..ATTEMPTS {
            let organization = &caller.organization;
            let guess = self.guess(organization, series, InvoiceKind::CreditNote);
            let (found, profile, last) = tokio::try_join!(
                self.found(caller, target),
                async { Ok(self.profiles.read(organization).await?) },
                async { Ok(self.store.last_number(organization, &guess).await?) }
            )?;
            let stored = match found {
                Found::Current(stored) => stored,
                Found::Replayed(outcome) => {
                    return self.credited_before(caller, outcome.invoice, &deed).await;
                }
            };
            let series = profile.series(series, InvoiceKind::CreditNote);
            let series = series.map_err(|error| InvoiceError::Issue(vec![IssueProblem::Series(error)]))?;
            let last = if *series.id() == guess {
                last
            } else {
                self.store.last_number(organization, series.id()).await?
            };
            let now = Timestamp::now();
            let new = NewCreditNote {
                identity: &identity,
                series,
                last: last.as_ref(),
                today: profile.day(now),
                request_id: deed.request_id.as_deref().unwrap_or_default(),
            };
            let credited = stored.invoice.credit(order, new, now)?;
            if let Some(outcome) = self
                .put_credited(*stored, credited, &deed, target.request)
                .await?
            {
                return Ok(outcome);
            }
            after_a_lost_race(attempt).await;
        }
        Err(InvoiceError::Store(StoreError::Overloaded))
    }

    /// Writes both; `None` when somebody else wrote the invoice first or has the number: nothing has changed then.
    async fn put_credited(
        &self,
        stored: StoredInvoice,
        credited: Credited,
        deed: &Deed,
        request: Option<AppliedRequest>,
    ) -> Result<Option<CreditOutcome>, InvoiceError> {
        let note = credited.note.recorded(None, deed.clone())?;
        let invoice = credited.invoice.recorded(Some(&stored.invoice), deed.clone())?;
        let expected = stored.invoice.version;
        let mut applied = stored.applied;
        if let Some(request) = request {
            applied.remember(request);
        }
        let replacement = StoredInvoice {
            invoice: invoice.clone(),
            created_by_request: stored.created_by_request,
            applied,
            origin: stored.origin,
        };
        match self.store.credit(replacement, expected, note.clone()).await {
            Ok(()) => Ok(Some(CreditOutcome {
                note,
                invoice,
                replayed: false,
            })),
            Err(StoreError::VersionConflict { .. } | StoreError::NumberTaken) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The answer to a repetition: the invoice, and the note that the request made of it.
    async fn credited_before(
        &self,
        caller: &Caller,
        invoice: Invoice,
        deed: &Deed,
    ) -> Result<CreditOutcome, InvoiceError> {
        let request_id = deed.request_id.as_deref();
        let mut credits = invoice.credits.iter().rev();
        let credit = credits.find(|credit| Some(credit.request_id.as_str()) == request_id);
        let note = credit.ok_or(InvoiceError::RequestIdReused)?.note_id.clone();
        Ok(CreditOutcome {
            note: self.get(caller, &note).await?,
            invoice,
            replayed: true,
        })
    }
}

impl<P> From<CreditError> for InvoiceError<P> {
    fn from(error: CreditError) -> Self {
        match error {
            CreditError::State(error) => Self::State(error),
            CreditError::NothingLeft
            | CreditError::TooMany
            | CreditError::Problems(_)
            | CreditError::Totals(_) => Self::Credit(error),
        }
    }
}
