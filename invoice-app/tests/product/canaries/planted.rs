//! Calls with a canary in everything that people say or are.

use std::net::SocketAddr;

use harness::build;
use prost::Message;
use prost_types::FieldMask;
use proto::auth::v1::{
    ChangePasswordRequest, ChangePasswordResponse, GetMeRequest, ListSecurityEventsRequest, LoginRequest,
    LogoutRequest, RefreshTokenRequest, RefreshTokenResponse, RegisterRequest, RegisterResponse,
    RevokeOtherSessionsRequest, RevokeSessionRequest, Tokens, UpdateMeRequest,
};
use proto::invoice::v1::list_invoices_request::Filter;
use proto::invoice::v1::{
    CreateCustomerRequest, CreateInvoiceRequest, Customer, DeleteInvoiceRequest, GetInvoiceRequest, Invoice,
    Line, ListCustomersRequest, ListInvoicesRequest, Party, Profile, Series, SummarizeInvoicesRequest,
    UpdateInvoiceRequest, UpdateProfileRequest, WatchInvoicesRequest,
};
use tonic::Code;

use crate::wire::{Answer, Call, Native, framed, send_web};

/// The headers that a careless client or proxy might send.
const HEADERS: [(&str, &str); 5] = [
    ("cookie", "session=canary-cookie"),
    ("x-user-email", "canary-header@example.com"),
    ("x-metadata", "canary-metadata"),
    ("x-api-key", "canary-api-key"),
    ("user-agent", "canary-agent/1.0"),
];

/// How a call goes out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Native,
    Web,
}

/// Somebody at the gateway.
pub(super) struct Caller {
    pub(super) gateway: SocketAddr,
    pub(super) way: Way,
    pub(super) token: Option<String>,
    /// How many calls were made.
    pub(super) calls: usize,
}

impl Caller {
    async fn send(&mut self, path: &str, message: &impl Message) -> Answer {
        self.send_with(HEADERS.to_vec(), path, message).await
    }

    /// A stream that ends by its deadline.
    async fn watch(&mut self, request: &WatchInvoicesRequest) -> Answer {
        let mut headers = HEADERS.to_vec();
        headers.push(("grpc-timeout", "500m"));
        self.send_with(
            headers,
            "/invoiceapp.invoice.v1.InvoiceService/WatchInvoices",
            request,
        )
        .await
    }

    async fn send_with(
        &mut self,
        headers: Vec<(&'static str, &'static str)>,
        path: &str,
        message: &impl Message,
    ) -> Answer {
        self.calls += 1;
        let call = Call {
            path,
            access_token: self.token.as_deref(),
            headers,
        };
        match self.way {
            Way::Native => {
                let connection = Native::connect(self.gateway).await;
                connection.send(&call, framed(message)).await
            }
            Way::Web => send_web(self.gateway, &call, framed(message)).await,
        }
    }

    async fn auth(&mut self, method: &str, message: &impl Message) -> Answer {
        self.send(&format!("/invoiceapp.auth.v1.AuthService/{method}"), message)
            .await
    }

    pub(super) async fn invoice(&mut self, method: &str, message: &impl Message) -> Answer {
        self.send(
            &format!("/invoiceapp.invoice.v1.InvoiceService/{method}"),
            message,
        )
        .await
    }

    async fn is_refused_auth(&mut self, method: &str, message: &impl Message, code: Code) {
        assert_eq!(self.auth(method, message).await.status.code(), code, "{method}");
    }

    pub(super) async fn is_refused_invoice(&mut self, method: &str, message: &impl Message, code: Code) {
        assert_eq!(
            self.invoice(method, message).await.status.code(),
            code,
            "{method}"
        );
    }
}

