//! What is asked: a JSON text per rpc, encoded once, with fresh values in every call.
//!
//! Words in the JSON stand for values: `$REQUEST_ID` and `$NEW_EMAIL` are new in every call, `$INVOICE_ID` is one existing
//! invoice after the other, `$REFRESH_TOKEN` the newest one of the caller's own session; `$EMAIL`, `$PASSWORD` and
//! `$ACCESS_TOKEN` are those of one user who has registered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use uuid::Uuid;

use crate::template::Template;

/// 2.5 × 80.00 EUR at 19 %, as the tests create it.
macro_rules! invoice {
    () => {
        r#"{
            "currencyCode": "EUR", "issueDate": "2026-03-01", "dueDate": "2026-03-31",
            "seller": { "name": "Example Ltd", "address": { "countryCode": "GB" } },
            "buyer": { "name": "Muster GmbH", "address": { "countryCode": "DE" } },
            "lines": [{
                "description": "Design", "quantity": "2.5", "unitPrice": "80",
                "taxCategory": "TAX_CATEGORY_STANDARD", "taxRate": "19"
            }]
        }"#
    };
}

/// The request of each usual rpc.
const BUILT_IN: [(&str, &str); 12] = [
    (
        "Register",
        r#"{ "email": "$NEW_EMAIL", "password": "$PASSWORD", "displayName": "Ann Example", "clientLabel": "bench" }"#,
    ),
    (
        "Login",
        r#"{ "email": "$EMAIL", "password": "$PASSWORD", "clientLabel": "bench" }"#,
    ),
    ("RefreshToken", r#"{ "refreshToken": "$REFRESH_TOKEN" }"#),
    ("GetMe", "{}"),
    ("ValidateToken", r#"{ "accessToken": "$ACCESS_TOKEN" }"#),
    ("GetJwks", "{}"),
    (
        "CreateInvoice",
        concat!(r#"{ "requestId": "$REQUEST_ID", "invoice": "#, invoice!(), "}"),
    ),
    ("PreviewInvoice", concat!(r#"{ "invoice": "#, invoice!(), "}")),
    ("GetInvoice", r#"{ "invoiceId": "$INVOICE_ID" }"#),
    ("ListInvoices", r#"{ "pageSize": 50 }"#),
    (
        "UpdateInvoice",
        r#"{
            "invoice": { "id": "$INVOICE_ID", "note": "Changed by $REQUEST_ID" },
            "updateMask": "note", "requestId": "$REQUEST_ID"
        }"#,
    ),
    ("DeleteInvoice", r#"{ "invoiceId": "$INVOICE_ID" }"#),
];

/// The names of all rpcs that have a request here.
pub(crate) fn usual() -> impl Iterator<Item = &'static str> {
    BUILT_IN.into_iter().map(|(name, _)| name)
}

/// The JSON request for the rpc of this name.
///
/// # Errors
/// A sentence, when none is built in.
pub(crate) fn built_in(name: &str) -> Result<&'static str, String> {
    let found = BUILT_IN.into_iter().find(|(built_in, _)| *built_in == name);
    let (_, json) =
        found.ok_or_else(|| format!("no request for {name} is built in: give one with --request"))?;
    Ok(json)
}

/// A value that differs from call to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    RequestId,
    NewEmail,
    InvoiceId,
    RefreshToken,
}

/// The user that calls are made for.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

/// Requests of one rpc.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    template: Template<Slot>,
    invoices: Arc<Vec<String>>,
    next_invoice: Arc<AtomicUsize>,
    /// No invoice twice: each is gone after its call.
    each_once: bool,
}

impl Requests {
    /// Requests of the type `input` as `json` says, about `invoices`.
    ///
    /// # Errors
    /// A sentence: the JSON is no such message, or there is no invoice to ask for.
    pub(crate) fn new(
        input: MessageDescriptor,
        json: &str,
        user: &User,
        invoices: Vec<String>,
        each_once: bool,
    ) -> Result<Self, String> {
        if json.contains("$INVOICE_ID") && invoices.is_empty() {
            return Err("there is no invoice to ask for: raise --invoices".to_owned());
        }
        let invoice = invoices.first().map_or("", String::as_str);
        let (request_id, email) = (new_request_id(), new_email());
        let samples = [
            ("$REQUEST_ID", request_id.as_str(), Some(Slot::RequestId)),
            ("$NEW_EMAIL", &email, Some(Slot::NewEmail)),
            ("$INVOICE_ID", invoice, Some(Slot::InvoiceId)),
            ("$REFRESH_TOKEN", &user.refresh_token, Some(Slot::RefreshToken)),
            ("$EMAIL", &user.email, None),
            ("$PASSWORD", &user.password, None),
            ("$ACCESS_TOKEN", &user.access_token, None),
        ];
        let filled = samples.iter().fold(json.to_owned(), |json, (word, sample, _)| {
            json.replace(word, sample)
        });
        let slots = samples
            .into_iter()
            .filter(|(word, _, _)| json.contains(word))
            .filter_map(|(_, sample, slot)| slot.map(|slot| (slot, sample)));
        let template = slots.fold(
            Template::new(encode(input, &filled)?),
            |template, (slot, sample)| template.with(slot, sample.as_bytes()),
        );
        Ok(Self {
            template,
            invoices: Arc::new(invoices),
            next_invoice: Arc::default(),
            each_once,
        })
    }

    /// Whether each caller needs a session of its own.
    pub(crate) fn steps_a_session(&self) -> bool {
        self.template.has(Slot::RefreshToken)
    }

    /// Whether they come to an end.
    pub(crate) fn is_bounded(&self) -> bool {
        self.each_once
    }

    /// The next request, for a caller whose session has this refresh token; `None` when every invoice was asked for that
    /// can be asked for once only.
    pub(crate) fn next(&self, refresh_token: &str) -> Option<Bytes> {
        let template = &self.template;
        let mut bytes = template.copy();
        if template.has(Slot::RequestId) {
            template.put(&mut bytes, Slot::RequestId, new_request_id().as_bytes());
        }
        if template.has(Slot::NewEmail) {
            template.put(&mut bytes, Slot::NewEmail, new_email().as_bytes());
        }
        if template.has(Slot::InvoiceId) {
            let turn = self.next_invoice.fetch_add(1, Ordering::Relaxed);
            let turn = if self.each_once {
                turn
            } else {
                turn % self.invoices.len()
            };
            template.put(&mut bytes, Slot::InvoiceId, self.invoices.get(turn)?.as_bytes());
        }
        template.put(&mut bytes, Slot::RefreshToken, refresh_token.as_bytes());
        Some(bytes.into())
    }
}

fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

fn new_email() -> String {
    format!("{}@example.com", Uuid::new_v4().simple())
}

/// The message in protobuf.
fn encode(input: MessageDescriptor, json: &str) -> Result<Vec<u8>, String> {
    let name = input.full_name().to_owned();
    let mut reader = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(input, &mut reader).and_then(|message| {
        reader.end()?;
        Ok(message)
    });
    let message = message.map_err(|error| format!("the request is no {name} in JSON: {error}"))?;
    Ok(message.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use proto::auth::v1::RefreshTokenRequest;
    use proto::invoice::v1::{GetInvoiceRequest, PreviewInvoiceRequest, UpdateInvoiceRequest};

    use super::*;
    use crate::rpc::Rpc;

    fn user() -> User {
        User {
            email: "ann@example.com".to_owned(),
            password: "tulip harbour violin".to_owned(),
            access_token: "a.b.c".to_owned(),
            refresh_token: "r1".to_owned(),
        }
    }

    fn requests(name: &str, json: &str, each_once: bool) -> Result<Requests, String> {
        let invoices = ["inv_1", "inv_2"].map(str::to_owned).to_vec();
        let input = Rpc::named(name).unwrap().input();
        Requests::new(input, json, &user(), invoices, each_once)
    }

    fn usual_requests(name: &str) -> Requests {
        requests(name, built_in(name).unwrap(), name == "DeleteInvoice").unwrap()
    }

    fn decoded<M: prost_reflect::prost::Message + Default>(requests: &Requests) -> M {
        M::decode(requests.next("r2").unwrap()).unwrap()
    }

    #[test]
    fn every_usual_rpc_is_one_of_the_contract_and_its_request_fits() {
        for name in usual() {
            let rpc = Rpc::named(name).unwrap();
            let request = usual_requests(name).next("r2").unwrap();
            let message = DynamicMessage::decode(rpc.input(), request).unwrap();
            assert_eq!(message.unknown_fields().count(), 0, "{name}");
            assert!(!message.to_string().contains('$'), "{name}: {message}");
        }
        assert!(built_in("Logout").unwrap_err().contains("--request"));
    }

    #[test]
    fn the_built_in_invoice_is_the_one_that_tests_create() {
        let preview: PreviewInvoiceRequest = decoded(&usual_requests("PreviewInvoice"));
        assert_eq!(preview.invoice, Some(harness::build::invoice()));
    }

    #[test]
    fn a_request_id_is_new_in_every_call_and_the_same_wherever_it_stands() {
        let requests = usual_requests("UpdateInvoice");
        let [first, second]: [UpdateInvoiceRequest; 2] = [decoded(&requests), decoded(&requests)];
        assert_ne!(first.request_id, second.request_id);
        for request in [first, second] {
            assert!(Uuid::parse_str(&request.request_id).is_ok());
            let note = request.invoice.unwrap().note;
            assert_eq!(note, format!("Changed by {}", request.request_id));
        }
    }

    #[test]
    fn existing_invoices_take_turns() {
        let requests = usual_requests("GetInvoice");
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(decoded::<GetInvoiceRequest>(&requests.clone()).invoice_id);
        }
        assert_eq!(asked, ["inv_1", "inv_2", "inv_1"]);
    }

    #[test]
    fn what_can_be_done_once_to_an_invoice_is_asked_for_once() {
        let requests = usual_requests("DeleteInvoice");
        let served = (0..5).filter(|_| requests.next("r2").is_some()).count();
        assert_eq!((served, requests.is_bounded()), (2, true));
    }

    #[test]
    fn a_session_goes_on_with_the_callers_newest_refresh_token() {
        let requests = usual_requests("RefreshToken");
        assert!(requests.steps_a_session() && !usual_requests("GetMe").steps_a_session());
        let request: RefreshTokenRequest = decoded(&requests);
        assert_eq!(request.refresh_token, "r2");
    }

    #[test]
    fn a_wrong_request_is_refused_with_a_sentence() {
        for json in ["{", r#"{ "invoice": 1 }"#, r#"{ "invoiceId": "x" } x"#] {
            let refused = requests("GetInvoice", json, false).unwrap_err();
            assert!(
                refused.contains("invoiceapp.invoice.v1.GetInvoiceRequest"),
                "{refused}"
            );
        }
    }
}
