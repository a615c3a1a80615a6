//! Streamed responses end when their token does.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use authn::{Authenticated, Validator};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use rpc_error::Details;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use crate::issuer::{METHOD, PACE, RunningIssuer, Stream, ended, guarded_by};
use crate::support::{NOW, Signer};

/// Answers each call with what the test sends.
#[derive(Clone)]
struct Streaming(Arc<Mutex<Option<mpsc::UnboundedReceiver<&'static str>>>>);

impl Service<Request<()>> for Streaming {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<()>) -> Self::Future {
        let said = UnboundedReceiverStream::new(self.0.lock().unwrap().take().unwrap());
        let frames = said.map(|text| Ok::<_, Status>(Frame::data(Bytes::from_static(text.as_bytes()))));
        ready(Ok(Response::new(Body::new(StreamBody::new(frames)))))
    }
}

/// A response that goes on, and the handler's end of it.
struct Open {
    say: mpsc::UnboundedSender<&'static str>,
    body: Body,
}

impl Open {
    async fn open(validator: &Arc<Validator>, token: &str) -> Self {
        let (say, said) = mpsc::unbounded_channel();
        let handler = Streaming(Arc::new(Mutex::new(Some(said))));
        let request = Request::builder()
            .uri(format!("http://localhost{METHOD}"))
            .header("authorization", format!("Bearer {token}"));
        let mut service = Authenticated::new(handler, Arc::clone(validator));
        let response = service.call(request.body(()).unwrap()).await.unwrap();
        assert!(Status::from_header_map(response.headers()).is_none());
        Self {
            say,
            body: response.into_body(),
        }
    }

    /// The next message, or the reason with which the response was cut.
    async fn next(&mut self) -> Result<String, String> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.body.frame());
        let frame = frame.await.unwrap().unwrap().unwrap();
        match frame.into_data() {
            Ok(data) => Ok(String::from_utf8(data.to_vec()).unwrap()),
            Err(frame) => {
                let status = Status::from_header_map(&frame.into_trailers().unwrap()).unwrap();
                assert_eq!(status.code(), tonic::Code::Unauthenticated);
                Err(Details::of(&status).reason().to_owned())
            }
        }
    }

    async fn has_ended(&mut self) {
        assert!(self.body.frame().await.is_none());
    }
}

async fn cut_by(revoke: impl Fn(&Stream, &Signer)) {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let mut waiting = Open::open(&guarded.validator, &signer.token()).await;
    let mut busy = Open::open(&guarded.validator, &signer.token()).await;
    for response in [&mut waiting, &mut busy] {
        response.say.send("one").unwrap();
        assert_eq!(response.next().await.as_deref(), Ok("one"));
    }
    revoke(&stream, &signer);
    assert_eq!(waiting.next().await, Err("TOKEN_REVOKED".to_owned()));
    waiting.has_ended().await;
    // This one has always something to say, so it is never waited for.
    busy.say.send("two").unwrap();
    assert_eq!(busy.next().await, Err("TOKEN_REVOKED".to_owned()));
    busy.has_ended().await;
}

#[tokio::test]
async fn an_open_response_ends_when_its_session_is_ended() {
    cut_by(|stream, _| stream.session(ended(3))).await;
}

#[tokio::test]
async fn an_open_response_ends_when_its_key_is_withdrawn() {
    cut_by(|stream, _| stream.keys(&[&Signer::new()])).await;
}

#[tokio::test]
async fn an_open_response_stays_when_another_session_is_ended() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let mut response = Open::open(&guarded.validator, &signer.token()).await;
    response.say.send("one").unwrap();
    assert_eq!(response.next().await.as_deref(), Ok("one"));
    stream.session(ended(4));
    guarded
        .until_it_holds(async || guarded.figure("entries") > 0.5)
        .await;
    response.say.send("two").unwrap();
    assert_eq!(response.next().await.as_deref(), Ok("two"));
    drop(response.say);
    assert!(response.body.frame().await.is_none());
}

#[tokio::test]
async fn an_open_response_ends_when_its_token_expires() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let mut response = Open::open(&guarded.validator, &signer.token()).await;
    guarded.now.store(NOW + 604, Ordering::SeqCst);
    response.say.send("one").unwrap();
    assert_eq!(response.next().await.as_deref(), Ok("one"));
    let next = response.next();
    let expire = async {
        guarded.now.store(NOW + 605, Ordering::SeqCst);
        // Anything that happens makes it look at the clock, which in this test does not run.
        stream.session(ended(9));
    };
    let (next, ()) = tokio::join!(next, expire);
    assert_eq!(next, Err("TOKEN_EXPIRED".to_owned()));
    response.has_ended().await;
}

#[tokio::test]
async fn an_open_response_ends_by_itself_at_the_real_time() {
    let signer = Signer::new();
    let now = jiff::Timestamp::now().as_second();
    // Ends in about a second: leeway is five.
    let token = signer.token_with(|claims| {
        claims["iat"] = (now - 60).into();
        claims["nbf"] = (now - 60).into();
        claims["exp"] = (now - 4).into();
    });
    let keys: authn::KeySet = [signer.verifying_key()].into_iter().collect();
    let validator = Arc::new(Validator::new(crate::support::config(), Arc::new(keys)));
    let mut response = Open::open(&validator, &token).await;
    assert_eq!(response.next().await, Err("TOKEN_EXPIRED".to_owned()));
    response.has_ended().await;
}

#[tokio::test]
async fn an_answer_that_is_done_goes_out_although_the_token_ends_meanwhile() {
    let signer = Signer::new();
    let mut issuer = RunningIssuer::start(&[&signer]).await;
    let (guarded, _stream) = guarded_by(&mut issuer, &[&signer], PACE).await;
    let mut response = Open::open(&guarded.validator, &signer.token()).await;
    response.say.send("answer").unwrap();
    guarded.now.store(NOW + 700, Ordering::SeqCst);
    assert_eq!(response.next().await.as_deref(), Ok("answer"));
}
