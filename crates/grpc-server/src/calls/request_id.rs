use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Accepted from the caller, sent to upstreams, echoed on success and on error.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The name of one call in logs and errors, chosen by the caller or by us. In the extensions of every request
/// that a [`CallStack`](crate::CallStack) passes on.
///
/// It is no idempotency key: that is the `request_id` *field* of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    const MAX_LENGTH: usize = 64;

    /// A new one: a time-ordered UUID, without hyphens.
    pub fn generate() -> Self {
        Self(Uuid::now_v7().simple().to_string().into())
    }

    /// `text` when it is 1 to 64 of `A-Z a-z 0-9 _ -`: it must be safe in a log line and in a header.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        valid.then(|| Self(text.into()))
    }

    /// The one an outer layer has chosen, or the caller's if there is exactly one valid header, or a new one.
    pub fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        if let Some(chosen) = extensions.get::<Self>() {
            return chosen.clone();
        }
        let mut sent = headers.get_all(REQUEST_ID_HEADER).iter();
        match (sent.next(), sent.next()) {
            (Some(only), None) => only.to_str().ok().and_then(Self::parse),
            (Some(_), Some(_)) | (None, _) => None,
        }
        .unwrap_or_else(Self::generate)
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the value of [`REQUEST_ID_HEADER`].
    pub fn to_header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use http::{Extensions, HeaderMap, HeaderValue};

    use super::{REQUEST_ID_HEADER, RequestId};

    #[test]
    fn only_short_plain_text_is_taken_from_a_caller() {
        assert!(RequestId::parse("a-Z_9").is_some());
        assert!(RequestId::parse(&"x".repeat(64)).is_some());
        for bad in ["", "a b", "a\nb", "ä", "a.b", &"x".repeat(65)] {
            assert!(RequestId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(REQUEST_ID_HEADER, HeaderValue::from_static("one"));
        let extensions = Extensions::new();
        assert_eq!(RequestId::of(&extensions, &headers).as_str(), "one");
        headers.append(REQUEST_ID_HEADER, HeaderValue::from_static("two"));
        let made = RequestId::of(&extensions, &headers);
        assert!(made.as_str() != "one" && made.as_str() != "two");
        assert!(RequestId::parse(made.as_str()).is_some());
    }
}
