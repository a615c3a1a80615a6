use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use rpc_error::{RpcError, reason};

use super::MAX_REQUEST_BYTES;
use super::message_boundary::MessageBoundary;

/// 16 MiB: what is wrong with a request is answered after the rest of it has been read, and thrown away, up to
/// here. A client that is answered and closed upon while it sends sees a broken connection instead of the answer.
const MOST_READ: usize = 16 * 1024 * 1024;

/// A request body as far as it has arrived. Every rpc of the contract takes one message; tonic would answer the
/// first and silently drop the rest.
#[derive(Debug, Default)]
pub(super) struct OneMessage {
    boundary: MessageBoundary,
    read: usize,
    /// The bytes, while there is nothing wrong with them.
    kept: Kept,
    wrong: Option<Wrong>,
}

/// Why bytes are not a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    TooLarge,
    Several,
    /// Broken base64 of a gRPC-Web-text client, or a client that went away.
    Unreadable,
}

impl OneMessage {
    /// Reads `body` to its end, or up to where reading on is of no use. Cancel-safe: what has arrived is kept, and
    /// [`OneMessage::finish`] knows what was wrong with it.
    pub(super) async fn read<B>(&mut self, body: B)
    where
        B: Body<Data = Bytes>,
    {
        let mut body = std::pin::pin!(body);
        while self.read <= MOST_READ {
            match body.frame().await {
                None => return,
                Some(Err(_)) => {
                    self.is_wrong(Wrong::Unreadable);
                    return;
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data);
                    }
                }
            }
        }
    }

    /// Whether the request is refused already, whatever else arrives.
    pub(super) fn is_refused(&self) -> bool {
        self.wrong.is_some()
    }

    /// The bytes of a request that has arrived. Whether they are a whole message is for the codec to say.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: larger than the largest message, more than one message, or not readable.
    pub(super) fn finish(self) -> Result<Bytes, RpcError> {
        match self.wrong {
            None => Ok(self.kept.into_bytes()),
            Some(wrong) => Err(wrong.into()),
        }
    }

    fn take(&mut self, data: Bytes) {
        self.read = self.read.saturating_add(data.len());
        if self.wrong.is_some() {
            return;
        }
        let goes_on_after_one = self.boundary.messages() > 0 && !data.is_empty();
        self.boundary.pass(&data);
        let messages = self.boundary.messages();
        let has_half_of_a_second = messages > 0 && !self.boundary.is_between_messages();
        if goes_on_after_one || has_half_of_a_second || messages > 1 {
            self.is_wrong(Wrong::Several);
        } else if self.read > MAX_REQUEST_BYTES + MessageBoundary::PREFIX {
            self.is_wrong(Wrong::TooLarge);
        } else {
            self.kept.push(data);
        }
    }

    fn is_wrong(&mut self, wrong: Wrong) {
        self.wrong.get_or_insert(wrong);
        self.kept = Kept::default();
    }
}

impl From<Wrong> for RpcError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::TooLarge => Self::invalid_argument(
                reason::MESSAGE_TOO_LARGE,
                format!("a request is at most {} KiB", MAX_REQUEST_BYTES / 1024),
            ),
            Wrong::Several => {
                Self::invalid_argument(reason::MESSAGE_MALFORMED, "the request is more than one message")
            }
            Wrong::Unreadable => {
                Self::invalid_argument(reason::MESSAGE_MALFORMED, "the request's body cannot be read")
            }
        }
    }
}

/// The pieces of a body; a single one, the usual case, is not copied.
#[derive(Debug, Default)]
struct Kept {
    first: Bytes,
    all: BytesMut,
}

impl Kept {
    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = data;
            return;
        }
        let first = std::mem::take(&mut self.first);
        self.all.extend_from_slice(&first);
        self.all.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// What becomes of a body that arrives in these pieces, and how many bytes of it are read.
    async fn read(pieces: &[Bytes]) -> (Result<Bytes, &'static str>, usize) {
        let frames = pieces
            .iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data(piece.clone())));
        let mut message = OneMessage::default();
        message
            .read(StreamBody::new(futures::stream::iter(frames.collect::<Vec<_>>())))
            .await;
        let read = message.read;
        (message.finish().map_err(|error| error.reason()), read)
    }

    #[tokio::test]
    async fn one_message_passes_however_it_is_cut_and_a_second_one_never_does() {
        let of = async |pieces: &[&'static [u8]]| {
            let pieces: Vec<Bytes> = pieces.iter().copied().map(Bytes::from_static).collect();
            read(&pieces).await.0
        };
        let whole = Bytes::from_static(b"\0\0\0\0\x02ab");
        assert_eq!(of(&[b"\0\0\0\0\x02ab"]).await, Ok(whole.clone()));
        assert_eq!(of(&[b"\0\0", b"\0\0\x02", b"a", b"", b"b"]).await, Ok(whole));
        assert_eq!(of(&[b"\0\0\0\0\0"]).await, Ok(Bytes::from_static(b"\0\0\0\0\0")));
        assert_eq!(of(&[]).await, Ok(Bytes::new()));
        for several in [
            &[&b"\0\0\0\0\x01a\0\0\0\0\x01b"[..]][..],
            &[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"],
            &[b"\0\0\0\0\0", b"\0"],
            &[b"\0\0\0\0\0\0\0\0\0\0"],
        ] {
            assert_eq!(of(several).await, Err(reason::MESSAGE_MALFORMED), "{several:?}");
        }
    }

    #[tokio::test]
    async fn the_largest_message_passes_and_one_byte_more_does_not() {
        let of_length = |length: usize| {
            let mut body = vec![0; MessageBoundary::PREFIX + length];
            body[1..5].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            body.chunks(16 * 1024)
                .map(Bytes::copy_from_slice)
                .collect::<Vec<_>>()
        };
        let (whole, _) = read(&of_length(MAX_REQUEST_BYTES)).await;
        assert_eq!(whole.unwrap().len(), MAX_REQUEST_BYTES + MessageBoundary::PREFIX);
        let (refused, _) = read(&of_length(MAX_REQUEST_BYTES + 1)).await;
        assert_eq!(refused, Err(reason::MESSAGE_TOO_LARGE));
    }

    #[tokio::test]
    async fn the_rest_of_a_refused_request_is_read_up_to_a_bound() {
        let megabyte = Bytes::from(vec![0; 1024 * 1024]);
        for (count, most) in [(10, 10), (100, 17)] {
            let (refused, read) = read(&vec![megabyte.clone(); count]).await;
            assert_eq!(refused, Err(reason::MESSAGE_MALFORMED));
            assert_eq!(read, most * 1024 * 1024);
        }
    }
}
