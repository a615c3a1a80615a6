//! Field masks (AIP-134, AIP-161): which fields an update changes.

use prost_types::FieldMask;
use rpc_error::{FieldPath, Violations};

use proto::invoice::v1 as pb;

/// Copies one field from a message into another.
type Copy<M> = fn(&mut M, &M);

/// A field that a mask can name.
pub(super) struct Field<M: 'static> {
    pub(super) path: &'static str,
    pub(super) copy: Copy<M>,
}

/// A message whose fields a mask can name.
pub(super) trait Masked: Default + PartialEq + Sized + 'static {
    /// The name of the message in the contract.
    const NAME: &'static str;
    /// The fields that clients set, and those of nested messages.
    const FIELDS: &'static [&'static [Field<Self>]];
    /// Fields that the service sets; a mask that names one is refused, so that nobody believes to have changed it.
    const OUTPUT_ONLY: &'static [&'static str];
}

impl Masked for pb::Invoice {
    const NAME: &'static str = "Invoice";
    const FIELDS: &'static [&'static [Field<Self>]] =
        &[&FIELDS, &SELLER, &BUYER, &SELLER_ADDRESS, &BUYER_ADDRESS];
    const OUTPUT_ONLY: &'static [&'static str] = &OUTPUT_ONLY;
}

impl<M: Masked> Field<M> {
    /// Whether a field of the message in it can be named, too.
    fn has_parts(&self) -> bool {
        let mut all = M::FIELDS.iter().copied().flatten();
        all.any(|other| {
            let rest = other.path.strip_prefix(self.path);
            rest.is_some_and(|rest| rest.starts_with('.'))
        })
    }
}

macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        [$($crate::rpc::mask::Field { path: stringify!($field), copy: |to, from| to.$field = from.$field.clone() }),*]
    };
}

macro_rules! party_fields {
    ($party:ident: $($field:ident),* $(,)?) => {
        [$($crate::rpc::mask::Field {
            path: concat!(stringify!($party), ".", stringify!($field)),
            copy: |to, from| {
                let from = from.$party.as_ref().map(|party| party.$field.clone()).unwrap_or_default();
                to.$party.get_or_insert_default().$field = from;
            },
        }),*]
    };
}

macro_rules! address_fields {
    ($party:ident: $($field:ident),* $(,)?) => {
        [$($crate::rpc::mask::Field {
            path: concat!(stringify!($party), ".address.", stringify!($field)),
            copy: |to, from| {
                let from = from.$party.as_ref().and_then(|party| party.address.as_ref());
                let from = from.map(|address| address.$field.clone()).unwrap_or_default();
                to.$party.get_or_insert_default().address.get_or_insert_default().$field = from;
            },
        }),*]
    };
}

pub(super) use {address_fields, fields, party_fields};

/// The fields that clients set, by their names in the contract.
const FIELDS: [Field<pb::Invoice>; 17] = fields![
    currency_code,
    issue_date,
    due_date,
    payment_terms_days,
    supply_date,
    seller,
    buyer,
    customer_id,
    lines,
    adjustments,
    prices_include_tax,
    cash_rounding_minor,
    buyer_reference,
    purchase_order,
    note,
    metadata,
    // Compared, never changed: naming it is what AIP-134 clients do that mask everything they read.
    etag,
];
const SELLER: [Field<pb::Invoice>; 6] = party_fields![seller: name, email, phone, tax_id, legal_id, address];
const BUYER: [Field<pb::Invoice>; 6] = party_fields![buyer: name, email, phone, tax_id, legal_id, address];
const SELLER_ADDRESS: [Field<pb::Invoice>; 6] =
    address_fields![seller: line1, line2, city, postal_code, region, country_code];
const BUYER_ADDRESS: [Field<pb::Invoice>; 6] =
    address_fields![buyer: line1, line2, city, postal_code, region, country_code];