/// A session from its beginning to its end, and every way to fail at it. Returns the secrets that it gave out.
pub(super) async fn sign_in_and_fail_to(caller: &mut Caller) -> Vec<Tokens> {
    let email = format!("canary-email-{:?}@example.com", caller.way);
    let registration = RegisterRequest {
        email: email.clone(),
        password: "canary-password tulip harbour".to_owned(),
        display_name: "canary-display-name".to_owned(),
        organization_name: "canary-organization".to_owned(),
        client_label: "canary-label".to_owned(),
    };
    let registered: RegisterResponse = caller.auth("Register", &registration).await.ok();
    caller
        .is_refused_auth("Register", &registration, Code::AlreadyExists)
        .await;
    for bad in [
        RegisterRequest {
            email: "canary-no-address".to_owned(),
            ..registration.clone()
        },
        RegisterRequest {
            password: "canary".to_owned(),
            ..registration.clone()
        },
        RegisterRequest {
            display_name: "canary\u{7}".to_owned(),
            ..registration.clone()
        },
        RegisterRequest {
            client_label: "canary".repeat(100),
            ..registration.clone()
        },
    ] {
        caller
            .is_refused_auth("Register", &bad, Code::InvalidArgument)
            .await;
    }
    let login = LoginRequest {
        email,
        password: registration.password,
        client_label: "canary-label".to_owned(),
        device_token: String::new(),
    };
    for bad in [
        LoginRequest {
            password: "canary-wrong-password".to_owned(),
            ..login.clone()
        },
        LoginRequest {
            email: format!("canary-unknown-{:?}@example.com", caller.way),
            ..login.clone()
        },
    ] {
        caller.is_refused_auth("Login", &bad, Code::Unauthenticated).await;
    }
    // The device that registered does not wait for those failures.
    let known = LoginRequest {
        device_token: registered.tokens.as_ref().unwrap().device_token.clone(),
        ..login
    };
    let signed_in: RegisterResponse = caller.auth("Login", &known).await.ok();
    let [first, second] = [registered, signed_in].map(|answer| answer.tokens.unwrap());
    let refresh = RefreshTokenRequest {
        refresh_token: second.refresh_token.clone(),
    };
    let refreshed: RefreshTokenResponse = caller.auth("RefreshToken", &refresh).await.ok();
    let third = refreshed.tokens.unwrap();
    for bad in ["canary-refresh-token", ""] {
        let refresh = RefreshTokenRequest {
            refresh_token: bad.to_owned(),
        };
        assert_ne!(
            caller.auth("RefreshToken", &refresh).await.status.code(),
            Code::Ok
        );
    }
    caller.token = Some(third.access_token.clone());
    let logout = LogoutRequest {
        refresh_token: third.refresh_token.clone(),
    };
    assert_eq!(caller.auth("Logout", &logout).await.status.code(), Code::Ok);
    let gone = RefreshTokenRequest {
        refresh_token: third.refresh_token.clone(),
    };
    assert_ne!(caller.auth("RefreshToken", &gone).await.status.code(), Code::Ok);
    for bad in [
        "canary-access-token".to_owned(),
        format!("{}canary", first.access_token),
    ] {
        caller.token = Some(bad);
        caller
            .is_refused_auth("GetMe", &GetMeRequest {}, Code::Unauthenticated)
            .await;
    }
    caller.token = Some(first.access_token.clone());
    assert_eq!(
        caller.auth("GetMe", &GetMeRequest {}).await.status.code(),
        Code::Ok
    );
    vec![first, second, third]
}

