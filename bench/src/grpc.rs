//! A gRPC client that costs as little as possible: it shares the machine with what is measured. Messages stay bytes.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rpc_error::Details;
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// Compression flag and length before every message.
const PREFIX: usize = 5;
/// In the flags of a gRPC-Web frame.
const TRAILERS: u8 = 0x80;
/// Enough for a page of invoices without waiting for the client to make room.
const WINDOW: u32 = 1024 * 1024;

/// Why there is no answer, under the name that it is counted by.
const NO_ANSWER: &str = "no answer";

/// As what calls are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// gRPC: the status is in trailers.
    Grpc,
    /// gRPC-Web, binary: the status is the last frame of the body.
    GrpcWeb,
}

/// One HTTP/2 connection in plaintext. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    format: Format,
    send: http2::SendRequest<Full<Bytes>>,
    authority: Authority,
}

/// An rpc at a server: where, and who calls.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

/// A call that was not answered as hoped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The name of the status code, or `no answer`.
    pub(crate) code: &'static str,
    /// The delay of its RetryInfo.
    pub(crate) retry_delay: Option<Duration>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens, or it is not HTTP/2.
    pub(crate) async fn open(address: SocketAddr, format: Format) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (send, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(16 * WINDOW)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        let authority = Authority::from_str(&address.to_string()).map_err(io::Error::other)?;
        Ok(Self {
            format,
            send,
            authority,
        })
    }

    /// The rpc of this path here, called with an access token or without.
    ///
    /// # Errors
    /// The path or the token holds what no header may.
    pub(crate) fn target(&self, path: &str, access_token: Option<&str>) -> Result<Target, http::Error> {
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_str(path)?)
            .build()?;
        let bearer = |token| HeaderValue::try_from(format!("Bearer {token}"));
        Ok(Target {
            uri,
            authorization: access_token.map(bearer).transpose()?,
        })
    }

    /// Sends one message and waits for the whole answer: the encoded messages that came, each with its prefix.
    ///
    /// # Errors
    /// The name of the status code, or `no answer`.
    pub(crate) async fn call(&mut self, target: &Target, message: &[u8]) -> Result<Bytes, &'static str> {
        let answer = self.call_or_refusal(target, message).await;
        answer.map_err(|refusal| refusal.code)
    }

    /// As [`Connection::call`], and what a refusal says of trying again.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(crate) async fn call_or_refusal(
        &mut self,
        target: &Target,
        message: &[u8],
    ) -> Result<Bytes, Refusal> {
        let answer = async {
            self.send.ready().await?;
            let request = request(self.format, target, message);
            let (head, body) = self.send.send_request(request).await?.into_parts();
            let body = body.collect().await?;
            let trailers = body.trailers().cloned();
            let body = body.to_bytes();
            let trailers = match self.format {
                Format::Grpc => trailers,
                Format::GrpcWeb => trailers_in(&body),
            };
            // A refusal may have no body at all: then it is in the headers.
            let status = Status::from_header_map(trailers.as_ref().unwrap_or(&head.headers));
            Ok::<_, hyper::Error>((status, body))
        };
        match answer.await {
            Ok((Some(status), body)) if status.code() == Code::Ok => Ok(body),
            Ok((Some(status), _)) => Err(Refusal {
                code: telemetry::code_name(status.code()),
                retry_delay: Details::of(&status).retry_delay(),
            }),
            Ok((None, _)) | Err(_) => Err(Refusal {
                code: NO_ANSWER,
                retry_delay: None,
            }),
        }
    }
}

fn request(format: Format, target: &Target, message: &[u8]) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(framed(message)));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = target.uri.clone();
    let headers: &mut HeaderMap = request.headers_mut();
    match format {
        Format::Grpc => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        Format::GrpcWeb => {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/grpc-web+proto"),
            );
            headers.insert("x-grpc-web", HeaderValue::from_static("1"));
        }
    }
    if let Some(authorization) = &target.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    request
}

fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    // A request is never near 4 GiB.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// The frame of a gRPC-Web body that is marked as trailers; `None` when there is none.
fn trailers_in(mut body: &[u8]) -> Option<HeaderMap> {
    while let Some((prefix, rest)) = body.split_first_chunk::<PREFIX>() {
        let [flags, length @ ..] = *prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (frame, after) = rest.split_at_checked(length)?;
        if flags & TRAILERS != 0 {
            let lines = std::str::from_utf8(frame).ok()?.lines();
            let fields = lines.filter_map(|line| line.split_once(':'));
            let fields = fields.map(|(name, value)| Some((name.parse().ok()?, value.trim().parse().ok()?)));
            return fields
                .collect::<Option<Vec<(HeaderName, HeaderValue)>>>()
                .map(HeaderMap::from_iter);
        }
        body = after;
    }
    None
}

/// The one message of a unary answer, without its prefix.
pub(crate) fn message(answer: &Bytes) -> Bytes {
    answer.slice(PREFIX.min(answer.len())..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_out_behind_its_length_and_comes_back_without() {
        let sent = framed(b"abc");
        assert_eq!(sent.as_ref(), b"\0\0\0\0\x03abc");
        assert_eq!(message(&sent).as_ref(), b"abc");
        assert!(message(&Bytes::new()).is_empty());
    }

    #[test]
    fn the_status_of_grpc_web_is_in_the_last_frame() {
        let body = b"\0\0\0\0\x03abc\x80\0\0\0\x23grpc-status: 5\r\ngrpc-message:gone\r\n";
        let trailers = trailers_in(body).unwrap();
        assert_eq!(
            (&trailers["grpc-status"], &trailers["grpc-message"]),
            (&"5".parse().unwrap(), &"gone".parse().unwrap())
        );
        for none in [&b""[..], b"\0\0\0\0\x03abc", b"\x80\0\0\0\xffgrpc-status:0"] {
            assert_eq!(trailers_in(none), None);
        }
    }
}
