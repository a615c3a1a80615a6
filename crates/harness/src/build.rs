//! Messages that are valid as they are; a test changes what it is about.

use proto::auth::v1::RegisterRequest;
use proto::invoice::v1::{CreateInvoiceRequest, Invoice, Line, Party, TaxCategory};
use proto::r#type::v1::Address;
use uuid::Uuid;

use crate::person::fresh_email;

/// A password that the policy accepts.
pub const PASSWORD: &str = "tulip harbour violin";

/// Somebody new.
pub fn registration() -> RegisterRequest {
    RegisterRequest {
        email: fresh_email(),
        password: PASSWORD.to_owned(),
        display_name: "Ann Example".to_owned(),
        organization_name: "Example Ltd".to_owned(),
        client_label: "harness".to_owned(),
    }
}

/// A request id that nobody has used.
pub fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// Asks for `invoice` to be created, with a request id of its own.
pub fn create(invoice: Invoice) -> CreateInvoiceRequest {
    CreateInvoiceRequest {
        invoice: Some(invoice),
        request_id: request_id(),
    }
}

/// 2.5 × 80.00 EUR at 19 %: net 200.00, tax 38.00, gross 238.00.
pub fn invoice() -> Invoice {
    Invoice {
        currency_code: "EUR".to_owned(),
        issue_date: "2026-03-01".to_owned(),
        due_date: "2026-03-31".to_owned(),
        seller: Some(party("Example Ltd", "GB")),
        buyer: Some(party("Muster GmbH", "DE")),
        lines: vec![line("2.5", "80", "19")],
        ..Invoice::default()
    }
}

/// A line at the standard rate.
pub fn line(quantity: &str, unit_price: &str, tax_rate: &str) -> Line {
    Line {
        description: "Design".to_owned(),
        quantity: quantity.to_owned(),
        unit_price: unit_price.to_owned(),
        tax_category: TaxCategory::Standard.into(),
        tax_rate: tax_rate.to_owned(),
        ..Line::default()
    }
}

/// A party with name and country.
pub fn party(name: &str, country_code: &str) -> Party {
    let address = Address {
        country_code: country_code.to_owned(),
        ..Address::default()
    };
    Party {
        name: name.to_owned(),
        address: Some(address),
        ..Party::default()
    }
}