/// What somebody who has signed in does with the account, and every way to fail at it. Returns the new tokens.
pub(super) async fn look_after_the_account(caller: &mut Caller) -> Tokens {
    let all = FieldMask {
        paths: vec!["*".to_owned()],
    };
    let update = UpdateMeRequest {
        display_name: "canary-new-name".to_owned(),
        organization_name: "canary-new-organization".to_owned(),
        update_mask: Some(all),
    };
    assert_eq!(caller.auth("UpdateMe", &update).await.status.code(), Code::Ok);
    let unknown_path = UpdateMeRequest {
        update_mask: Some(FieldMask {
            paths: vec!["canary_path".to_owned()],
        }),
        ..update
    };
    caller
        .is_refused_auth("UpdateMe", &unknown_path, Code::InvalidArgument)
        .await;
    let session_id = "canary-session".to_owned();
    caller
        .is_refused_auth(
            "RevokeSession",
            &RevokeSessionRequest { session_id },
            Code::NotFound,
        )
        .await;
    let page = ListSecurityEventsRequest {
        page_size: 0,
        page_token: "canary-page-token".to_owned(),
    };
    caller
        .is_refused_auth("ListSecurityEvents", &page, Code::InvalidArgument)
        .await;
    let page = ListSecurityEventsRequest::default();
    assert_eq!(
        caller.auth("ListSecurityEvents", &page).await.status.code(),
        Code::Ok
    );
    let change = ChangePasswordRequest {
        current_password: "canary-password tulip harbour".to_owned(),
        new_password: "canary-password heron meadow".to_owned(),
    };
    let others = RevokeOtherSessionsRequest {};
    assert_eq!(
        caller.auth("RevokeOtherSessions", &others).await.status.code(),
        Code::Ok
    );
    let changed: ChangePasswordResponse = caller.auth("ChangePassword", &change).await.ok();
    let tokens = changed.tokens.unwrap();
    caller.token = Some(tokens.access_token.clone());
    let wrong = ChangePasswordRequest {
        current_password: "canary-not-the-password".to_owned(),
        ..change
    };
    caller
        .is_refused_auth("ChangePassword", &wrong, Code::Unauthenticated)
        .await;
    tokens
}

pub(super) fn invoice() -> Invoice {
    let party = Party {
        name: "canary-party".to_owned(),
        email: "canary-party@example.com".to_owned(),
        phone: "+49 canary".to_owned(),
        ..build::party("", "DE")
    };
    let line = Line {
        description: "canary-description".to_owned(),
        detail: "canary-detail".to_owned(),
        ..build::line("1", "80", "19")
    };
    Invoice {
        buyer: Some(party.clone()),
        seller: Some(party),
        lines: vec![line],
        note: "canary-note".to_owned(),
        buyer_reference: "canary-reference".to_owned(),
        purchase_order: "canary-order".to_owned(),
        metadata: [("canary-key".to_owned(), "canary-value".to_owned())].into(),
        ..build::invoice()
    }
}

/// Lists and sums, found and refused.
async fn look_for_invoices(caller: &mut Caller) {
    let filter = Filter {
        query: "canary-query".to_owned(),
        ..Filter::default()
    };
    let list = ListInvoicesRequest {
        filter: Some(filter),
        ..ListInvoicesRequest::default()
    };
    assert_eq!(
        caller.invoice("ListInvoices", &list).await.status.code(),
        Code::Ok
    );
    let mut summary = SummarizeInvoicesRequest {
        filter: list.filter.clone(),
    };
    let answer = caller.invoice("SummarizeInvoices", &summary).await;
    assert_eq!(answer.status.code(), Code::Ok);
    let filter = summary.filter.get_or_insert_default();
    "canary-customer".clone_into(&mut filter.customer_id);
    caller
        .is_refused_invoice("SummarizeInvoices", &summary, Code::InvalidArgument)
        .await;
    let mut watch = WatchInvoicesRequest {
        filter: list.filter.clone(),
        ..WatchInvoicesRequest::default()
    };
    assert_eq!(caller.watch(&watch).await.status.code(), Code::DeadlineExceeded);
    "canary-resume-token".clone_into(&mut watch.resume_token);
    assert_eq!(caller.watch(&watch).await.status.code(), Code::InvalidArgument);
    let page = ListInvoicesRequest {
        page_token: "canary-page-token".to_owned(),
        ..list
    };
    caller
        .is_refused_invoice("ListInvoices", &page, Code::InvalidArgument)
        .await;
}

