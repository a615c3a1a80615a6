//! Somebody whose installation is moved, and who must not notice.

use harness::{Refusal, build};
use prost_types::FieldMask;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LoginRequest, RefreshTokenRequest, RegisterRequest};
use proto::invoice::v1::list_invoices_request::{Filter, OrderBy};
use proto::invoice::v1::{
    CreateInvoiceRequest, DeleteInvoiceRequest, Invoice, IssueInvoiceRequest, ListInvoicesRequest,
    UpdateInvoiceRequest, VerifyInvoiceHistoryRequest, VerifyInvoiceHistoryResponse,
};

use crate::binary::Running;
use crate::writers::{Invoices, invoices};

/// What a person has done, and seen of it.
pub(super) struct Person {
    registration: RegisterRequest,
    refresh_token: String,
    creations: Vec<CreateInvoiceRequest>,
    change: UpdateInvoiceRequest,
    /// Its draft has been deleted.
    forgotten: CreateInvoiceRequest,
    seen: Seen,
}

/// What the product answers to somebody who looks at everything and repeats every call.
#[derive(Debug, PartialEq)]
struct Seen {
    lists: Vec<Vec<Invoice>>,
    created_again: Vec<Invoice>,
    changed_again: Invoice,
    forgotten_again: Refusal,
    histories: Vec<VerifyInvoiceHistoryResponse>,
}

impl Person {
    /// Registers, creates, changes, issues and deletes.
    pub(super) async fn at_work(running: &Running) -> Self {
        let registration = build::registration();
        let channel = harness::channel(running.auth).await;
        let registered = harness::register(channel, registration.clone()).await;
        let tokens = registered.unwrap().tokens.unwrap();
        let mut client = invoices(running.invoice, &tokens.access_token);
        let creations = ["Tulips", "Roses", "Grüße an Ada"].map(creation).to_vec();
        let mut created = Vec::new();
        for request in &creations {
            created.push(client.create_invoice(request.clone()).await.unwrap().into_inner());
        }
        let change = change(&created[0]);
        client.update_invoice(change.clone()).await.unwrap();
        let issue = IssueInvoiceRequest {
            invoice_id: created[1].id.clone(),
            ..IssueInvoiceRequest::default()
        };
        client.issue_invoice(issue).await.unwrap();
        let forgotten = creation("Thistles");
        let thistles = client
            .create_invoice(forgotten.clone())
            .await
            .unwrap()
            .into_inner();
        let delete = DeleteInvoiceRequest {
            invoice_id: thistles.id,
            ..DeleteInvoiceRequest::default()
        };
        client.delete_invoice(delete).await.unwrap();
        let seen = look(&mut client, &creations, &change, &forgotten).await;
        assert_eq!(
            seen.lists.iter().map(Vec::len).collect::<Vec<_>>(),
            [3, 3, 3, 3, 3, 1, 1, 0]
        );
        let histories = seen.histories.iter();
        assert_eq!(
            histories
                .map(|history| (history.intact, history.event_count))
                .collect::<Vec<_>>(),
            [(true, 2), (true, 2), (true, 1)]
        );
        Self {
            registration,
            refresh_token: tokens.refresh_token,
            creations,
            change,
            forgotten,
            seen,
        }
    }

    /// Refreshes the session, signs in with the password, and sees what was seen before.
    pub(super) async fn sees_the_same(&mut self, running: &Running) {
        let mut auth = AuthServiceClient::new(harness::channel(running.auth).await);
        let refresh = RefreshTokenRequest {
            refresh_token: self.refresh_token.clone(),
        };
        let refreshed = auth.refresh_token(refresh).await.unwrap().into_inner();
        self.refresh_token = refreshed.tokens.unwrap().refresh_token;
        let login = LoginRequest {
            email: self.registration.email.clone(),
            password: self.registration.password.clone(),
            ..LoginRequest::default()
        };
        let tokens = auth.login(login).await.unwrap().into_inner().tokens.unwrap();
        let mut client = invoices(running.invoice, &tokens.access_token);
        let seen = look(&mut client, &self.creations, &self.change, &self.forgotten).await;
        assert_eq!(seen, self.seen);
    }
}

fn creation(note: &str) -> CreateInvoiceRequest {
    build::create(Invoice {
        note: note.to_owned(),
        buyer: Some(build::party(note, "DE")),
        ..build::invoice()
    })
}

fn change(invoice: &Invoice) -> UpdateInvoiceRequest {
    UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: invoice.id.clone(),
            note: "changed".to_owned(),
            ..Invoice::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["note".to_owned()],
        }),
        request_id: build::request_id(),
    }
}

async fn look(
    client: &mut Invoices,
    creations: &[CreateInvoiceRequest],
    change: &UpdateInvoiceRequest,
    forgotten: &CreateInvoiceRequest,
) -> Seen {
    let mut lists = Vec::new();
    for (order, query) in [
        (OrderBy::CreateTimeDesc, ""),
        (OrderBy::IssueDateDesc, ""),
        (OrderBy::DueDateAsc, ""),
        (OrderBy::NumberAsc, ""),
        (OrderBy::GrossDesc, ""),
        (OrderBy::Unspecified, "tul"),
        (OrderBy::Unspecified, "GRÜSSE"),
        (OrderBy::Unspecified, "thistles"),
    ] {
        lists.push(list(client, order, query).await);
    }
    let mut created_again = Vec::new();
    for request in creations {
        created_again.push(client.create_invoice(request.clone()).await.unwrap().into_inner());
    }
    let forgotten_again = client.create_invoice(forgotten.clone()).await;
    let mut histories = Vec::new();
    for invoice in &created_again {
        let request = VerifyInvoiceHistoryRequest {
            invoice_id: invoice.id.clone(),
        };
        histories.push(client.verify_invoice_history(request).await.unwrap().into_inner());
    }
    Seen {
        lists,
        created_again,
        changed_again: client.update_invoice(change.clone()).await.unwrap().into_inner(),
        forgotten_again: Refusal::in_result(forgotten_again),
        histories,
    }
}

async fn list(client: &mut Invoices, order: OrderBy, query: &str) -> Vec<Invoice> {
    let request = ListInvoicesRequest {
        order_by: order.into(),
        filter: Some(Filter {
            query: query.to_owned(),
            ..Filter::default()
        }),
        ..ListInvoicesRequest::default()
    };
    client.list_invoices(request).await.unwrap().into_inner().invoices
}
