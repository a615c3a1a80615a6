//! What a newer release has added to a stored invoice. While releases run side by side this one changes such invoices
//! too, and what it does not know stays in them.
//!
//! A part of an invoice keeps its unknown members as long as it is the same part: it has the same id, else the same
//! name, else, where it has neither, the same content. So a line keeps them while it is edited, and they go with it; a
//! buyer who is replaced by another takes them along; figures that are computed anew lose them. What must change along
//! with something known must not be added in this way: it takes a higher [`SCHEMA`](super::SCHEMA).

use std::fmt;

use mongo_engine::bson::{
    Bson, Document, RawDocumentBuf, deserialize_from_slice, serialize_to_document,
    serialize_to_raw_document_buf,
};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::InvoiceDocument;
use crate::store::{StoreError, StoredInvoice, broken};

/// The document that a record was read from. It may hold more than this release reads.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    document: Option<Encoded>,
    history_entries: Option<usize>,
}

#[derive(Clone)]
enum Encoded {
    Bson(RawDocumentBuf),
    Json(Vec<u8>),
}

impl Origin {
    pub(in crate::store) fn bson(document: RawDocumentBuf) -> Self {
        Self {
            document: Some(Encoded::Bson(document)),
            history_entries: None,
        }
    }

    pub(in crate::store) fn json(document: Vec<u8>) -> Self {
        Self {
            document: Some(Encoded::Json(document)),
            history_entries: None,
        }
    }

    /// With so many entries of its history beside the document.
    pub(in crate::store) fn with_history_entries(self, history_entries: usize) -> Self {
        Self {
            history_entries: Some(history_entries),
            ..self
        }
    }

    /// How many entries of its history there are, where they were read. Entries never change: those of the invoice after
    /// these are new.
    pub(in crate::store) fn history_entries(&self) -> Option<usize> {
        self.history_entries
    }

    /// The whole document and what this release knows of it, which is a `D`; `None` when that is all.
    fn compared<D: Serialize + DeserializeOwned>(&self) -> Result<Option<(Document, Document)>, StoreError> {
        let (whole, known) = match &self.document {
            None => return Ok(None),
            Some(Encoded::Bson(bytes)) => {
                let known: D = deserialize_from_slice(bytes.as_bytes()).map_err(broken)?;
                let again = serialize_to_raw_document_buf(&known).map_err(broken)?;
                if again == *bytes {
                    return Ok(None);
                }
                (Document::try_from(bytes).map_err(broken)?, known)
            }
            Some(Encoded::Json(bytes)) => {
                let known: D = serde_json::from_slice(bytes).map_err(broken)?;
                if serde_json::to_vec(&known).map_err(broken)? == *bytes {
                    return Ok(None);
                }
                let whole: serde_json::Value = serde_json::from_slice(bytes).map_err(broken)?;
                (serialize_to_document(&whole).map_err(broken)?, known)
            }
        };
        Ok(Some((whole, serialize_to_document(&known).map_err(broken)?)))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin(…)")
    }
}

/// The document of an invoice in BSON.
pub(in crate::store) fn to_bson(stored: &StoredInvoice) -> Result<RawDocumentBuf, StoreError> {
    bson_of(&InvoiceDocument::from(stored), &stored.origin)
}

/// The document of an invoice in JSON.
pub(in crate::store) fn to_json(stored: &StoredInvoice) -> Result<Vec<u8>, StoreError> {
    json_of(&InvoiceDocument::from(stored), &stored.origin)
}

/// A document that takes the place of `origin`, in BSON.
pub(in crate::store) fn bson_of<D: Serialize + DeserializeOwned>(
    document: &D,
    origin: &Origin,
) -> Result<RawDocumentBuf, StoreError> {
    match with_unknown(document, origin)? {
        Some(document) => RawDocumentBuf::try_from(&document).map_err(broken),
        None => serialize_to_raw_document_buf(document).map_err(broken),
    }
}

/// A document that takes the place of `origin`, in JSON.
pub(in crate::store) fn json_of<D: Serialize + DeserializeOwned>(
    document: &D,
    origin: &Origin,
) -> Result<Vec<u8>, StoreError> {
    match with_unknown(document, origin)? {
        Some(document) => serde_json::to_vec(&document).map_err(broken),
        None => serde_json::to_vec(document).map_err(broken),
    }
}

/// The document with what its origin holds that this release does not know; `None` when there is nothing.
fn with_unknown<D: Serialize + DeserializeOwned>(
    document: &D,
    origin: &Origin,
) -> Result<Option<Document>, StoreError> {
    let Some((whole, known)) = origin.compared::<D>()? else {
        return Ok(None);
    };
    let mut next = serialize_to_document(document).map_err(broken)?;
    carry(&whole, &known, &mut next);
    Ok(Some(next))
}

