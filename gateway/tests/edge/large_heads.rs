//! Requests whose headers are too large, next to calls that share the connection to the service.

use http::{HeaderValue, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{ECHO, Gateway, watch};
use crate::upstream::Upstream;
use crate::web_client::Call;

/// What an HTTP/1.1 request with `count` headers of 900 bytes is answered.
async fn answer_over_http1(gateway: &Gateway, count: usize) -> String {
    let mut socket = TcpStream::connect(gateway.addr).await.unwrap();
    let header = format!("tracestate: {}\r\n", "v".repeat(900));
    let head = format!(
        "POST {ECHO} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\nx-grpc-web: 1\r\n\
         connection: close\r\ncontent-length: 5\r\n{}\r\n\0\0\0\0\0",
        header.repeat(count)
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_above_eight_kibibytes_is_refused_and_harms_nobody_else() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let mut other = watch(gateway.channel().await).await.unwrap();
    other.message().await.unwrap().unwrap();
    let before = upstream.calls();

    for count in [10, 60] {
        let answer = answer_over_http1(&gateway, count).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("at most 8 KiB"), "{answer}");
    }
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut call = Call::new(ECHO, "x").over(version);
        for _ in 0..20 {
            let value = HeaderValue::from_str(&"v".repeat(900)).unwrap();
            call.headers.append("tracestate", value);
        }
        assert_eq!(call.open(&gateway).await.status(), 431);
    }
    assert_eq!(upstream.calls(), before);

    upstream.release.send(true).unwrap();
    assert_eq!(other.message().await.unwrap().unwrap(), "second");
    assert_eq!(other.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_head_below_eight_kibibytes_passes_and_the_long_headers_in_it_stay_here() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::of(&upstream).await;
    let answer = answer_over_http1(&gateway, 8).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!upstream.last_headers().contains_key("tracestate"));
}
