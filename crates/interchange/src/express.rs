//! The JSON of browser invoice apps of the Express kind.
//!
//! It has no currency, no tax, no name of the seller and no day of payment: [`ExpressOptions`] and the importer say what
//! stands in for them.

use proto::invoice::v1 as pb;
use proto::r#type::v1::Address;

use crate::countries;
use crate::json_object::Object;
use crate::record::{Figure, Note, Problem, Problems, Record, Stated, StatedAmount};

/// What the shape does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressOptions {
    /// The currency of every invoice, ISO 4217.
    pub currency_code: String,
    /// The seller's name.
    pub seller_name: String,
    /// Where an address has no country: its ISO 3166-1 code; blank: it stays blank.
    pub country_code: String,
    /// The tax category of every line.
    pub tax_category: pb::TaxCategory,
    /// The percentage of every line; blank: none.
    pub tax_rate: String,
    /// Why no tax is charged.
    pub exemption_reason: String,
    /// Whether prices include the tax.
    pub prices_include_tax: bool,
}

/// Which name of the file a field of the API comes from; the longest that fits counts.
const NAMES: &[(&str, &str)] = &[
    ("currency_code", "--currency"),
    ("issue_date", "createdAt"),
    ("due_date", "paymentDue"),
    ("payment_terms_days", "paymentTerms"),
    ("note", "description"),
    ("seller.name", "--seller-name"),
    ("seller.address.line1", "senderAddress.street"),
    ("seller.address.city", "senderAddress.city"),
    ("seller.address.postal_code", "senderAddress.postCode"),
    ("seller.address.country_code", "senderAddress.country"),
    ("buyer.name", "clientName"),
    ("buyer.email", "clientEmail"),
    ("buyer.address.line1", "clientAddress.street"),
    ("buyer.address.city", "clientAddress.city"),
    ("buyer.address.postal_code", "clientAddress.postCode"),
    ("buyer.address.country_code", "clientAddress.country"),
    ("lines", "items"),
    ("description", "name"),
    ("unit_price", "price"),
    ("tax_category", "--tax-category"),
    ("tax_rate", "--tax-rate"),
    ("exemption_reason", "--exemption-reason"),
    ("totals.gross_minor", "total"),
    ("payments", "status"),
    ("state", "status"),
];

/// The name that the file, or the command line, has for a field of the API.
pub(crate) fn name_of(path: &str) -> String {
    let name = |path: &str| {
        let known = NAMES.iter().find(|(field, _)| *field == path);
        known.map_or_else(|| path.to_owned(), |(_, name)| (*name).to_owned())
    };
    let Some((position, field)) = path.strip_prefix("lines[").and_then(|rest| rest.split_once(']')) else {
        return name(path);
    };
    let field = name(field.trim_start_matches('.'));
    match field.as_str() {
        "" => format!("items[{position}]"),
        flag if flag.starts_with("--") => field,
        _ => format!("items[{position}].{field}"),
    }
}

/// Reads an invoice of the shape that begins on `line`.
pub(crate) fn read(json: &str, line: u64, options: &ExpressOptions) -> Result<Record, Vec<Problem>> {
    let mut problems = Problems::of(line);
    let Some(mut object) = Object::read(json, "", &mut problems) else {
        return Err(problems.unless_any(()).err().unwrap_or_default());
    };
    let id = object.text("id", &mut problems);
    problems.id.clone_from(&id);
    let mut reading = Reading {
        options,
        problems,
        notes: Vec::new(),
        stated: Vec::new(),
        ignored: Vec::new(),
    };
    let invoice = reading.invoice(&mut object, &id);
    reading.ignored.extend(object.rest());
    let Reading {
        problems,
        notes,
        stated,
        ignored,
        ..
    } = reading;
    problems.unless_any(Record {
        id,
        invoice,
        stated,
        notes,
        ignored,
        places: Vec::new(),
    })
}

/// One invoice under way.
struct Reading<'a> {
    options: &'a ExpressOptions,
    problems: Problems,
    notes: Vec<Note>,
    stated: Vec<Stated>,
    ignored: Vec<String>,
}

