//! Request ids: one id, one effect, however often a call is repeated (AIP-155).

use std::collections::VecDeque;
use std::fmt;

use thiserror::Error;
use uuid::Uuid;

/// Text that is not a request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a UUID such as \"f81d4fae-7dec-41d0-a765-00a0c91e6bf6\", or blank")]
pub(crate) struct RequestIdError;

impl RequestIdError {
    /// The stable reason of this refusal, for programs.
    pub(crate) const REASON: &'static str = "REQUEST_ID_MALFORMED";
}

/// A UUID that the client made up for one call and repeats with every repetition of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// Reads a UUID in its hyphenated form, in either case.
    ///
    /// # Errors
    /// [`RequestIdError`] for anything else, the nil UUID too: a client that sends it has not set it.
    pub(crate) fn parse(text: &str) -> Result<Self, RequestIdError> {
        let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        match Uuid::try_parse(text) {
            Ok(uuid) if hyphenated && !uuid.is_nil() => Ok(Self(uuid)),
            Ok(_) | Err(_) => Err(RequestIdError),
        }
    }

    /// The id of what nobody made an id up for: the same for the same parts, and another for others (RFC 9562, version 8).
    pub(crate) fn derived(parts: &[&[u8]]) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in parts {
            // With its length, so that no two lists of parts run into the same bytes.
            context.update(format!("{} ", part.len()).as_bytes());
            context.update(part);
        }
        let mut bytes = [0; 16];
        for (byte, digest) in bytes.iter_mut().zip(context.finish().as_ref()) {
            *byte = *digest;
        }
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for RequestId {
    /// Hyphenated, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// SHA-256 over what a call asked for. Calls with equal fingerprints ask for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `content` sent to `method`. The content must be in a canonical encoding: equal requests,
    /// equal bytes.
    pub(crate) fn of(method: &str, content: &[u8]) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        context.update(method.as_bytes());
        context.update(&[0]);
        context.update(content);
        Self::from_bytes(context.finish().as_ref()).unwrap_or(Self([0; 32]))
    }

    /// The fingerprint with these bytes, as a store holds them; `None` unless there are 32.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A request id together with what it was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppliedRequest {
    /// The client's id.
    pub(crate) id: RequestId,
    /// What it asked for.
    pub(crate) fingerprint: Fingerprint,
}

/// What an earlier use of a request id means for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// The id is new: go on.
    Unused,
    /// The same call was applied before: answer as it did, change nothing.
    Repeated,
    /// The id was used for something else: refuse.
    Reused,
}

/// The requests that changed one invoice, newest last. Bounded, since it lives inside the stored document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AppliedRequests(VecDeque<AppliedRequest>);

impl AppliedRequests {
    /// How many are remembered. A client that repeats a call after 64 later changes of the same invoice is not
    /// retrying any more.
    pub(crate) const MOST: usize = 64;

    /// Whether `request` was seen.
    pub(crate) fn earlier(&self, request: &AppliedRequest) -> Earlier {
        match self.0.iter().find(|applied| applied.id == request.id) {
            None => Earlier::Unused,
            Some(applied) if applied.fingerprint == request.fingerprint => Earlier::Repeated,
            Some(_) => Earlier::Reused,
        }
    }

    /// Remembers a request, and forgets the oldest when there are too many.
    pub(crate) fn remember(&mut self, request: AppliedRequest) {
        if self.0.len() >= Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// The requests, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &AppliedRequest> {
        self.0.iter()
    }
}

impl FromIterator<AppliedRequest> for AppliedRequests {
    fn from_iter<I: IntoIterator<Item = AppliedRequest>>(requests: I) -> Self {
        let mut applied = Self::default();
        requests.into_iter().for_each(|request| applied.remember(request));
        applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u128, content: &str) -> AppliedRequest {
        AppliedRequest {
            id: RequestId(Uuid::from_u128(number)),
            fingerprint: Fingerprint::of("UpdateInvoice", content.as_bytes()),
        }
    }

    #[test]
    fn a_request_id_is_a_hyphenated_uuid_in_either_case() {
        let id = RequestId::parse("F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6").unwrap();
        assert_eq!(id.to_string(), "f81d4fae-7dec-41d0-a765-00a0c91e6bf6");
        for text in [
            "",
            "1",
            "f81d4fae7dec41d0a76500a0c91e6bf6",
            "{f81d4fae-7dec-41d0-a765-00a0c91e6bf6}",
            "urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
            "00000000-0000-0000-0000-000000000000",
            "{\"$gt\":\"\"}",
        ] {
            assert_eq!(RequestId::parse(text), Err(RequestIdError), "{text:?}");
        }
    }

    #[test]
    fn a_derived_id_is_that_of_its_parts_and_reads_as_any_other() {
        let id = RequestId::derived(&[b"import", b"RT3080"]);
        assert_eq!(RequestId::parse(&id.to_string()), Ok(id));
        assert_eq!(RequestId::derived(&[b"import", b"RT3080"]), id);
        let others: [&[&[u8]]; 3] = [
            &[b"import", b"RT308", b"0"],
            &[b"importRT3080"],
            &[b"import", b"RT3081"],
        ];
        for other in others {
            assert_ne!(RequestId::derived(other), id);
        }
    }

    #[test]
    fn the_same_id_with_other_content_is_a_reuse() {
        let applied: AppliedRequests = [request(1, "a")].into_iter().collect();
        assert_eq!(applied.earlier(&request(1, "a")), Earlier::Repeated);
        assert_eq!(applied.earlier(&request(1, "b")), Earlier::Reused);
        assert_eq!(applied.earlier(&request(2, "a")), Earlier::Unused);
    }

    #[test]
    fn the_method_is_part_of_the_fingerprint() {
        assert_ne!(Fingerprint::of("A", b"x"), Fingerprint::of("B", b"x"));
    }

    #[test]
    fn the_oldest_of_sixty_five_requests_is_forgotten() {
        let applied: AppliedRequests = (1..=65).map(|number| request(number, "a")).collect();
        assert_eq!(applied.earlier(&request(1, "a")), Earlier::Unused);
        assert_eq!(applied.earlier(&request(2, "a")), Earlier::Repeated);
        assert_eq!(applied.iter().count(), AppliedRequests::MOST);
    }
}