/// Adds to `next` what `whole` has and `known`, which was read from it, has not.
fn carry(whole: &Document, known: &Document, next: &mut Document) {
    if !is_same(known, next) {
        return;
    }
    for (name, value) in whole {
        match (known.get(name), next.get_mut(name)) {
            (None, None) => {
                next.insert(name, value.clone());
            }
            (Some(known), Some(next)) => carry_within(value, known, next),
            (Some(_), None) | (None, Some(_)) => {}
        }
    }
}

fn carry_within(whole: &Bson, known: &Bson, next: &mut Bson) {
    match (whole, known, next) {
        (Bson::Document(whole), Bson::Document(known), Bson::Document(next)) => carry(whole, known, next),
        (Bson::Array(whole), Bson::Array(known), Bson::Array(next)) => {
            let mut parts: Vec<_> = whole.iter().zip(known).filter_map(documents).collect();
            for next in next.iter_mut().filter_map(Bson::as_document_mut) {
                // Each of several equal parts has its own.
                if let Some(place) = parts.iter().position(|(_, known)| is_same(known, next)) {
                    let (whole, known) = parts.remove(place);
                    carry(whole, known, next);
                }
            }
        }
        _ => {}
    }
}

fn documents<'a>((whole, known): (&'a Bson, &'a Bson)) -> Option<(&'a Document, &'a Document)> {
    whole.as_document().zip(known.as_document())
}

/// Whether two versions of a part are versions of the same one.
fn is_same(one: &Document, other: &Document) -> bool {
    let identity = ["id", "name"]
        .into_iter()
        .find(|member| one.contains_key(member) || other.contains_key(member));
    match identity {
        Some(member) => one.get(member) == other.get(member),
        None => one == other,
    }
}

#[cfg(test)]
mod tests {
    use mongo_engine::bson::doc;

    use super::*;

    fn carried(whole: &Document, known: &Document, mut next: Document) -> Document {
        carry(whole, known, &mut next);
        next
    }

    #[test]
    fn a_part_with_an_id_keeps_what_is_unknown_of_it_wherever_it_moves() {
        let known = doc! { "id": "1", "lines": [{ "id": "a", "net": 1 }, { "id": "b", "net": 2 }] };
        let whole = doc! {
            "id": "1", "new": [1], "lines": [{ "id": "a", "net": 1, "new": 2 }, { "id": "b", "net": 2, "new": 3 }]
        };
        let next = doc! { "id": "1", "lines": [{ "id": "b", "net": 9 }, { "id": "c", "net": 2 }] };
        let expected = doc! {
            "id": "1", "lines": [{ "id": "b", "net": 9, "new": 3 }, { "id": "c", "net": 2 }], "new": [1]
        };
        assert_eq!(carried(&whole, &known, next), expected);
    }

    #[test]
    fn a_party_takes_what_is_unknown_of_it_along_when_another_takes_its_place() {
        let known = doc! { "id": "1", "buyer": { "name": "Ann", "city": "Rome" } };
        let whole = doc! { "id": "1", "buyer": { "name": "Ann", "city": "Rome", "iban": "x" } };
        let moved = doc! { "id": "1", "buyer": { "name": "Ann", "city": "Oslo" } };
        let expected = doc! { "id": "1", "buyer": { "name": "Ann", "city": "Oslo", "iban": "x" } };
        assert_eq!(carried(&whole, &known, moved), expected);
        for other in [
            doc! { "id": "1", "buyer": { "name": "Bob", "city": "Rome" } },
            doc! { "id": "1", "buyer": { "city": "Rome" } },
            doc! { "id": "1" },
        ] {
            assert_eq!(carried(&whole, &known, other.clone()), other);
        }
    }

    #[test]
    fn a_part_without_id_or_name_keeps_what_is_unknown_of_it_while_its_content_stays() {
        let part = |rate: &str, new: Option<i32>| {
            let mut part = doc! { "rate": rate };
            part.extend(new.map(|new| ("new".to_owned(), new.into())));
            part
        };
        let taxes = |parts: Vec<Document>| doc! { "id": "1", "taxes": parts };
        let known = taxes(vec![part("7", None), part("7", None), part("19", None)]);
        let whole = taxes(vec![part("7", Some(1)), part("7", Some(2)), part("19", Some(3))]);
        let next = taxes(vec![part("7", None), part("20", None), part("7", None)]);
        let expected = taxes(vec![part("7", Some(1)), part("20", None), part("7", Some(2))]);
        assert_eq!(carried(&whole, &known, next), expected);
    }

    #[test]
    fn a_known_member_that_was_taken_out_stays_out() {
        let whole = doc! { "id": "1", "note": "old", "metadata": { "a": "1" } };
        let next = doc! { "id": "1", "metadata": { "b": "2" } };
        assert_eq!(carried(&whole, &whole, next.clone()), next);
    }
}