impl Reading<'_> {
    fn invoice(&mut self, object: &mut Object<'_>, id: &str) -> pb::Invoice {
        let state = self.state(object);
        let is_draft = state == pb::invoice::State::Draft;
        let mut invoice = pb::Invoice {
            state: state.into(),
            currency_code: self.options.currency_code.clone(),
            issue_date: day(&object.text("createdAt", &mut self.problems)),
            due_date: day(&object.text("paymentDue", &mut self.problems)),
            payment_terms_days: self.terms(object),
            note: object.text("description", &mut self.problems),
            prices_include_tax: self.options.prices_include_tax,
            ..pb::Invoice::default()
        };
        if !id.is_empty() {
            invoice.metadata.insert("imported_id".to_owned(), id.to_owned());
        }
        let (sender, sender_country) = self.address(object, "senderAddress", is_draft);
        let (client, client_country) = self.address(object, "clientAddress", is_draft);
        for (key, text) in [
            ("imported_sender_country", sender_country),
            ("imported_client_country", client_country),
        ] {
            invoice.metadata.extend(text.map(|text| (key.to_owned(), text)));
        }
        invoice.seller = Some(pb::Party {
            name: self.options.seller_name.clone(),
            address: Some(sender),
            ..pb::Party::default()
        });
        invoice.buyer = Some(pb::Party {
            name: object.text("clientName", &mut self.problems),
            email: object.text("clientEmail", &mut self.problems),
            address: Some(client),
            ..pb::Party::default()
        });
        let items = object.objects("items", &mut self.problems);
        for (position, item) in items.into_iter().enumerate() {
            invoice.lines.push(self.line(item, position));
        }
        self.stated_amount(object, "total", Figure::Gross);
        invoice
    }

    fn state(&mut self, object: &mut Object<'_>) -> pb::invoice::State {
        match object.text("status", &mut self.problems).as_str() {
            "draft" => pb::invoice::State::Draft,
            "pending" => pb::invoice::State::Open,
            "paid" => pb::invoice::State::Paid,
            _ => {
                self.problems
                    .push("status", "STATUS_UNKNOWN", "must be draft, pending or paid");
                pb::invoice::State::Unspecified
            }
        }
    }

    fn terms(&mut self, object: &mut Object<'_>) -> Option<i32> {
        let days = object.decimal("paymentTerms", &mut self.problems);
        if days.is_empty() {
            return None;
        }
        let parsed = days.parse().ok();
        if parsed.is_none() {
            self.problems
                .push("paymentTerms", "TYPE", "must be a whole number of days");
        }
        parsed
    }

    /// An address, and the text of a country that is not known.
    fn address(&mut self, object: &mut Object<'_>, name: &str, is_draft: bool) -> (Address, Option<String>) {
        let mut from = object.object(name, &mut self.problems);
        let mut address = Address {
            line1: from.text("street", &mut self.problems),
            city: from.text("city", &mut self.problems),
            postal_code: from.text("postCode", &mut self.problems),
            ..Address::default()
        };
        let country = from.text("country", &mut self.problems);
        let at = from.name("country");
        self.ignored.extend(from.rest());
        if country.trim().is_empty() {
            address.country_code.clone_from(&self.options.country_code);
            return (address, None);
        }
        if let Some(code) = countries::code(&country) {
            code.clone_into(&mut address.country_code);
            return (address, None);
        }
        let text = format!("{country:?} is not the name or code of a country that is known");
        if is_draft {
            self.notes.push(Note {
                at,
                text: format!("{text}; it is kept in the metadata of the draft"),
            });
            return (address, Some(country));
        }
        self.problems.push(at, "COUNTRY_UNKNOWN", text);
        (address, None)
    }

    fn line(&mut self, mut item: Object<'_>, position: usize) -> pb::Line {
        let line = pb::Line {
            description: item.text("name", &mut self.problems),
            quantity: item.decimal("quantity", &mut self.problems),
            unit_price: item.decimal("price", &mut self.problems),
            tax_category: self.options.tax_category.into(),
            tax_rate: self.options.tax_rate.clone(),
            exemption_reason: self.options.exemption_reason.clone(),
            ..pb::Line::default()
        };
        self.stated_amount(&mut item, "total", Figure::LineAmount(position));
        self.ignored.extend(item.rest().map(|name| {
            let member = name.rsplit('.').next().unwrap_or_default();
            format!("items[].{member}")
        }));
        line
    }

    fn stated_amount(&mut self, object: &mut Object<'_>, name: &str, figure: Figure) {
        let amount = object.decimal(name, &mut self.problems);
        if !amount.is_empty() {
            self.stated.push(Stated {
                at: object.name(name),
                figure,
                amount: StatedAmount::Decimal(amount),
            });
        }
    }
}

