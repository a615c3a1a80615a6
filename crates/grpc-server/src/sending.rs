//! Responses on their way to the peer: how long they may take, and when they are through.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};

/// 16 KiB: the smallest data frame that is watched on its way. It is the size of the frames that a response is forwarded
/// in, and less is not worth a wait for the socket.
pub(crate) const LARGE: usize = 16 * 1024;

tokio::task_local! {
    static CURRENT: Arc<CutOff>;
}

/// When the task that sends a response gives up.
#[derive(Debug, Default)]
pub(crate) struct CutOff(Mutex<Option<Instant>>);

impl CutOff {
    /// Runs `task`, which serves one HTTP/2 stream or one HTTP/1 connection, until it ends or its time is over.
    /// Dropped, it resets its stream or closes its connection: a peer that takes no bytes could hold them for ever,
    /// because Hyper asks a body for no more while the peer takes none.
    pub(crate) async fn limit<T>(task: impl Future<Output = T>) -> Option<T> {
        let cut_off = Arc::new(Self::default());
        CURRENT
            .scope(Arc::clone(&cut_off), async {
                tokio::select! {
                    // First, for it is what sets the time.
                    biased;
                    ended = task => Some(ended),
                    () = cut_off.reached() => None,
                }
            })
            .await
    }

    /// Gives the response that this task sends until `at`; `None`: as long as it takes.
    pub(crate) fn set(at: Option<Instant>) {
        // In no task of a connection there is nothing to cut.
        let _set = CURRENT.try_with(|cut_off| *cut_off.0.lock().unwrap_or_else(PoisonError::into_inner) = at);
    }

    async fn reached(&self) {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        std::future::poll_fn(|cx| {
            let Some(at) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else {
                timer = None;
                return Poll::Pending;
            };
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            timer.as_mut().poll(cx)
        })
        .await;
    }
}

/// Runs the tasks that Hyper makes of an HTTP/2 connection's streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(CutOff::limit(stream));
    }
}

/// A response body that ends when its large frames have left the process, not when the queue of the connection has
/// taken them. So its call is open, and can be cut, as long as it holds memory.
pub(crate) struct SentBody<B> {
    inner: B,
    on_the_way: Arc<OnTheWay>,
    ended: bool,
    /// Trailers that wait for the data before them.
    trailers: Option<Frame<Bytes>>,
}

impl<B> SentBody<B> {
    pub(crate) fn new(inner: B) -> Self {
        Self {
            inner,
            on_the_way: Arc::default(),
            ended: false,
            trailers: None,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for SentBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if !this.ended {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) if frame.is_data() => {
                    let frame = frame.map_data(|data| this.on_the_way.watch(data));
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Ok(trailers)) => this.trailers = Some(trailers),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {}
            }
            this.ended = true;
        }
        ready!(this.on_the_way.poll_empty(cx));
        Poll::Ready(this.trailers.take().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        let has_ended = self.ended || self.inner.is_end_stream();
        has_ended && self.trailers.is_none() && self.on_the_way.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for SentBody<B> {
    fn drop(&mut self) {
        // The next response on an HTTP/1 connection has a time of its own.
        CutOff::set(None);
    }
}

/// The large frames of one body that are somewhere between it and the socket.
#[derive(Debug, Default)]
struct OnTheWay {
    frames: AtomicUsize,
    emptied: AtomicWaker,
}

impl OnTheWay {
    fn watch(self: &Arc<Self>, data: Bytes) -> Bytes {
        if data.len() < LARGE {
            return data;
        }
        self.frames.fetch_add(1, Ordering::Relaxed);
        Bytes::from_owner(Watched {
            data,
            on_the_way: Arc::clone(self),
        })
    }

    fn is_empty(&self) -> bool {
        self.frames.load(Ordering::Acquire) == 0
    }

    fn poll_empty(&self, cx: &Context<'_>) -> Poll<()> {
        // Before the look: a frame may leave between the two.
        self.emptied.register(cx.waker());
        if self.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// A frame's data, until nobody holds any of it.
struct Watched {
    data: Bytes,
    on_the_way: Arc<OnTheWay>,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.on_the_way.frames.fetch_sub(1, Ordering::Release) == 1 {
            self.on_the_way.emptied.wake();
        }
    }
}
