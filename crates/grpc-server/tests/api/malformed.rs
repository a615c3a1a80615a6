use bytes::Bytes;
use http::Response;
use rpc_error::{Details, reason};
use tonic::{Code, Status};

use crate::fixture::{Server, start};

async fn post(server: &Server, path: &str, body: &[u8]) -> Response<Bytes> {
    let request = http::Request::builder().header("content-type", "application/grpc");
    server.raw(request, path, body).await
}

fn status_of(response: &Response<Bytes>) -> Status {
    Status::from_header_map(response.headers()).expect("a gRPC status")
}

#[tokio::test]
async fn requests_that_are_no_message_get_a_short_text_and_a_reason() {
    let server = start().await;
    let cases: [(&str, &[u8], &str); 7] = [
        ("longer than 64 bytes", b"\0\0\0\0\x41", reason::MESSAGE_TOO_LARGE),
        ("no message", b"", reason::MESSAGE_MALFORMED),
        ("half a prefix", b"\0\0\0", reason::MESSAGE_MALFORMED),
        (
            "less than announced",
            b"\0\0\0\0\x09\x0a\x07abc",
            reason::MESSAGE_MALFORMED,
        ),
        ("compression flag 7", b"\x07\0\0\0\0", reason::MESSAGE_MALFORMED),
        (
            "compressed without saying how",
            b"\x01\0\0\0\x01x",
            reason::MESSAGE_MALFORMED,
        ),
        (
            "field 1 is no string",
            b"\0\0\0\0\x02\x08\x01",
            reason::MESSAGE_MALFORMED,
        ),
    ];
    for method in ["/test.Text/Echo", "/test.Text/Stream"] {
        for (what, body, reason) in cases {
            let status = status_of(&post(&server, method, body).await);
            assert_eq!(status.code(), Code::InvalidArgument, "{what}");
            assert_eq!(Details::of(&status).reason(), reason, "{what}");
            assert!(status.message().len() < 80, "{what}: {}", status.message());
        }
    }
}

#[tokio::test]
async fn an_unknown_method_or_service_is_unimplemented_with_a_reason() {
    let server = start().await;
    for path in ["/test.Text/Nothing", "/test.Nobody/Echo", "/", "/test.Text"] {
        let status = status_of(&post(&server, path, b"\0\0\0\0\0").await);
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
        assert_eq!(Details::of(&status).reason(), reason::METHOD_UNKNOWN, "{path}");
    }
}

#[tokio::test]
async fn a_compressed_request_is_refused_with_the_encodings_that_would_do() {
    let server = start().await;
    let request = http::Request::builder()
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip");
    let response = server.raw(request, "/test.Text/Echo", b"\x01\0\0\0\x01x").await;
    let status = status_of(&response);
    assert_eq!(status.code(), Code::Unimplemented);
    let info = Details::of(&status).error_info.unwrap();
    assert_eq!(info.reason, reason::ENCODING_UNSUPPORTED);
    assert_eq!(info.metadata["accepted_encoding"], "identity");
    assert!(response.headers().contains_key("grpc-accept-encoding"));
}

#[tokio::test]
async fn other_content_types_never_reach_a_handler() {
    let server = start().await;
    for content_type in [
        "text/plain",
        "application/json",
        "application/grpcx",
        "application/grpc-web",
    ] {
        let request = http::Request::builder()
            .header("content-type", content_type)
            .header("x-request-id", "refused-1");
        let response = server.raw(request, "/test.Text/Panic", b"\0\0\0\0\0").await;
        assert_eq!(response.status(), 415, "{content_type}");
        assert_eq!(response.headers()["x-request-id"], "refused-1");
    }
    let none = server
        .raw(http::Request::builder(), "/test.Text/Panic", b"")
        .await;
    assert_eq!(none.status(), 415);
}

#[tokio::test]
async fn a_client_that_sends_ten_megabytes_learns_why_it_was_refused() {
    let server = start().await;
    for _ in 0..5 {
        let huge = "x".repeat(10 * 1024 * 1024);
        let status = server.unary("/test.Text/Echo", &huge).await.unwrap_err();
        assert_eq!(
            Details::of(&status).reason(),
            reason::MESSAGE_TOO_LARGE,
            "{status:?}"
        );
    }
}
