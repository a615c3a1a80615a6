//! A client of HTTP/2 whose every frame is ours (RFC 9113), to be as silent, slow or broken as a test wants.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const EMPTY_SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// SETTINGS_INITIAL_WINDOW_SIZE.
const WINDOW: [u8; 2] = [0, 4];

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// For anything a server is expected to send.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn ends(&self, stream: u32) -> bool {
        self.stream == stream && matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

pub(crate) struct RawClient(TcpStream);

impl RawClient {
    /// Connects and sends preface and settings.
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        socket
            .write_all(&[PREFACE, EMPTY_SETTINGS].concat())
            .await
            .unwrap();
        Self(socket)
    }

    /// Connects and takes so many bytes of each response.
    pub(crate) async fn connect_with_window(addr: SocketAddr, window: u32) -> Self {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        let settings = [&WINDOW[..], &window.to_be_bytes()].concat();
        let settings = frame(SETTINGS, 0, 0, &settings);
        socket.write_all(&[PREFACE, &settings].concat()).await.unwrap();
        Self(socket)
    }

    /// Takes so many bytes more of the response on `stream`.
    pub(crate) async fn take(&mut self, stream: u32, bytes: u32) {
        let connection = frame(WINDOW_UPDATE, 0, 0, &bytes.to_be_bytes());
        let stream = frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
        self.send(&[connection, stream].concat()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The head of a call of `path`; its body has not ended.
    pub(crate) async fn begin_call(&mut self, stream: u32, path: &str) {
        let bytes = head(stream, path);
        self.send(&bytes).await;
    }

    /// A call of `path` with an empty message.
    pub(crate) async fn call(&mut self, stream: u32, path: &str) {
        self.begin_call(stream, path).await;
        self.send(&frame(DATA, END_STREAM, stream, &[0; 5])).await;
    }

    /// The next frame; `None` when the server has closed.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let received = tokio::time::timeout(PATIENCE, self.read_frame()).await;
        received.expect("the server neither sends nor closes")
    }

    async fn read_frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The frames up to the first that is `wanted`, and this.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await.expect("the server closed");
            let found = wanted(&frame);
            frames.push(frame);
            if found {
                return frames;
            }
        }
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A HEADERS frame in HPACK without compression (RFC 7541): indexed fields and literals.
pub(crate) fn head(stream: u32, path: &str) -> Vec<u8> {
    // :method POST, :scheme http, :path and :authority by the index of their names.
    let mut block = vec![0x83, 0x86, 0x04];
    push(&mut block, path);
    block.push(0x01);
    push(&mut block, "x");
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")] {
        block.push(0x00);
        push(&mut block, name);
        push(&mut block, value);
    }
    frame(HEADERS, END_HEADERS, stream, &block)
}

fn push(block: &mut Vec<u8>, text: &str) {
    assert!(text.len() < 127, "one byte of length");
    block.push(u8::try_from(text.len()).unwrap());
    block.extend(text.as_bytes());
}
