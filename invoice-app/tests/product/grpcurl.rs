//! The product in the hands of an engineer with grpcurl, who has nothing but an address.

use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use harness::{RunningProduct, build};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::binary::Home;

const AUTH: &str = "invoiceapp.auth.v1.AuthService";
const TOKENS: &str = "invoiceapp.auth.v1.TokenService";
const INVOICES: &str = "invoiceapp.invoice.v1.InvoiceService";

/// What grpcurl printed and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) succeeded: bool,
    pub(crate) out: String,
    err: String,
}

impl Printed {
    fn of(output: Output) -> Self {
        Self {
            succeeded: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a call that succeeded answered.
    pub(crate) fn answer(&self) -> Value {
        assert!(self.succeeded, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that the call failed and that an engineer can read each of `texts` in why.
    pub(crate) fn fails_with(&self, texts: &[&str]) {
        assert!(!self.succeeded, "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "no {text:?} in {}", self.err);
        }
    }
}

/// Calls `method` of the server at `address` with grpcurl's `flags`.
async fn call(address: SocketAddr, flags: &[&str], method: &str) -> Printed {
    let address = address.to_string();
    grpcurl(&[&["-plaintext"], flags, &[&address, method]].concat()).await
}

pub(crate) async fn grpcurl(arguments: &[&str]) -> Printed {
    let output = Command::new(harness::grpcurl()).args(arguments).output().await;
    Printed::of(output.unwrap())
}

async fn list(address: SocketAddr) -> Vec<String> {
    let printed = call(address, &[], "list").await;
    assert!(printed.succeeded, "{printed:?}");
    printed.out.lines().map(str::to_owned).collect()
}

/// Somebody new: the request and, as grpcurl prints it, the answer.
async fn registered(address: SocketAddr) -> (Value, Value) {
    let new = build::registration();
    let request = json!({"email": new.email, "password": new.password, "display_name": new.display_name});
    let printed = call(
        address,
        &["-d", &request.to_string()],
        &format!("{AUTH}/Register"),
    )
    .await;
    let answer = printed.answer();
    (request, answer)
}

fn bearer(answer: &Value) -> String {
    let token = answer["tokens"]["accessToken"].as_str().unwrap();
    format!("authorization: Bearer {token}")
}

fn invoice() -> Value {
    let line = json!({
        "description": "Design", "quantity": "2.5", "unit_price": "80",
        "tax_category": "TAX_CATEGORY_STANDARD", "tax_rate": "19",
    });
    json!({"invoice": {"currency_code": "EUR", "lines": [line]}})
}

#[tokio::test]
async fn each_port_lists_what_it_serves() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    let health = "grpc.health.v1.Health";
    for (address, services) in [
        (addresses.gateway, [health, AUTH, TOKENS, INVOICES].as_slice()),
        (addresses.auth, &[health, AUTH, TOKENS]),
        (addresses.invoice, &[health, INVOICES]),
    ] {
        let listed = list(address).await;
        for service in services {
            assert!(
                listed.iter().any(|name| name == service),
                "no {service} in {listed:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_described_carries_the_comments_of_the_contract() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    for (address, symbol, comment) in [
        (
            addresses.gateway,
            INVOICES,
            "// Stores a new draft. Whatever is not malformed may be blank, except the currency.",
        ),
        (
            addresses.invoice,
            INVOICES,
            "// Errors: NOT_FOUND (INVOICE_NOT_FOUND).",
        ),
        (
            addresses.gateway,
            "invoiceapp.invoice.v1.Invoice",
            "// Required. ISO 4217 code of the currency",
        ),
        (
            addresses.gateway,
            AUTH,
            "// Creates a user and the user's organization, and signs in.",
        ),
        (
            addresses.auth,
            AUTH,
            "// Creates a user and the user's organization, and signs in.",
        ),
        (
            addresses.auth,
            "invoiceapp.auth.v1.RegisterRequest",
            "// Required. E-mail address, at most 254 bytes",
        ),
    ] {
        let printed = grpcurl(&["-plaintext", &address.to_string(), "describe", symbol]).await;
        assert!(printed.succeeded, "{printed:?}");
        assert!(printed.out.contains(comment), "no {comment:?} in {}", printed.out);
    }
}

/// Register, Login, CreateInvoice and GetInvoice, at one address or at each service's own.
async fn keeps_an_invoice(auth: SocketAddr, invoice_service: SocketAddr) {
    let (request, registered) = registered(auth).await;
    assert_eq!(registered["user"]["email"], request["email"]);
    let sign_in = json!({"email": request["email"], "password": request["password"]}).to_string();
    let signed_in = call(auth, &["-d", &sign_in], &format!("{AUTH}/Login"))
        .await
        .answer();
    assert_eq!(signed_in["user"], registered["user"]);
    assert_eq!(signed_in["organization"], registered["organization"]);
    assert_ne!(
        signed_in["tokens"]["sessionId"],
        registered["tokens"]["sessionId"]
    );

    let authorization = bearer(&signed_in);
    let create = invoice().to_string();
    let flags = ["-H", &authorization, "-d", &create];
    let created = call(invoice_service, &flags, &format!("{INVOICES}/CreateInvoice"))
        .await
        .answer();
    assert_eq!(created["totals"]["netMinor"], "20000");
    assert_eq!(created["totals"]["taxMinor"], "3800");
    assert_eq!(created["totals"]["grossMinor"], "23800");
    assert_eq!(created["state"], "STATE_DRAFT");

    let get = json!({"invoice_id": created["id"]}).to_string();
    let flags = ["-H", &authorization, "-d", &get];
    let read = call(invoice_service, &flags, &format!("{INVOICES}/GetInvoice"))
        .await
        .answer();
    assert_eq!(read, created);
}

#[tokio::test]
async fn an_invoice_is_kept_through_the_gateway_and_at_the_services_themselves() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    keeps_an_invoice(addresses.gateway, addresses.gateway).await;
    keeps_an_invoice(addresses.auth, addresses.invoice).await;
}

#[tokio::test]
async fn an_error_names_its_reason_and_every_field_that_is_wrong() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    let (_, ann) = registered(addresses.gateway).await;
    let mut wrong = invoice();
    wrong["invoice"]["currency_code"] = json!("EURO");
    wrong["invoice"]["lines"][0]["quantity"] = json!("2,5");
    let (authorization, wrong) = (bearer(&ann), wrong.to_string());
    for address in [addresses.gateway, addresses.invoice] {
        let flags = ["-H", &authorization, "-d", &wrong];
        let refused = call(address, &flags, &format!("{INVOICES}/CreateInvoice")).await;
        refused.fails_with(&[
            "Code: InvalidArgument",
            "google.rpc.ErrorInfo",
            "\"domain\":\"invoiceapp\"",
            "\"reason\":\"FIELDS_INVALID\"",
            "google.rpc.BadRequest",
            "\"field\":\"invoice.currency_code\"",
            "\"field\":\"invoice.lines[0].quantity\"",
        ]);
    }
    for address in [addresses.gateway, addresses.auth] {
        let refused = call(
            address,
            &["-d", r#"{"password": "short"}"#],
            &format!("{AUTH}/Register"),
        )
        .await;
        refused.fails_with(&[
            "Code: InvalidArgument",
            "\"reason\":\"FIELDS_INVALID\"",
            "\"field\":\"email\"",
            "\"field\":\"password\"",
            "\"field\":\"display_name\"",
        ]);
    }
}

#[tokio::test]
async fn a_call_without_a_token_or_with_a_broken_one_is_refused_readably() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    for (address, method) in [
        (addresses.gateway, format!("{INVOICES}/ListInvoices")),
        (addresses.invoice, format!("{INVOICES}/ListInvoices")),
        (addresses.gateway, format!("{AUTH}/GetMe")),
        (addresses.auth, format!("{AUTH}/GetMe")),
    ] {
        let without = call(address, &[], &method).await;
        without.fails_with(&["Code: Unauthenticated", "\"reason\":\"TOKEN_MISSING\""]);
        let broken = call(address, &["-H", "authorization: Bearer e30.e30.e30"], &method).await;
        broken.fails_with(&["Code: Unauthenticated", "\"reason\":\"TOKEN_INVALID\""]);
    }
}

/// Asks for the health of `service` until it is `SERVING`: the gateway asks its upstreams from time to time.
async fn serves(address: SocketAddr, service: &str) {
    let request = json!({ "service": service }).to_string();
    let mut status = Value::Null;
    for _ in 0..50 {
        let printed = call(address, &["-d", &request], "grpc.health.v1.Health/Check").await;
        status = printed.answer()["status"].clone();
        if status == "SERVING" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{service:?} at {address} is {status}");
}

#[tokio::test]
async fn each_port_says_that_it_and_its_services_serve() {
    let product = RunningProduct::start().await;
    let addresses = product.addresses();
    for (address, services) in [
        (addresses.gateway, ["", AUTH, TOKENS, INVOICES].as_slice()),
        (addresses.auth, &["", AUTH, TOKENS]),
        (addresses.invoice, &["", INVOICES]),
    ] {
        for service in services {
            serves(address, service).await;
        }
        let unknown = call(
            address,
            &["-d", r#"{"service": "nobody.knows.v1.This"}"#],
            "grpc.health.v1.Health/Check",
        )
        .await;
        unknown.fails_with(&["Code: NotFound"]);
    }
}

/// PATH with the folder of grpcurl before everything else.
fn path_with_grpcurl() -> OsString {
    let grpcurl = harness::grpcurl();
    let folder = grpcurl.parent().map(Path::to_owned);
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths(folder.into_iter().chain(env::split_paths(&rest))).unwrap()
}

/// The commands of the banner, exactly as a newcomer copies them.
fn printed_commands(banner: &str) -> &str {
    let (_, rest) = banner.split_once("Try it, in another terminal:\n").unwrap();
    rest.split_once("\nCtrl-C ends it.").unwrap().0
}

#[tokio::test]
async fn the_commands_that_the_product_prints_make_a_user_a_token_and_an_invoice() {
    let home = Home::new();
    let running = home.start().await;
    let script = format!(
        "{}\nprintf '\"%s\"' \"$TOKEN\"\n",
        printed_commands(&running.printed)
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("PATH", path_with_grpcurl())
        .output()
        .await;
    let printed = Printed::of(output.unwrap());
    assert!(printed.succeeded && printed.err.is_empty(), "{printed:?}");
    let documents = serde_json::Deserializer::from_str(&printed.out).into_iter::<Value>();
    let documents: Vec<Value> = documents.map(Result::unwrap).collect();
    let [registered, created, token] = documents.as_slice() else {
        panic!("not a user, an invoice and a token: {documents:?}");
    };
    assert_eq!(registered["user"]["email"], "ann@example.com");
    assert!(
        registered["user"]["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("usr_"))
    );
    assert_eq!(token.as_str().unwrap().split('.').count(), 3, "{token}");
    assert_eq!(created["totals"]["grossMinor"], "23800");
    assert!(created["id"].as_str().is_some_and(|id| id.starts_with("inv_")));
}
