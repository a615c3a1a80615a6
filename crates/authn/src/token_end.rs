//! Responses that end when the token they were asked for with does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rpc_error::RpcError;
use tonic::Status;

use crate::error::TokenError;
use crate::principal::Principal;
use crate::validator::Validator;

type End = Pin<Box<dyn Future<Output = TokenError> + Send>>;

pin_project! {
    /// The body of a gRPC response to a call that was admitted with a token. When the token expires or is revoked while
    /// the response goes on, it is cut, and ends with `UNAUTHENTICATED`.
    ///
    /// The first message always goes out: a call that was admitted and done in time is answered.
    pub(crate) struct WithToken<B> {
        #[pin]
        body: B,
        validator: Arc<Validator>,
        principal: Principal,
        // Made when the response is waited for, which that of a unary call never is.
        end: Option<End>,
        state: State,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeFirstMessage,
    Open,
    Cut,
}

impl<B> WithToken<B> {
    pub(crate) fn new(body: B, validator: Arc<Validator>, principal: Principal) -> Self {
        Self {
            body,
            validator,
            principal,
            end: None,
            state: State::BeforeFirstMessage,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for WithToken<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let error = match (*this.state, this.body.poll_frame(context)) {
            (State::Cut, _) => return Poll::Ready(None),
            (State::Open, Poll::Ready(Some(Ok(frame)))) if frame.is_data() => {
                match this.validator.stands(this.principal) {
                    Ok(()) => return Poll::Ready(Some(Ok(frame))),
                    Err(error) => error,
                }
            }
            (State::BeforeFirstMessage | State::Open, Poll::Ready(frame)) => {
                *this.state = State::Open;
                return Poll::Ready(frame);
            }
            (State::BeforeFirstMessage | State::Open, Poll::Pending) => {
                let end = this.end.get_or_insert_with(|| {
                    let (validator, principal) = (Arc::clone(this.validator), this.principal.clone());
                    Box::pin(async move { validator.ended(&principal).await })
                });
                ready!(end.as_mut().poll(context))
            }
        };
        *this.state = State::Cut;
        Poll::Ready(Some(Ok(Frame::trailers(trailers(error)))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Cut || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.state {
            State::BeforeFirstMessage | State::Open => SizeHint::default(),
            State::Cut => SizeHint::with_exact(0),
        }
    }
}

fn trailers(error: TokenError) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let status = Status::from(RpcError::from(error));
    if status.add_header(&mut trailers).is_err() {
        tracing::error!(%error, "the status of a cut response cannot be written");
    }
    trailers
}