/// What somebody says of the organization, and a way to fail at it.
async fn describe_the_organization(caller: &mut Caller) {
    let profile = Profile {
        seller: invoice().seller,
        note: "canary-default-note".to_owned(),
        ..Profile::default()
    };
    let update = |profile: Profile| UpdateProfileRequest {
        profile: Some(profile),
        ..UpdateProfileRequest::default()
    };
    let bad = Profile {
        time_zone: "canary-zone".to_owned(),
        currency_code: "canary-currency".to_owned(),
        series: vec![Series {
            id: "canary id".to_owned(),
            template: "canary-template".to_owned(),
            ..Series::default()
        }],
        ..profile.clone()
    };
    for (profile, code) in [(profile, Code::Ok), (bad, Code::InvalidArgument)] {
        let path = "/invoiceapp.invoice.v1.ProfileService/UpdateProfile";
        assert_eq!(caller.send(path, &update(profile)).await.status.code(), code);
    }
    let customer = Customer {
        party: invoice().buyer,
        note: "canary-about-a-customer".to_owned(),
        ..Customer::default()
    };
    let bad = Customer {
        currency_code: "canary-currency".to_owned(),
        ..customer.clone()
    };
    for (customer, code) in [(customer, Code::Ok), (bad, Code::InvalidArgument)] {
        let path = "/invoiceapp.invoice.v1.CustomerService/CreateCustomer";
        let create = CreateCustomerRequest {
            customer: Some(customer),
            request_id: build::request_id(),
        };
        assert_eq!(caller.send(path, &create).await.status.code(), code);
    }
    let list = ListCustomersRequest {
        query: "canary-query".to_owned(),
        ..ListCustomersRequest::default()
    };
    let path = "/invoiceapp.invoice.v1.CustomerService/ListCustomers";
    assert_eq!(caller.send(path, &list).await.status.code(), Code::Ok);
}

/// Everything that can be done with a draft, and every way to fail at it.
pub(super) async fn work_on_invoices(caller: &mut Caller) {
    describe_the_organization(caller).await;
    let created: Invoice = caller
        .invoice("CreateInvoice", &build::create(invoice()))
        .await
        .ok();
    let bad = Invoice {
        note: "canary\u{7}".to_owned(),
        issue_date: "canary-date".to_owned(),
        currency_code: "canary-currency".to_owned(),
        ..invoice()
    };
    for method in ["CreateInvoice", "PreviewInvoice"] {
        let bad = CreateInvoiceRequest {
            invoice: Some(bad.clone()),
            request_id: build::request_id(),
        };
        caller
            .is_refused_invoice(method, &bad, Code::InvalidArgument)
            .await;
    }
    let get = GetInvoiceRequest {
        invoice_id: created.id.clone(),
    };
    let _: Invoice = caller.invoice("GetInvoice", &get).await.ok();
    let unknown = GetInvoiceRequest {
        invoice_id: "canary-invoice-id".to_owned(),
    };
    assert_ne!(
        caller.invoice("GetInvoice", &unknown).await.status.code(),
        Code::Ok
    );

    look_for_invoices(caller).await;

    let update = |note: &str, mask: &str| UpdateInvoiceRequest {
        invoice: Some(Invoice {
            id: created.id.clone(),
            note: note.to_owned(),
            ..Invoice::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec![mask.to_owned()],
        }),
        request_id: build::request_id(),
    };
    let _: Invoice = caller
        .invoice("UpdateInvoice", &update("canary-new-note", "note"))
        .await
        .ok();
    let bad = [update("canary\u{7}", "note"), update("x", "canary.mask")];
    for bad in bad {
        caller
            .is_refused_invoice("UpdateInvoice", &bad, Code::InvalidArgument)
            .await;
    }
    let delete = |etag: &str| DeleteInvoiceRequest {
        invoice_id: created.id.clone(),
        etag: etag.to_owned(),
    };
    assert_ne!(
        caller
            .invoice("DeleteInvoice", &delete("canary-etag"))
            .await
            .status
            .code(),
        Code::Ok
    );
    assert_eq!(
        caller.invoice("DeleteInvoice", &delete("")).await.status.code(),
        Code::Ok
    );
    // A body that is no message of any kind.
    let garbage = LoginRequest {
        email: "canary-garbage".repeat(50),
        ..LoginRequest::default()
    };
    assert_ne!(
        caller.invoice("CreateInvoice", &garbage).await.status.code(),
        Code::Ok
    );
}
