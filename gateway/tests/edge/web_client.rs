//! gRPC-Web as a browser sends it, by hand, so that every byte is ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rpc_error::Details;
use tonic::{Code, Status};

use crate::fixture::{ALLOWED, Gateway};

/// What a page gets to see of an answer.
pub(crate) struct Answer {
    pub(crate) http: http::response::Parts,
    /// Of all messages, one after the other.
    pub(crate) text: String,
    /// From the trailers in the body, or from the headers when there is no body.
    pub(crate) status: Status,
    /// Those in the body, within reach of scripts.
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) fn details(&self) -> Details {
        Details::of(&self.status)
    }

    /// Whether a page of the allowed origin may read it.
    pub(crate) fn is_readable(&self) -> bool {
        let headers = &self.http.headers;
        let exposed = headers
            .get("access-control-expose-headers")
            .map(HeaderValue::to_str);
        headers.get("access-control-allow-origin") == Some(&HeaderValue::from_static(ALLOWED))
            && exposed.is_some_and(|names| names.unwrap().contains("grpc-status-details-bin"))
    }
}

/// A gRPC-Web request of the allowed page, to be changed by a test.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) path: &'static str,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    /// Not yet base64.
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(path: &'static str, text: &str) -> Self {
        let headers = [
            ("content-type", "application/grpc-web+proto"),
            ("accept", "application/grpc-web+proto"),
            ("x-grpc-web", "1"),
            ("origin", ALLOWED),
        ];
        let headers =
            headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self {
            path,
            version: Version::HTTP_11,
            headers: HeaderMap::from_iter(headers),
            body: message(text),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn over(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn in_text(self) -> Self {
        self.header("content-type", "application/grpc-web-text")
            .header("accept", "application/grpc-web-text")
    }

    fn is_text(&self) -> bool {
        self.headers["content-type"].to_str().unwrap().contains("-text")
    }

    /// Sends it and returns the response when its headers are here.
    pub(crate) async fn open(&self, gateway: &Gateway) -> Response<Incoming> {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(self.version == Version::HTTP_2)
            .http2_max_header_list_size(64 * 1024)
            .build_http();
        let body = if self.is_text() {
            STANDARD.encode(&self.body).into_bytes()
        } else {
            self.body.clone()
        };
        let mut request = Request::post(format!("http://{}{}", gateway.addr, self.path))
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        request.headers_mut().extend(self.headers.clone());
        client.request(request).await.unwrap()
    }

    /// The whole answer to a call that is expected to be gRPC-Web.
    pub(crate) async fn send(&self, gateway: &Gateway) -> Answer {
        let (http, body) = self.open(gateway).await.into_parts();
        assert_eq!(http.status, 200);
        let body = body.collect().await.unwrap().to_bytes();
        let body = if self.is_text() {
            decode(&body)
        } else {
            body.to_vec()
        };
        let (text, trailers) = read(&body);
        let status = Status::from_header_map(trailers.as_ref().unwrap_or(&http.headers));
        Answer {
            status: status.unwrap_or_else(|| Status::new(Code::Unknown, "no status at all")),
            http,
            text,
            trailers: trailers.unwrap_or_default(),
        }
    }

    /// Status and text of a call that is expected to be refused by plain HTTP.
    pub(crate) async fn refused(&self, gateway: &Gateway) -> (http::response::Parts, String) {
        let (http, body) = self.open(gateway).await.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        (http, String::from_utf8(text.to_vec()).unwrap())
    }
}

/// A `google.protobuf.StringValue` with its gRPC prefix.
pub(crate) fn message(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    prost_string(text, &mut message);
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    framed
}

fn prost_string(text: &str, into: &mut Vec<u8>) {
    use tonic_health::pb::HealthCheckRequest;
    // Field 1, string: the same bytes.
    let request = HealthCheckRequest {
        service: text.to_owned(),
    };
    prost::Message::encode(&request, into).unwrap();
}

/// Base64 of several pieces, each padded, one after the other.
fn decode(text: &[u8]) -> Vec<u8> {
    text.chunks(4)
        .flat_map(|quad| STANDARD.decode(quad).unwrap())
        .collect()
}

/// The texts of the messages, and the trailers.
pub(crate) fn read(mut body: &[u8]) -> (String, Option<HeaderMap>) {
    let mut text = String::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        let (frame, after) = rest.split_at(length);
        body = after;
        if flag & 0x80 != 0 {
            assert!(body.is_empty(), "something after the trailers");
            return (text, Some(trailers(frame)));
        }
        let message: tonic_health::pb::HealthCheckRequest = prost::Message::decode(frame).unwrap();
        text.push_str(&message.service);
    }
    assert!(body.is_empty(), "half a frame");
    (text, None)
}

fn trailers(frame: &[u8]) -> HeaderMap {
    let lines = std::str::from_utf8(frame).unwrap().lines();
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| {
            (
                name.trim().parse::<HeaderName>().unwrap(),
                value.trim().parse().unwrap(),
            )
        })
        .collect()
}
