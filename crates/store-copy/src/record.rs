use std::fmt;

use mongo_engine::bson::{Bson, Document, RawDocument, RawDocumentBuf};

use crate::contents::{Collection, RecordError};

/// The key of a record. Keys have the order in which both databases keep them: by the bytes of their parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) Vec<String>);

impl Key {
    /// The key in a document.
    pub(crate) fn of(collection: &Collection, document: &RawDocument) -> Result<Self, RecordError> {
        let part = |field: &&str| document.get_str(field).map(str::to_owned);
        let parts: Result<_, _> = collection.key.iter().map(part).collect();
        parts.map(Self).map_err(RecordError::invalid)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// A record on its way: its document is canonical, so equal records have equal bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: Key,
    pub(crate) document: RawDocumentBuf,
}

impl Record {
    pub(crate) fn new(collection: &Collection, document: RawDocumentBuf) -> Result<Self, RecordError> {
        Ok(Self {
            key: Key::of(collection, &document)?,
            document,
        })
    }

    /// The record that MongoDB holds as `stored`.
    pub(crate) fn of_stored(collection: &Collection, stored: &RawDocument) -> Result<Self, RecordError> {
        let canonical = (collection.canonical)(stored)?;
        if canonical.as_bytes() != stored.as_bytes() {
            let original = Document::try_from(stored).map_err(RecordError::invalid)?;
            let kept = Document::try_from(&*canonical).map_err(RecordError::invalid)?;
            if let Some(member) = lost_member(&original, &kept) {
                return Err(RecordError::UnknownMember(member));
            }
        }
        Self::new(collection, canonical)
    }
}

/// The first member of `original` whose value `kept` does not have: what would be lost if `kept` took its place. A blank
/// member may be left out, order does not matter, nor does the width of a number.
pub fn lost_member(original: &Document, kept: &Document) -> Option<String> {
    original.iter().find_map(|(name, value)| match kept.get(name) {
        Some(kept) => lost_in(value, kept).map(|inner| match inner {
            Lost::Itself => name.clone(),
            Lost::Member(member) => format!("{name}.{member}"),
        }),
        None => (!is_blank(value)).then(|| name.clone()),
    })
}

enum Lost {
    Itself,
    Member(String),
}

fn lost_in(original: &Bson, kept: &Bson) -> Option<Lost> {
    match (original, kept) {
        (Bson::Document(original), Bson::Document(kept)) => lost_member(original, kept).map(Lost::Member),
        (Bson::Array(original), Bson::Array(kept)) if original.len() == kept.len() => original
            .iter()
            .zip(kept)
            .find_map(|(original, kept)| lost_in(original, kept)),
        (original, kept) => {
            let kept = original == kept || is_same_integer(original, kept);
            (!kept).then_some(Lost::Itself)
        }
    }
}

fn is_blank(value: &Bson) -> bool {
    *value == Bson::Null
        || value.as_str().is_some_and(str::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_document().is_some_and(Document::is_empty)
}

fn is_same_integer(one: &Bson, other: &Bson) -> bool {
    let integer = |value: &Bson| value.as_i64().or_else(|| value.as_i32().map(i64::from));
    integer(one).is_some_and(|number| integer(other) == Some(number))
}

/// Bytes as people compare them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use mongo_engine::bson::doc;

    use super::*;

    #[test]
    fn keys_have_the_order_of_the_bytes_of_their_parts() {
        let key = |parts: &[&str]| Key(parts.iter().map(|part| (*part).to_owned()).collect());
        let ordered = [
            key(&["A", "b"]),
            key(&["AB", "a"]),
            key(&["a", "A"]),
            key(&["a", "a"]),
        ];
        assert!(ordered.is_sorted());
    }

    #[test]
    fn what_would_be_lost_is_named_by_its_path() {
        let stored = doc! { "a": 1, "b": { "c": [{ "d": "x" }, { "d": "y", "e": "" }] }, "f": "" };
        let same = doc! { "b": { "c": [{ "d": "x" }, { "d": "y" }] }, "a": 1_i64, "new": true };
        assert_eq!(lost_member(&stored, &same), None);
        for (kept, lost) in [
            (doc! { "b": { "c": [{ "d": "x" }, { "d": "y" }] } }, "a"),
            (doc! { "a": 2, "b": { "c": [{ "d": "x" }, { "d": "y" }] } }, "a"),
            (doc! { "a": 1, "b": { "c": [{ "d": "x" }, {}] } }, "b.c.d"),
            (doc! { "a": 1, "b": { "c": [{ "d": "x" }] } }, "b.c"),
        ] {
            assert_eq!(lost_member(&stored, &kept).as_deref(), Some(lost));
        }
    }
}
