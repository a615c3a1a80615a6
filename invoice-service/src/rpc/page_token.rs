//! Page tokens of lists of invoices.

use paging::{ListIdentity, PageTokenError};
use serde::{Deserialize, Serialize};

use crate::domain::ids::InvoiceId;
use crate::store::{Cursor, CursorKey};

/// A [`Cursor`] as a token carries it: an id, and one of the two kinds of keys.
#[derive(Serialize, Deserialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    integer: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    id: String,
}

/// The token for the page after `cursor`.
pub(crate) fn encode(cursor: &Cursor, list: ListIdentity) -> String {
    encode_place(&cursor.key, cursor.id.as_str(), list)
}

/// The token for the page after the place of `id` with this key.
pub(crate) fn encode_place(key: &CursorKey, id: &str, list: ListIdentity) -> String {
    let (integer, text) = match key {
        CursorKey::Integer(integer) => (Some(*integer), None),
        CursorKey::Text(text) => (None, Some(text.clone())),
    };
    let id = id.to_owned();
    paging::encode(&Place { integer, text, id }, list)
}

/// The place that a token names, or `None` for the blank token of the first page.
///
/// # Errors
/// [`PageTokenError`], one variant per cause.
pub(crate) fn decode(token: &str, list: ListIdentity) -> Result<Option<Cursor>, PageTokenError> {
    let Some((key, id)) = decode_place(token, list)? else {
        return Ok(None);
    };
    let id = InvoiceId::parse(&id).map_err(|_| PageTokenError::Malformed)?;
    Ok(Some(Cursor { key, id }))
}

/// The key and the id that a token names, or `None` for the blank token of the first page.
///
/// # Errors
/// [`PageTokenError`], one variant per cause.
pub(crate) fn decode_place(
    token: &str,
    list: ListIdentity,
) -> Result<Option<(CursorKey, String)>, PageTokenError> {
    let Some(place) = paging::decode::<Place>(token, list)? else {
        return Ok(None);
    };
    let key = match (place.integer, place.text) {
        (Some(integer), None) => CursorKey::Integer(integer),
        (None, Some(text)) => CursorKey::Text(text),
        (Some(_), Some(_)) | (None, None) => return Err(PageTokenError::Malformed),
    };
    Ok(Some((key, place.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> ListIdentity {
        ListIdentity::new("org_a", b"f")
    }

    #[test]
    fn a_token_comes_back_as_the_place_it_was_made_of() {
        for key in [
            CursorKey::Integer(-5),
            CursorKey::Text("2026-01-31".into()),
            CursorKey::Text(String::new()),
        ] {
            let id = InvoiceId::generate();
            let place = Cursor { key, id };
            assert_eq!(decode(&encode(&place, list()), list()), Ok(Some(place)));
        }
        assert_eq!(decode("", list()), Ok(None));
    }

    #[test]
    fn a_place_with_another_id_or_without_one_key_is_malformed() {
        let id = InvoiceId::generate().as_str().to_owned();
        let place = |integer, text: Option<&str>, id: &str| {
            let (text, id) = (text.map(str::to_owned), id.to_owned());
            Place { integer, text, id }
        };
        for place in [
            place(Some(1), None, "inv_1"),
            place(None, None, &id),
            place(Some(1), Some("1"), &id),
        ] {
            let token = paging::encode(&place, list());
            assert_eq!(decode(&token, list()), Err(PageTokenError::Malformed));
        }
    }
}
