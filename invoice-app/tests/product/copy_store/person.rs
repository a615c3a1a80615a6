//! Somebody whose installation is moved, and who must not notice.

use harness::{Bearer, Refusal, build};
use prost_types::FieldMask;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{LoginRequest, RefreshTokenRequest, RegisterRequest};
use proto::invoice::v1::create_credit_note_request::{Line, line::Extent};
use proto::invoice::v1::list_invoices_request::{Filter, OrderBy};
use proto::invoice::v1::profile_service_client::ProfileServiceClient;
use proto::invoice::v1::{
    CreateCreditNoteRequest, CreateCreditNoteResponse, CreateInvoiceRequest, DeleteInvoiceRequest,
    GetProfileRequest, Invoice, IssueInvoiceRequest, ListInvoicesRequest, Profile, UpdateInvoiceRequest,
    UpdateProfileRequest, VerifyInvoiceHistoryRequest, VerifyInvoiceHistoryResponse,
};

use crate::binary::Running;
use crate::writers::{Invoices, Profiles, invoices, lazy};

/// What a person has done, and seen of it.
pub(super) struct Person {
    registration: RegisterRequest,
    refresh_token: String,
    calls: Calls,
    seen: Seen,
}

/// What the person repeats.
struct Calls {
    creations: Vec<CreateInvoiceRequest>,
    change: UpdateInvoiceRequest,
    credit: CreateCreditNoteRequest,
    /// Its draft has been deleted.
    forgotten: CreateInvoiceRequest,
}

/// What the product answers to somebody who looks at everything and repeats every call.
#[derive(Debug, PartialEq)]
struct Seen {
    profile: Profile,
    lists: Vec<Vec<Invoice>>,
    created_again: Vec<Invoice>,
    changed_again: Invoice,
    credited_again: CreateCreditNoteResponse,
    forgotten_again: Refusal,
    histories: Vec<VerifyInvoiceHistoryResponse>,
}

impl Person {
    /// Registers, creates, changes, issues, credits and deletes.
    pub(super) async fn at_work(running: &Running) -> Self {
        let registration = build::registration();
        let channel = harness::channel(running.auth).await;
        let registered = harness::register(channel, registration.clone()).await;
        let tokens = registered.unwrap().tokens.unwrap();
        let mut client = invoices(running.invoice, &tokens.access_token);
        let mut profiles = profiles(running, &tokens.access_token);
        let described = UpdateProfileRequest {
            profile: Some(Profile {
                seller: Some(build::party("Grüße & Co", "DE")),
                time_zone: "Asia/Tokyo".to_owned(),
                ..Profile::default()
            }),
            ..UpdateProfileRequest::default()
        };
        profiles.update_profile(described).await.unwrap();
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
        let open = client.issue_invoice(issue).await.unwrap().into_inner();
        let credit = credit(&open);
        client.create_credit_note(credit.clone()).await.unwrap();
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
        let profile = profiles.get_profile(GetProfileRequest {}).await.unwrap();
        let profile = profile.into_inner();
        let calls = Calls {
            creations,
            change,
            credit,
            forgotten,
        };
        let seen = Box::pin(look(&mut client, profile, &calls)).await;
        assert_eq!(
            seen.lists.iter().map(Vec::len).collect::<Vec<_>>(),
            [4, 4, 4, 4, 4, 1, 1, 0]
        );
        let histories = seen.histories.iter();
        assert_eq!(
            histories
                .map(|history| (history.intact, history.event_count))
                .collect::<Vec<_>>(),
            [(true, 2), (true, 3), (true, 1), (true, 1)]
        );
        Self {
            registration,
            refresh_token: tokens.refresh_token,
            calls,
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
        let profile = profiles(running, &tokens.access_token)
            .get_profile(GetProfileRequest {})
            .await;
        let profile = profile.unwrap().into_inner();
        let seen = Box::pin(look(&mut client, profile, &self.calls)).await;
        assert_eq!(seen, self.seen);
    }
}

fn profiles(running: &Running, access_token: &str) -> Profiles {
    ProfileServiceClient::with_interceptor(lazy(running.invoice), Bearer::new(access_token))
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

fn credit(invoice: &Invoice) -> CreateCreditNoteRequest {
    CreateCreditNoteRequest {
        invoice_id: invoice.id.clone(),
        lines: vec![Line {
            line_id: invoice.lines[0].id.clone(),
            extent: Some(Extent::Quantity("0.7".to_owned())),
        }],
        reason: "faded".to_owned(),
        request_id: build::request_id(),
        ..CreateCreditNoteRequest::default()
    }
}

async fn look(client: &mut Invoices, profile: Profile, calls: &Calls) -> Seen {
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
    for request in &calls.creations {
        created_again.push(client.create_invoice(request.clone()).await.unwrap().into_inner());
    }
    let forgotten_again = client.create_invoice(calls.forgotten.clone()).await;
    let credited_again = client.create_credit_note(calls.credit.clone()).await;
    let credited_again = credited_again.unwrap().into_inner();
    let mut histories = Vec::new();
    for invoice in created_again.iter().chain(&credited_again.credit_note) {
        let request = VerifyInvoiceHistoryRequest {
            invoice_id: invoice.id.clone(),
        };
        histories.push(client.verify_invoice_history(request).await.unwrap().into_inner());
    }
    Seen {
        profile,
        lists,
        created_again,
        changed_again: client
            .update_invoice(calls.change.clone())
            .await
            .unwrap()
            .into_inner(),
        credited_again,
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
