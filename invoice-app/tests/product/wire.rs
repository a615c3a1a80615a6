//! gRPC and gRPC-Web byte by byte, so that a test can send what no client would.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// Flag and length before each message.
const PREFIX: usize = 5;
/// The flag of the frame that carries a gRPC-Web response's trailers.
const TRAILERS_FLAG: u8 = 0x80;

type Frames = Result<Frame<Bytes>, Infallible>;
type RequestBody = StreamBody<UnboundedReceiver<Frames>>;

/// The sending end of a request's body; dropping it ends the request.
pub(crate) struct Writer(UnboundedSender<Frames>);

impl Writer {
    pub(crate) fn write(&self, bytes: impl Into<Bytes>) {
        // A server that has answered already reads no more.
        let _sent = self.0.unbounded_send(Ok(Frame::data(bytes.into())));
    }
}

/// A method, who calls it, and headers to spoil it with.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    pub(crate) path: &'a str,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Call<'_> {
    /// The request, and the end of its body that is still open.
    fn request(&self, address: SocketAddr, content_type: &'static str) -> (Writer, Request<RequestBody>) {
        let (writer, body) = unbounded();
        let mut request = Request::post(format!("http://{address}{}", self.path))
            .header(CONTENT_TYPE, content_type)
            .header("host", address.to_string());
        if let Some(token) = self.access_token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        (Writer(writer), request.body(StreamBody::new(body)).unwrap())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// From the trailers, or from the headers when there are none.
    pub(crate) status: Status,
    /// The response message, without its prefix.
    pub(crate) message: Vec<u8>,
}

impl Answer {
    /// The message of an answer that must be one.
    pub(crate) fn ok<M: Message + Default>(&self) -> M {
        assert_eq!(self.status.code(), Code::Ok, "{self:?}");
        M::decode(self.message.as_slice()).unwrap()
    }
}

/// An HTTP/2 connection for native gRPC.
#[derive(Clone)]
pub(crate) struct Native {
    address: SocketAddr,
    sender: http2::SendRequest<RequestBody>,
}

impl Native {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { address, sender }
    }

    /// Sends the head of a call; the answer comes when the caller has written enough.
    pub(crate) async fn begin(
        &self,
        call: &Call<'_>,
    ) -> (Writer, impl Future<Output = Answer> + Send + 'static) {
        let (writer, mut request) = call.request(self.address, "application/grpc");
        request.headers_mut().remove("host");
        request
            .headers_mut()
            .insert(TE, HeaderValue::from_static("trailers"));
        let mut sender = self.sender.clone();
        sender.ready().await.unwrap();
        let response = sender.send_request(request);
        (
            writer,
            async move { native_answer(response.await.unwrap()).await },
        )
    }

    /// A whole call.
    pub(crate) async fn send(&self, call: &Call<'_>, body: Vec<u8>) -> Answer {
        let (writer, answer) = self.begin(call).await;
        writer.write(body);
        drop(writer);
        answer.await
    }
}

async fn native_answer(response: Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    assert_eq!(head.status, StatusCode::OK);
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let message = body.to_bytes();
    Answer {
        status: status(&trailers, &head.headers),
        message: message.get(PREFIX..).unwrap_or_default().to_vec(),
    }
}

/// A gRPC-Web call over an HTTP/1.1 connection of its own, as a browser without TLS sends it.
pub(crate) async fn send_web(address: SocketAddr, call: &Call<'_>, body: Vec<u8>) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (writer, mut request) = call.request(address, "application/grpc-web+proto");
    request
        .headers_mut()
        .insert("x-grpc-web", HeaderValue::from_static("1"));
    writer.write(body);
    drop(writer);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    assert_eq!(head.status, StatusCode::OK);
    let mut rest = body.collect().await.unwrap().to_bytes();
    let mut message = Vec::new();
    let mut trailers = HeaderMap::new();
    while let Some((flag, frame)) = next_frame(&mut rest) {
        if flag == TRAILERS_FLAG {
            trailers = trailers_of(&frame);
        } else {
            message.extend_from_slice(&frame);
        }
    }
    Answer {
        status: status(&trailers, &head.headers),
        message,
    }
}

fn next_frame(rest: &mut Bytes) -> Option<(u8, Bytes)> {
    let prefix: [u8; PREFIX] = rest.get(..PREFIX)?.try_into().unwrap();
    let [flag, length @ ..] = prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
    drop(rest.split_to(PREFIX));
    Some((flag, rest.split_to(length)))
}

pub(crate) fn trailers_of(frame: &Bytes) -> HeaderMap {
    let lines = str::from_utf8(frame).unwrap().lines();
    let trailers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.parse::<HeaderName>().unwrap(), value.trim().parse().unwrap())
    });
    trailers.collect()
}

fn status(trailers: &HeaderMap, headers: &HeaderMap) -> Status {
    Status::from_header_map(trailers)
        .or_else(|| Status::from_header_map(headers))
        .unwrap_or_else(|| panic!("no status in {headers:?} and {trailers:?}"))
}

/// `message` with flag and length before it.
pub(crate) fn framed(message: &impl Message) -> Vec<u8> {
    frame(0, &message.encode_to_vec())
}

/// `content` with its length and a flag of one's own choice before it.
pub(crate) fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
    declared(flag, content.len(), content)
}

/// `content` after a prefix that says something else of its length.
pub(crate) fn declared(flag: u8, length: usize, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[flag], length.as_slice(), content].concat()
}
