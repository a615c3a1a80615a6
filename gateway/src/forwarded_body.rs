use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use grpc_server::{Deadline, ReservedBytes, UnsentBytes};
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use rpc_error::RpcError;
use telemetry::{UpstreamCall, chain};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tonic::{Code, Status};

use crate::forward::unavailable;
use crate::headers::{self, GRPC_STATUS};
use crate::upstream::{OpenCall, STREAM_WINDOW_BYTES};

/// Frames that are read from an upstream before the client takes them, each of at most 16 KiB.
const FRAMES_AHEAD: usize = 4;
/// 256 KiB: what is here of a response whose client takes none of it.
const HELD_UP_BYTES: usize = FRAMES_AHEAD * 16 * 1024 + STREAM_WINDOW_BYTES as usize;

type Received = Result<Frame<Bytes>, Broken>;

/// Why there is no next frame.
enum Broken {
    /// The upstream's connection failed.
    Off(hyper::Error),
    /// Too many responses wait for their clients already.
    Refused(RpcError),
}

/// How long a response may take, and with how many others it may wait for its client.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Then it is let go.
    pub(crate) deadline: Option<Deadline>,
    /// Where it is counted while its client takes nothing.
    pub(crate) unsent: Option<UnsentBytes>,
}

/// An upstream's response body on its way to the client: frames as they come, trailers by the allow-list, and
/// always an end with a status, also when the upstream's connection breaks in the middle.
///
/// The upstream's body is read by a task of its own, because the server polls this one only while the client
/// takes data: a client that does not read would keep the call open at the upstream beyond its deadline.
pub(crate) struct ForwardedBody {
    /// `None` when the end has been passed on.
    frames: Option<mpsc::Receiver<Received>>,
    deadline: Option<Deadline>,
    upstream: &'static str,
    measured: UpstreamCall,
}

impl ForwardedBody {
    /// The body `from` of the call `open`, within `limits`. `measured` ends with it.
    pub(crate) fn new(
        from: Incoming,
        open: OpenCall,
        Limits { deadline, unsent }: Limits,
        upstream: &'static str,
        measured: UpstreamCall,
    ) -> Self {
        let (to, frames) = mpsc::channel(FRAMES_AHEAD);
        tokio::spawn(async move {
            let pumped = pump(from, open, to, unsent);
            match deadline {
                // Past the deadline the pump is dropped: the upstream's stream is reset.
                Some(deadline) => {
                    let _in_time = tokio::time::timeout_at(deadline.instant(), pumped).await;
                }
                None => pumped.await,
            }
        });
        Self {
            frames: Some(frames),
            deadline,
            upstream,
            measured,
        }
    }

    /// The end of a response whose frames ended without a status.
    fn cut(&mut self) -> Frame<Bytes> {
        if self
            .deadline
            .is_some_and(|deadline| deadline.remaining().is_zero())
        {
            self.end_with(RpcError::deadline_exceeded())
        } else {
            self.broken("no trailers")
        }
    }

    fn end(&mut self, trailers: &HeaderMap) -> Frame<Bytes> {
        self.frames = None;
        self.measured.end(status_in(trailers));
        Frame::trailers(headers::to_client(trailers))
    }

    fn broken(&mut self, cause: &str) -> Frame<Bytes> {
        tracing::warn!(upstream = self.upstream, cause, "upstream response broke off");
        self.end_with(unavailable())
    }

    fn end_with(&mut self, error: RpcError) -> Frame<Bytes> {
        let mut trailers = HeaderMap::new();
        // Fails only for metadata that is no header; this status has none.
        let _added = Status::from(error).add_header(&mut trailers);
        self.end(&trailers)
    }
}

impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(frames) = self.frames.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = match ready!(frames.poll_recv(cx)) {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) if trailers.contains_key(GRPC_STATUS) => self.end(&trailers),
                Ok(_) => self.broken("trailers without a status"),
                Err(data) => data,
            },
            Some(Err(Broken::Off(error))) => self.broken(&chain(&error)),
            Some(Err(Broken::Refused(error))) => self.end_with(error),
            None => self.cut(),
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_none()
    }
}

/// The status in the headers or trailers that end a response.
pub(crate) fn status_in(end: &HeaderMap) -> Code {
    end.get(GRPC_STATUS)
        .map_or(Code::Unknown, |status| Code::from_bytes(status.as_bytes()))
}

/// Reads `from` as fast as `to` is read, to its end or until the client is gone. The call counts as open until
/// then.
async fn pump(mut from: Incoming, open: OpenCall, to: mpsc::Sender<Received>, unsent: Option<UnsentBytes>) {
    loop {
        let room = match room(&to, unsent.as_ref()).await {
            Ok(Some(room)) => room,
            Ok(None) => return,
            Err(refused) => {
                // The upstream need not wait for the client to learn of it.
                drop((from, open));
                let _gone = to.send(Err(Broken::Refused(refused))).await;
                return;
            }
        };
        let received = tokio::select! {
            received = from.frame() => received,
            () = to.closed() => return,
        };
        let Some(received) = received else {
            return;
        };
        let goes_on = received.as_ref().is_ok_and(Frame::is_data);
        room.send(received.map_err(Broken::Off));
        if !goes_on {
            return;
        }
    }
}

/// Room for one more frame, or `None` when the client is gone. While there is none, all that may be here of the response
/// counts as unsent.
async fn room<'a>(
    to: &'a mpsc::Sender<Received>,
    unsent: Option<&UnsentBytes>,
) -> Result<Option<mpsc::Permit<'a, Received>>, RpcError> {
    match to.try_reserve() {
        Ok(room) => return Ok(Some(room)),
        Err(TrySendError::Closed(())) => return Ok(None),
        Err(TrySendError::Full(())) => {}
    }
    let _held: Option<ReservedBytes> = unsent.map(|unsent| unsent.reserve(HELD_UP_BYTES)).transpose()?;
    Ok(to.reserve().await.ok())
}
