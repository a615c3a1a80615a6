//! WatchInvoices.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use paging::{ListIdentity, PageTokenError};
use prost::Message as _;
use rpc_error::{IntoViolation, Violations};
use serde::{Deserialize, Serialize};
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;
use proto::invoice::v1::watch_invoices_response::{
    Changed, Deleted, Event, Heartbeat, LeftFilter, SnapshotEnd,
};

use super::text::Reader;
use super::{InvoiceService, caller, error, list, outward};
use crate::domain::date::CalendarDate;
use crate::domain::ids::{InvoiceId, OrganizationId};
use crate::invoices::{WatchEvent, WatchItem, WatchPlace, WatchStart};
use crate::store::{Cursor, CursorKey, Place};
use rpc_error::FieldPath;

/// The stream of WatchInvoices.
pub(crate) type Messages = Pin<Box<dyn Stream<Item = Result<pb::WatchInvoicesResponse, Status>> + Send>>;

impl InvoiceService {
    /// `WatchInvoices`.
    pub(super) async fn watch(
        &self,
        request: Request<pb::WatchInvoicesRequest>,
    ) -> Result<Response<Messages>, Status> {
        let caller = caller(&request)?;
        let today = self.today(&caller).await?;
        let request = request.get_ref();
        let mut violations = Violations::new();
        let filter = list::filter(request.filter.as_ref(), today, &mut violations);
        let identity = identity(request, &caller.organization);
        let place = decode(&request.resume_token, identity);
        let place = Reader::new(&FieldPath::root(), &mut violations).value("resume_token", place);
        let (Some(filter), Some(place), true) = (filter, place, violations.is_empty()) else {
            return Err(error::invalid(violations));
        };
        let start = match place {
            Some(place) => WatchStart::At(place),
            None if request.skip_snapshot => WatchStart::Now,
            None => WatchStart::Snapshot,
        };
        let watch = self.invoices.watch(&caller, filter, start).await;
        let watch = watch.map_err(error::watch_refused)?;
        Ok(Response::new(Box::pin(
            watch.map(move |item| message(item, today, identity)),
        )))
    }
}

fn message(
    item: WatchItem,
    today: CalendarDate,
    identity: ListIdentity,
) -> Result<pb::WatchInvoicesResponse, Status> {
    let (event, place) = item.map_err(|failed| error::watch_failed(&failed))?;
    Ok(pb::WatchInvoicesResponse {
        event: Some(self::event(&event, today)),
        resume_token: encode(&place, identity),
    })
}

fn event(event: &WatchEvent, today: CalendarDate) -> Event {
    match event {
        WatchEvent::Changed(invoice) => Event::Changed(Changed {
            invoice: Some(outward::listed(invoice, today)),
        }),
        WatchEvent::Deleted(invoice) => Event::Deleted(Deleted {
            invoice_id: invoice.to_string(),
        }),
        WatchEvent::LeftFilter(invoice) => Event::LeftFilter(LeftFilter {
            invoice_id: invoice.to_string(),
        }),
        WatchEvent::SnapshotEnd => Event::SnapshotEnd(SnapshotEnd {}),
        WatchEvent::Heartbeat => Event::Heartbeat(Heartbeat {}),
    }
}

/// What is watched, however it was asked for. It differs from that of every list, so that no page token is taken for a
/// resume token.
fn identity(request: &pb::WatchInvoicesRequest, organization: &OrganizationId) -> ListIdentity {
    let mut filter = request.filter.clone().unwrap_or_default();
    filter.states.sort_unstable();
    filter.states.dedup();
    let content = [b"WatchInvoices".as_slice(), &filter.encode_to_vec()].concat();
    ListIdentity::new(organization.as_str(), &content)
}

/// A [`WatchPlace`] as a token carries it.
#[derive(Serialize, Deserialize)]
struct Token {
    changes: String,
    /// The invoice of the first state that was told last, and when it was created.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    told: Option<(i64, String)>,
}

/// Why a resume token was refused.
#[derive(Debug, thiserror::Error)]
enum ResumeTokenError {
    /// Not something that was given out as a resume token.
    #[error("must be the resume_token of an earlier message, or blank to begin anew")]
    Malformed,
    /// Given out for another filter or organization.
    #[error("belongs to another watch: the filter must stay the same")]
    OtherWatch,
}

impl IntoViolation for ResumeTokenError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "RESUME_TOKEN_MALFORMED",
            Self::OtherWatch => "RESUME_TOKEN_OTHER_WATCH",
        }
    }
}

fn encode(place: &WatchPlace, identity: ListIdentity) -> String {
    let told = place.snapshot.as_ref().and_then(|cursor| match cursor.key {
        CursorKey::Integer(created) => Some((created, cursor.id.to_string())),
        CursorKey::Text(_) => None,
    });
    let changes = place.changes.as_str().to_owned();
    paging::encode(&Token { changes, told }, identity)
}

fn decode(token: &str, identity: ListIdentity) -> Result<Option<WatchPlace>, ResumeTokenError> {
    let token = paging::decode::<Token>(token, identity).map_err(|error| match error {
        PageTokenError::Malformed => ResumeTokenError::Malformed,
        PageTokenError::OtherList => ResumeTokenError::OtherWatch,
    })?;
    let place = token.map(|Token { changes, told }| {
        let snapshot = told.map(|(created, id)| {
            let id = InvoiceId::parse(&id).map_err(|_| ResumeTokenError::Malformed)?;
            let key = CursorKey::Integer(created);
            Ok(Cursor { key, id })
        });
        Ok(WatchPlace {
            changes: Place::new(&changes),
            snapshot: snapshot.transpose()?,
        })
    });
    place.transpose()
}
