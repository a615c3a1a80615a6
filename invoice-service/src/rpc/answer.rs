//! What every call about invoices answers with.

use proto::invoice::v1 as pb;
use tonic::metadata::MetadataValue;
use tonic::{Response, Status};

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

use super::{InvoiceService, error, outward};
use crate::domain::date::CalendarDate;
use crate::domain::invoice::Invoice;
use crate::domain::party::Party;
use crate::domain::state::State;
use crate::invoices::{Caller, Outcome};

/// Set on the answer to a repetition.
const REPLAY_HEADER: &str = "x-idempotent-replay";

impl InvoiceService {
    /// The day that it is in the caller's organization.
    pub(super) async fn today(&self, caller: &Caller) -> Result<CalendarDate, Status> {
        let today = self.invoices.today(&caller.organization).await;
        today.map_err(|error| error::status(error, ""))
    }

    /// An invoice of the caller's organization as clients see it.
    pub(super) async fn shown(&self, caller: &Caller, invoice: &Invoice) -> Result<pb::Invoice, Status> {
        let view = self.view(caller, std::slice::from_ref(invoice)).await?;
        Ok(view.shown(invoice))
    }

    /// What these invoices look like. The profile is asked for only when that depends on it.
    pub(super) async fn view(&self, caller: &Caller, invoices: &[Invoice]) -> Result<View, Status> {
        let days = DaysOnEarth::at(Timestamp::now());
        if invoices.iter().any(|invoice| days.depends(invoice)) {
            return self.whole_view(caller).await;
        }
        Ok(View {
            today: days.earliest,
            seller: None,
        })
    }

    /// What any invoice looks like.
    pub(super) async fn whole_view(&self, caller: &Caller) -> Result<View, Status> {
        let profile = self.invoices.profiles().recent(&caller.organization).await;
        let profile = profile.map_err(|error| error::store(&error))?;
        Ok(View {
            today: profile.day(Timestamp::now()),
            seller: profile.content.seller.clone(),
        })
    }

    /// The answer to a mutation.
    pub(super) async fn answer(
        &self,
        caller: &Caller,
        outcome: &Outcome,
    ) -> Result<Response<pb::Invoice>, Status> {
        let invoice = self.shown(caller, &outcome.invoice).await?;
        Ok(replayed(Response::new(invoice), outcome.replayed))
    }
}

/// What is seen of an invoice beside what is stored of it.
pub(super) struct View {
    /// The day that it is in the organization.
    today: CalendarDate,
    /// The seller of drafts that name none.
    pub(super) seller: Option<Party>,
}

impl View {
    /// The invoice as clients see it.
    pub(super) fn shown(&self, invoice: &Invoice) -> pb::Invoice {
        self.with_seller(invoice, outward::invoice(invoice, self.today))
    }

    /// As [`View::shown`], for lists, which leave some parts out.
    pub(super) fn listed(&self, invoice: &Invoice) -> pb::Invoice {
        self.with_seller(invoice, outward::listed(invoice, self.today))
    }

    fn with_seller(&self, invoice: &Invoice, mut shown: pb::Invoice) -> pb::Invoice {
        if takes_seller(invoice) {
            shown.seller = self.seller.as_ref().map(outward::party);
        }
        shown
    }
}

/// Whether the seller is that of the profile, until the draft is issued.
fn takes_seller(invoice: &Invoice) -> bool {
    invoice.state == State::Draft && invoice.header.seller.is_none()
}

/// The days that it is somewhere at the same moment: three at most.
struct DaysOnEarth {
    earliest: CalendarDate,
    latest: CalendarDate,
}

impl DaysOnEarth {
    fn at(now: Timestamp) -> Self {
        // From Baker Island to the Line Islands, and a little further.
        let day =
            |hours| CalendarDate::at(now, TimeZone::fixed(offset(hours))).unwrap_or(CalendarDate::FIRST);
        Self {
            earliest: day(-14),
            latest: day(16),
        }
    }

    /// Whether what is seen of the invoice depends on the profile.
    fn depends(&self, invoice: &Invoice) -> bool {
        takes_seller(invoice) || invoice.overdue(self.earliest) != invoice.overdue(self.latest)
    }
}

/// The answer, marked when it is to a repetition.
pub(super) fn replayed<T>(mut response: Response<T>, replayed: bool) -> Response<T> {
    if replayed {
        let yes = MetadataValue::from_static("true");
        response.metadata_mut().insert(REPLAY_HEADER, yes);
    }
    response
}