/// The fields that the service sets.
const OUTPUT_ONLY: [&str; 15] = [
    "id",
    "type",
    "state",
    "payment_state",
    "overdue",
    "number",
    "series",
    "tax_breakdown",
    "totals",
    "payments",
    "preceding_invoice_id",
    "create_time",
    "update_time",
    "issue_time",
    "credit_notes",
];

/// What a client says about an invoice, without what only the service sets: requests that differ in that alone ask for the
/// same.
pub(super) fn settable(invoice: &pb::Invoice) -> pb::Invoice {
    let mut settable = pb::Invoice::default();
    for field in &FIELDS {
        (field.copy)(&mut settable, invoice);
    }
    settable.etag.clear();
    for line in &mut settable.lines {
        line.net_minor = 0;
        line.credited_quantity.clear();
        line.credited_minor = 0;
        line.creditable_minor = 0;
    }
    settable
}

/// [`settable`], with the id and etag that an update compares.
pub(super) fn compared(invoice: &pb::Invoice) -> pb::Invoice {
    pb::Invoice {
        id: invoice.id.clone(),
        etag: invoice.etag.clone(),
        ..settable(invoice)
    }
}

/// The fields to change.
pub(super) struct Mask<M: 'static>(Vec<Copy<M>>);

impl<M: Masked> Mask<M> {
    /// Resolves the mask of an update to `update`. Without paths it names every field that `update` fills, of
    /// parties too (AIP-134); `*` names every field.
    ///
    /// Records `FIELD_MASK_UNKNOWN` and `FIELD_OUTPUT_ONLY` violations; the mask then holds the other fields.
    pub(super) fn resolve(mask: Option<&FieldMask>, update: &M, violations: &mut Violations) -> Self {
        let paths = mask.map_or(&[][..], |mask| &mask.paths);
        match paths {
            [] => Self(filled(update)),
            [all] if all == "*" => {
                let whole = M::FIELDS.iter().take(1).copied().flatten();
                Self(whole.map(|field| field.copy).collect())
            }
            named => {
                let at = FieldPath::new("update_mask").field("paths");
                let resolve =
                    |(position, path): (usize, &String)| resolve_path(path, &at.index(position), violations);
                Self(named.iter().enumerate().filter_map(resolve).collect())
            }
        }
    }

    /// Copies the masked fields.
    pub(super) fn apply(&self, to: &mut M, from: &M) {
        self.0.iter().for_each(|copy| copy(to, from));
    }
}

/// The fields that an update fills. Nested messages count field by field, so that one new value does not blank the others.
fn filled<M: Masked>(update: &M) -> Vec<Copy<M>> {
    let fields = M::FIELDS.iter().copied().flatten();
    let is_filled = |field: &&Field<M>| {
        let (mut filled, mut blank) = (M::default(), M::default());
        (field.copy)(&mut filled, update);
        (field.copy)(&mut blank, &M::default());
        filled != blank
    };
    let leaves = fields.filter(|field| !field.has_parts());
    leaves.filter(is_filled).map(|field| field.copy).collect()
}

