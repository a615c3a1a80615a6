//! Drafts that take their buyer from a customer.

use std::convert::Infallible;

use jiff::Timestamp;

use super::{Caller, InvoiceError, Invoices, Target};
use crate::domain::content::InvoiceContent;
use crate::domain::customer::Customer;
use crate::domain::history::Reason;
use crate::domain::ids::{CustomerId, OrganizationId};
use crate::domain::invoice::Invoice;
use crate::domain::party::Party;
use crate::domain::state::{Action, State};
use crate::store::{Cursor, ListFilter, ListOrder, ListQuery, StoreError};

/// Drafts that are looked at between two reads of the list.
const PAGE: usize = 200;
/// What the history of a draft says.
const REASON: &str = "its customer changed";

impl Invoices {
    /// The customer with this id.
    ///
    /// # Errors
    /// [`InvoiceError::Store`].
    pub(crate) async fn customer(
        &self,
        organization: &OrganizationId,
        id: &CustomerId,
    ) -> Result<Option<Customer>, InvoiceError> {
        match self.store.customer(organization, id).await {
            Ok(stored) => Ok(Some(stored.customer)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the party of `customer` to its drafts, each by a change of its own. When the customer changes meanwhile, it
    /// begins again: whoever ends last has seen the newest party. Can be repeated.
    ///
    /// # Errors
    /// [`InvoiceError::Store`]; some drafts have followed then.
    pub(crate) async fn follow(&self, caller: &Caller, customer: &Customer) -> Result<(), InvoiceError> {
        let mut customer = customer.clone();
        loop {
            self.give_party(caller, &customer).await?;
            match self.customer(&caller.organization, &customer.id).await? {
                Some(current) if current.version > customer.version => customer = current,
                Some(_) | None => return Ok(()),
            }
        }
    }

    async fn give_party(&self, caller: &Caller, customer: &Customer) -> Result<(), InvoiceError> {
        let (order, party) = (ListOrder::CreateTimeDescending, party_of(customer));
        let mut after = None;
        loop {
            let filter = ListFilter {
                states: vec![State::Draft],
                customer: Some(customer.id.clone()),
                ..ListFilter::default()
            };
            let query = ListQuery {
                filter,
                order,
                after,
                limit: PAGE,
            };
            let page = self.store.list(&caller.organization, query).await?;
            let behind = page.invoices.iter();
            for draft in behind.filter(|draft| draft.header.customer_party != party) {
                self.take_party(caller, draft, customer, party.as_ref()).await?;
            }
            match page.invoices.last().filter(|_| page.more) {
                Some(last) => after = Some(Cursor::of(last, order)),
                None => return Ok(()),
            }
        }
    }

    async fn take_party(
        &self,
        caller: &Caller,
        draft: &Invoice,
        customer: &Customer,
        party: Option<&Party>,
    ) -> Result<(), InvoiceError> {
        let target = Target {
            id: &draft.identity.id,
            etag: None,
            request: None,
        };
        let action = Action::UpdateInvoice;
        let reason = Reason::parse(REASON).unwrap_or_default();
        let taken = self.change::<Infallible>(caller, target, action, reason, |invoice| {
            invoice.state.permit(action)?;
            let InvoiceContent { mut header, lines } = invoice.content();
            if header.customer_id.as_ref() == Some(&customer.id) {
                header.customer_party = party.cloned();
            }
            Ok(invoice.revise(InvoiceContent { header, lines }, Timestamp::now())?)
        });
        match taken.await {
            Err(InvoiceError::Store(error)) => Err(InvoiceError::Store(error)),
            // It was issued or deleted meanwhile, or its history is full: it stays as it is.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What drafts take of a customer; none when there is nothing to take.
pub(crate) fn party_of(customer: &Customer) -> Option<Party> {
    let party = &customer.content.party;
    (*party != Party::default()).then(|| party.clone())
}