/// A day as `YYYY-MM-DD`, from one that may have shorter months and days, or a time after it. What is no day stays as it
/// is, for the API to refuse.
fn day(text: &str) -> String {
    let date = text.split_once('T').map_or(text, |(date, _)| date);
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return text.to_owned();
    };
    let is_short = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_short(month) && is_short(day) {
        format!("{year}-{month:0>2}-{day:0>2}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ExpressOptions {
        ExpressOptions {
            currency_code: "GBP".to_owned(),
            seller_name: "Seller".to_owned(),
            country_code: String::new(),
            tax_category: pb::TaxCategory::OutsideScope,
            tax_rate: String::new(),
            exemption_reason: "none stated".to_owned(),
            prices_include_tax: false,
        }
    }

    #[test]
    fn an_invoice_becomes_one_of_ours_and_keeps_every_digit() {
        let json = r#"{"id":"RT3080","createdAt":"2021-8-18","paymentDue":"2021-08-19T00:00:00.000Z",
            "description":"Re-branding","paymentTerms":1,"clientName":"Jensen Huang","clientEmail":"j@mail.com",
            "status":"paid","senderAddress":{"street":"19 Union Terrace","city":"London","postCode":"E1 3EZ",
            "country":"United Kingdom"},"clientAddress":{"street":"106 Kendell Street","city":"Sharrington",
            "postCode":12345,"country":"uk"},"items":[{"name":"Brand Guidelines","quantity":1,
            "price":1800.9012345678,"total":1800.90,"extra":1}],"total":1.80090e3,"__v":0}"#;
        let record = read(json, 1, &options()).unwrap();
        let invoice = &record.invoice;
        assert_eq!(
            (record.id.as_str(), invoice.state()),
            ("RT3080", pb::invoice::State::Paid)
        );
        assert_eq!(
            (invoice.issue_date.as_str(), invoice.due_date.as_str()),
            ("2021-08-18", "2021-08-19")
        );
        assert_eq!(invoice.lines[0].unit_price, "1800.9012345678");
        let address = invoice.buyer.as_ref().unwrap().address.as_ref().unwrap();
        assert_eq!(
            (address.postal_code.as_str(), address.country_code.as_str()),
            ("12345", "GB")
        );
        assert_eq!(invoice.metadata["imported_id"], "RT3080");
        assert_eq!(record.ignored, ["items[].extra", "__v"]);
        let stated: Vec<_> = record
            .stated
            .iter()
            .map(|stated| (stated.at.as_str(), &stated.amount))
            .collect();
        let decimal = |text: &str| StatedAmount::Decimal(text.to_owned());
        assert_eq!(
            stated,
            [
                ("items[0].total", &decimal("1800.90")),
                ("total", &decimal("1800.90"))
            ]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let json = r#"{"id":"A1","status":"sent","paymentTerms":"soon","createdAt":[],
            "clientAddress":{"country":"Ruritania"},"items":[{"price":{}},7]}"#;
        let found = read(json, 9, &options()).unwrap_err();
        let mut found: Vec<_> = found
            .iter()
            .map(|problem| (problem.line, problem.id.as_str(), problem.at.as_str()))
            .collect();
        found.sort_unstable();
        let mut expected = vec![
            (9, "A1", "status"),
            (9, "A1", "paymentTerms"),
            (9, "A1", "createdAt"),
            (9, "A1", "clientAddress.country"),
            (9, "A1", "items[0].price"),
            (9, "A1", "items[1]"),
        ];
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_draft_keeps_the_text_of_an_unknown_country() {
        let json = r#"{"status":"draft","senderAddress":{"country":"Ruritania"}}"#;
        let record = read(json, 1, &options()).unwrap();
        assert_eq!(record.invoice.metadata["imported_sender_country"], "Ruritania");
        assert_eq!(record.notes[0].at, "senderAddress.country");
    }

    #[test]
    fn days_get_two_digits() {
        for (text, expected) in [
            ("2021-10-7", "2021-10-07"),
            ("2021-1-1T23:00:00Z", "2021-01-01"),
            ("2021-10-07", "2021-10-07"),
            ("7.10.2021", "7.10.2021"),
            ("2021-10", "2021-10"),
            ("2021-100-1", "2021-100-1"),
            ("", ""),
        ] {
            assert_eq!(day(text), expected);
        }
    }
}
