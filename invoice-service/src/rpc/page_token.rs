//! Page tokens: a place in one list, opaque to clients (AIP-158).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{InvoiceId, OrganizationId};
use crate::store::{Cursor, CursorKey};

/// Why a page token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageTokenError {
    /// Not something that this service gave out.
    #[error("must be the next_page_token of an earlier page, or blank for the first page")]
    Malformed,
    /// Given out for another list.
    #[error("belongs to another list: filter and order_by must stay the same from page to page")]
    OtherList,
}

impl PageTokenError {
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "PAGE_TOKEN_MALFORMED",
            Self::OtherList => "PAGE_TOKEN_OTHER_LIST",
        }
    }
}

/// What a list is of: organization, filter and order, as 16 bytes of a SHA-256. A token holds only with its list.
///
/// This guards against mistakes, not against forgery: whoever forges a token reads nothing but pages of the
/// organization of the access token, since every query takes that and nothing from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListIdentity([u8; 16]);

impl ListIdentity {
    /// The identity of a list; `filter_and_order` is the canonical encoding of both.
    pub(crate) fn new(organization: &OrganizationId, filter_and_order: &[u8]) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        context.update(organization.as_str().as_bytes());
        context.update(&[0]);
        context.update(filter_and_order);
        let mut identity = [0; 16];
        identity
            .iter_mut()
            .zip(context.finish().as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(identity)
    }
}

/// The longest token this service makes stays far below; bounds the work on a forged one.
const MAX_LENGTH: usize = 512;

#[derive(Serialize, Deserialize)]
struct Token {
    list: [u8; 16],
    /// Over everything else, so that a token that was cut or mistyped is noticed.
    check: [u8; 8],
    #[serde(skip_serializing_if = "Option::is_none", default)]
    integer: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    id: String,
}

fn check(list: ListIdentity, cursor: &Cursor) -> [u8; 8] {
    let key = match &cursor.key {
        CursorKey::Integer(integer) => format!("i{integer}"),
        CursorKey::Text(text) => format!("t{text}"),
    };
    let content = format!("{}\0{key}", cursor.id);
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        &[&list.0, content.as_bytes()].concat(),
    );
    let mut check = [0; 8];
    check
        .iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    check
}

/// The token for the page after `cursor`.
pub(crate) fn encode(cursor: &Cursor, list: ListIdentity) -> String {
    let (integer, text) = match &cursor.key {
        CursorKey::Integer(integer) => (Some(*integer), None),
        CursorKey::Text(text) => (None, Some(text.clone())),
    };
    let token = Token {
        check: check(list, cursor),
        list: list.0,
        integer,
        text,
        id: cursor.id.as_str().to_owned(),
    };
    // A token of numbers and texts always serializes.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

/// The place that a token names, or `None` for the blank token of the first page.
///
/// # Errors
/// [`PageTokenError`], one variant per cause.
pub(crate) fn decode(token: &str, list: ListIdentity) -> Result<Option<Cursor>, PageTokenError> {
    if token.is_empty() {
        return Ok(None);
    }
    if token.len() > MAX_LENGTH {
        return Err(PageTokenError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| PageTokenError::Malformed)?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| PageTokenError::Malformed)?;
    if token.list != list.0 {
        return Err(PageTokenError::OtherList);
    }
    let id = InvoiceId::parse(&token.id).map_err(|_| PageTokenError::Malformed)?;
    let key = match (token.integer, token.text) {
        (Some(integer), None) => CursorKey::Integer(integer),
        (None, Some(text)) => CursorKey::Text(text),
        (Some(_), Some(_)) | (None, None) => return Err(PageTokenError::Malformed),
    };
    let cursor = Cursor { key, id };
    if token.check != check(list, &cursor) {
        return Err(PageTokenError::Malformed);
    }
    Ok(Some(cursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(organization: &str, filter: &[u8]) -> ListIdentity {
        ListIdentity::new(&OrganizationId::parse(organization).unwrap(), filter)
    }

    fn cursor(key: CursorKey) -> Cursor {
        Cursor {
            key,
            id: InvoiceId::generate(),
        }
    }

    #[test]
    fn a_token_comes_back_as_the_place_it_was_made_of() {
        for key in [
            CursorKey::Integer(-5),
            CursorKey::Text("2026-01-31".into()),
            CursorKey::Text(String::new()),
        ] {
            let place = cursor(key);
            let token = encode(&place, list("org_a", b"f"));
            assert!(token.len() < MAX_LENGTH);
            assert_eq!(decode(&token, list("org_a", b"f")), Ok(Some(place)));
        }
        assert_eq!(decode("", list("org_a", b"f")), Ok(None));
    }

    #[test]
    fn a_token_of_another_organization_or_filter_is_refused() {
        let token = encode(&cursor(CursorKey::Integer(1)), list("org_a", b"f"));
        assert_eq!(
            decode(&token, list("org_b", b"f")),
            Err(PageTokenError::OtherList)
        );
        assert_eq!(
            decode(&token, list("org_a", b"g")),
            Err(PageTokenError::OtherList)
        );
    }

    #[test]
    fn a_token_altered_in_any_character_is_refused() {
        let list = || list("org_a", b"f");
        let token = encode(&cursor(CursorKey::Text("2026-01-31".into())), list());
        for position in 0..token.len() {
            for replacement in ["A", "x", "9", "_"] {
                let mut altered = token.clone();
                altered.replace_range(position..=position, replacement);
                assert!(
                    altered == token || decode(&altered, list()).is_err(),
                    "{replacement} at {position}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let long = "A".repeat(MAX_LENGTH + 1);
        for token in ["x", "{}", "e30", "....", "{\"$gt\":\"\"}", &long] {
            assert_eq!(
                decode(token, list("org_a", b"f")),
                Err(PageTokenError::Malformed),
                "{token:?}"
            );
        }
    }
}
