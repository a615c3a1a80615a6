use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rpc_error::IntoViolation;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a page token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageTokenError {
    /// Not something that was given out as a page token.
    #[error("must be the next_page_token of an earlier page, or blank for the first page")]
    Malformed,
    /// Given out for another list.
    #[error("belongs to another list: everything but page_size must stay the same from page to page")]
    OtherList,
}

impl IntoViolation for PageTokenError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "PAGE_TOKEN_MALFORMED",
            Self::OtherList => "PAGE_TOKEN_OTHER_LIST",
        }
    }
}

/// What a list is of: its owner, its filter and its order, as 16 bytes of a SHA-256. A token holds only with its list.
///
/// This guards against mistakes, not against forgery: whoever forges a token must read nothing but pages of what the
/// access token permits, so a query takes its owner from that and never from a page token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListIdentity([u8; IDENTITY_BYTES]);

const IDENTITY_BYTES: usize = 16;
/// Over everything else, so that a token that was cut or mistyped is noticed.
const CHECK_BYTES: usize = 8;
/// The longest token that is given out stays far below; bounds the work on a forged one.
const MAX_LENGTH: usize = 1024;

impl ListIdentity {
    /// The identity of the list that `content` names (a canonical encoding of filter and order) and that is `owner`'s.
    pub fn new(owner: &str, content: &[u8]) -> Self {
        // No id holds a zero byte.
        Self(digest(&[owner.as_bytes(), &[0], content]))
    }
}

/// The first bytes of the SHA-256 of all parts together.
fn digest<const BYTES: usize>(parts: &[&[u8]]) -> [u8; BYTES] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut first = [0; BYTES];
    first
        .iter_mut()
        .zip(context.finish().as_ref())
        .for_each(|(to, from)| *to = *from);
    first
}

/// The token for the page after `place`, which is what the list is ordered by.
pub fn encode<P: Serialize>(place: &P, list: ListIdentity) -> String {
    // A place of numbers and texts always serializes.
    let place = serde_json::to_vec(place).unwrap_or_default();
    let check: [u8; CHECK_BYTES] = digest(&[&list.0, &place]);
    URL_SAFE_NO_PAD.encode([&list.0[..], &check, &place].concat())
}

/// The place that a token names, or `None` for the blank token of the first page.
///
/// # Errors
/// [`PageTokenError`], one variant per cause.
pub fn decode<P: DeserializeOwned>(token: &str, list: ListIdentity) -> Result<Option<P>, PageTokenError> {
    if token.is_empty() {
        return Ok(None);
    }
    if token.len() > MAX_LENGTH {
        return Err(PageTokenError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| PageTokenError::Malformed)?;
    let (identity, rest) = bytes
        .split_first_chunk::<IDENTITY_BYTES>()
        .ok_or(PageTokenError::Malformed)?;
    let (check, place) = rest
        .split_first_chunk::<CHECK_BYTES>()
        .ok_or(PageTokenError::Malformed)?;
    if *check != digest(&[identity, place]) {
        return Err(PageTokenError::Malformed);
    }
    if *identity != list.0 {
        return Err(PageTokenError::OtherList);
    }
    let place = serde_json::from_slice(place).map_err(|_| PageTokenError::Malformed)?;
    Ok(Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(owner: &str, content: &[u8]) -> ListIdentity {
        ListIdentity::new(owner, content)
    }

    fn place() -> (i64, String) {
        (-5, "inv_01hzzzzzzzzzzzzzzzzzzzzzzz".to_owned())
    }

    fn read(token: &str, list: ListIdentity) -> Result<Option<(i64, String)>, PageTokenError> {
        decode(token, list)
    }

    #[test]
    fn a_token_comes_back_as_the_place_it_was_made_of() {
        let token = encode(&place(), list("org_a", b"f"));
        assert!(token.len() < MAX_LENGTH / 4);
        assert_eq!(read(&token, list("org_a", b"f")), Ok(Some(place())));
        assert_eq!(read("", list("org_a", b"f")), Ok(None));
    }

    #[test]
    fn a_token_of_another_owner_or_list_is_refused() {
        let token = encode(&place(), list("org_a", b"f"));
        for other in [list("org_b", b"f"), list("org_a", b"g"), list("org_", b"af")] {
            assert_eq!(read(&token, other), Err(PageTokenError::OtherList));
        }
    }

    #[test]
    fn a_token_altered_in_any_character_is_refused() {
        let list = || list("org_a", b"f");
        let token = encode(&place(), list());
        for position in 0..token.len() {
            for replacement in ["A", "x", "9", "_"] {
                let mut altered = token.clone();
                altered.replace_range(position..=position, replacement);
                assert!(
                    altered == token || read(&altered, list()).is_err(),
                    "{replacement} at {position}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let long = "A".repeat(MAX_LENGTH + 1);
        let identity_alone = URL_SAFE_NO_PAD.encode(list("org_a", b"f").0);
        let other_kind = encode(&"a place of another kind", list("org_a", b"f"));
        for token in [
            "x",
            "{}",
            "e30",
            "....",
            "{\"$gt\":\"\"}",
            &long,
            &identity_alone,
            &other_kind,
        ] {
            assert_eq!(
                read(token, list("org_a", b"f")),
                Err(PageTokenError::Malformed),
                "{token:?}"
            );
        }
    }
}