fn resolve_path<M: Masked>(path: &str, at: &FieldPath, violations: &mut Violations) -> Option<Copy<M>> {
    let mut fields = M::FIELDS.iter().copied().flatten();
    if let Some(field) = fields.find(|field| field.path == path) {
        return Some(field.copy);
    }
    let top_level = path.split('.').next().unwrap_or_default();
    if M::OUTPUT_ONLY.contains(&top_level) {
        violations.push(
            at.clone(),
            "FIELD_OUTPUT_ONLY",
            "names a field that the service computes",
        );
    } else {
        violations.push(
            at.clone(),
            "FIELD_MASK_UNKNOWN",
            format!("names no field of {} that can be changed", M::NAME),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> FieldMask {
        FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }
    }

    fn update() -> pb::Invoice {
        let address = proto::r#type::v1::Address {
            city: "Köln".into(),
            ..Default::default()
        };
        pb::Invoice {
            note: "new".into(),
            buyer: Some(pb::Party {
                name: "B".into(),
                address: Some(address),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn old() -> pb::Invoice {
        pb::Invoice {
            note: "old".into(),
            purchase_order: "PO".into(),
            buyer: Some(pb::Party {
                name: "A".into(),
                email: "a@example.com".into(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn applied(paths: &[&str]) -> pb::Invoice {
        let mut to = old();
        let mask = Mask::<pb::Invoice>::resolve(Some(&mask(paths)), &update(), &mut Violations::new());
        mask.apply(&mut to, &update());
        to
    }

    #[test]
    fn only_masked_fields_change_nested_ones_too() {
        let to = applied(&["buyer.name", "buyer.address.city"]);
        let buyer = to.buyer.unwrap();
        assert_eq!(
            (buyer.name.as_str(), buyer.email.as_str()),
            ("B", "a@example.com")
        );
        assert_eq!(buyer.address.unwrap().city, "Köln");
        assert_eq!((to.note.as_str(), to.purchase_order.as_str()), ("old", "PO"));
    }

    #[test]
    fn without_paths_every_filled_field_changes_and_no_other() {
        let to = applied(&[]);
        assert_eq!((to.note.as_str(), to.purchase_order.as_str()), ("new", "PO"));
        let buyer = to.buyer.unwrap();
        assert_eq!(
            (buyer.name.as_str(), buyer.email.as_str()),
            ("B", "a@example.com")
        );
        assert_eq!(buyer.address.unwrap().city, "Köln");
    }

    #[test]
    fn what_only_the_service_sets_is_no_part_of_what_a_client_says() {
        let mut read = update();
        read.set_state(pb::invoice::State::Paid);
        read.totals = Some(pb::Totals::default());
        read.etag = "v7".into();
        read.lines = vec![pb::Line {
            net_minor: 5,
            ..pb::Line::default()
        }];
        let said = pb::Invoice {
            lines: vec![pb::Line::default()],
            ..update()
        };
        assert_eq!(settable(&read), said);
        assert_eq!(
            compared(&read),
            pb::Invoice {
                etag: "v7".into(),
                ..said
            }
        );
    }

    #[test]
    fn a_star_changes_every_field() {
        assert_eq!(applied(&["*"]), update());
    }

    #[test]
    fn unknown_and_output_only_paths_are_all_refused_with_their_positions() {
        let mut violations = Violations::new();
        let paths = [
            "note",
            "nope",
            "totals.gross_minor",
            "lines[0].quantity",
            "",
            "{\"$gt\":\"\"}",
            "buyer.nope",
        ];
        let known = Mask::resolve(Some(&mask(&paths)), &update(), &mut violations);
        assert_eq!(known.0.len(), 1, "the note");
        let found: Vec<_> = violations
            .as_slice()
            .iter()
            .map(|found| (found.path.as_str(), found.reason))
            .collect();
        assert_eq!(
            found,
            [
                ("update_mask.paths[1]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[2]", "FIELD_OUTPUT_ONLY"),
                ("update_mask.paths[3]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[4]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[5]", "FIELD_MASK_UNKNOWN"),
                ("update_mask.paths[6]", "FIELD_MASK_UNKNOWN"),
            ]
        );
    }

    #[test]
    fn every_field_of_the_contract_is_either_maskable_or_output_only() {
        is_complete::<pb::Invoice>();
        is_complete::<pb::Profile>();
        is_complete::<pb::Customer>();
    }

    fn is_complete<M: Masked>() {
        let descriptors =
            <prost_types::FileDescriptorSet as prost::Message>::decode(proto::FILE_DESCRIPTOR_SET);
        let descriptors = descriptors.unwrap();
        let message = descriptors.file.iter().flat_map(|file| &file.message_type);
        let message = message
            .into_iter()
            .find(|message| message.name() == M::NAME)
            .unwrap();
        for field in &message.field {
            let name = field.name();
            let maskable = M::FIELDS[0].iter().any(|field| field.path == name);
            assert!(
                maskable != M::OUTPUT_ONLY.contains(&name),
                "{}.{name} must be in exactly one of the lists",
                M::NAME
            );
        }
    }
}
