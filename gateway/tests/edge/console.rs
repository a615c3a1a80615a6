use std::fs;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use flate2::read::GzDecoder;
use gateway::{App, Config, EdgeConfig, UpstreamConfig};
use grpc_server::{CallLimits, ConnectionLimits};
use http::request::Builder;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tls::ClientFlags;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::fixture::{ALLOWED, ECHO, Gateway};
use crate::upstream::Upstream;
use crate::web_client::Call;

const PAGE: &str = "<!doctype html><title>Console</title>";
const SCRIPT: &str = "/assets/app-B7xk_2.js";
const STYLE: &str = "/assets/app-C91aQe.css";
const PICTURE: &str = "/assets/mark-D0.png";
/// What Chromium says when a person opens a page.
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A gateway with a console, and the folder that holds it beside a secret.
struct Served {
    _upstream: Upstream,
    gateway: Gateway,
    _folder: TempDir,
}

async fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    fs::create_dir_all(dist.join("assets")).unwrap();
    fs::create_dir(dist.join(".git")).unwrap();
    let style = "body { color: black }".repeat(100);
    for (name, content) in [
        ("../secret.txt", "secret"),
        ("index.html", PAGE),
        ("favicon.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        (
            "assets/app-B7xk_2.js",
            "console.log('a script that is long enough')",
        ),
        ("assets/app-B7xk_2.js.br", "by the build: br"),
        ("assets/app-B7xk_2.js.gz", "by the build: gzip"),
        ("assets/app-B7xk_2.js.map", "secret"),
        ("assets/app-C91aQe.css", style.as_str()),
        (
            "assets/mark-D0.png",
            "\u{fffd}PNG\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ),
        (".env", "secret"),
        (".git/config", "secret"),
    ] {
        fs::write(dist.join(name), content).unwrap();
    }
    let upstream = Upstream::start().await;
    let gateway = Gateway::with_console(&upstream, &dist).await;
    Served {
        _upstream: upstream,
        gateway,
        _folder: folder,
    }
}

/// Status and headers of an answer, and its body.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Served {
    async fn send(&self, version: Version, request: Builder) -> Answer {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http();
        let path = request.uri_ref().unwrap().clone();
        let request = request.uri(format!("http://{}{path}", self.gateway.addr));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response: Response<_> = client.request(request).await.unwrap();
        let (http, body) = response.into_parts();
        Answer {
            status: http.status.as_u16(),
            headers: http.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| {
            request.header(*name, *value)
        });
        self.send(Version::HTTP_11, request).await
    }
}

#[tokio::test]
async fn the_page_is_at_the_root_and_may_load_and_call_this_origin_only() {
    let served = served().await;
    for path in ["/", "/index.html", "/?next=/invoices"] {
        let answer = served.get(path, &[]).await;
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (200, PAGE.as_bytes()),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(answer.header("permissions-policy").contains("camera=()"));
        assert_eq!(answer.header("x-request-id").len(), 32);
    }
}

#[tokio::test]
async fn every_file_says_what_it_is() {
    let served = served().await;
    for (path, content_type) in [
        (SCRIPT, "text/javascript; charset=utf-8"),
        (STYLE, "text/css; charset=utf-8"),
        (PICTURE, "image/png"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        assert_eq!(served.get(path, &[]).await.header("content-type"), content_type);
    }
}

#[tokio::test]
async fn a_page_is_asked_for_before_each_use_and_sent_again_only_when_it_has_changed() {
    let served = served().await;
    let first = served.get("/", &[]).await;
    assert_eq!(first.header("cache-control"), "no-cache");
    let etag = first.header("etag").to_owned();
    let again = served.get("/", &[("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), etag);
    assert_eq!(again.header("cache-control"), "no-cache");
    let other = served
        .get("/", &[("if-none-match", "\"of the release before\"")])
        .await;
    assert_eq!((other.status, other.body.as_ref()), (200, PAGE.as_bytes()));
}

#[tokio::test]
async fn what_has_a_hash_in_its_name_is_kept_for_ever_and_what_is_missing_by_nobody() {
    let served = served().await;
    for path in [SCRIPT, STYLE, PICTURE] {
        let answer = served.get(path, &[]).await;
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable",
            "{path}"
        );
    }
    assert_eq!(
        served.get("/favicon.svg", &[]).await.header("cache-control"),
        "no-cache"
    );
    let gone = served
        .get("/assets/app-of-the-release-before.js", &[("accept", NAVIGATION)])
        .await;
    assert_eq!((gone.status, gone.header("cache-control")), (404, "no-store"));
}

#[tokio::test]
async fn what_the_build_has_compressed_is_sent_as_it_is() {
    let served = served().await;
    let mut tags = Vec::new();
    for (accepted, coding, body) in [
        ("gzip, deflate, br", Some("br"), "by the build: br"),
        ("gzip", Some("gzip"), "by the build: gzip"),
        ("br;q=0, gzip", Some("gzip"), "by the build: gzip"),
        ("identity", None, "console.log('a script that is long enough')"),
    ] {
        let answer = served.get(SCRIPT, &[("accept-encoding", accepted)]).await;
        let sent = answer
            .headers
            .get("content-encoding")
            .map(|coding| coding.to_str().unwrap());
        assert_eq!(
            (sent, answer.body.as_ref()),
            (coding, body.as_bytes()),
            "{accepted}"
        );
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert!(answer.header("vary").contains("accept-encoding"));
        tags.push(answer.header("etag").to_owned());
        // A tag is good for the coding that it came with.
        let again = served
            .get(
                SCRIPT,
                &[
                    ("accept-encoding", accepted),
                    ("if-none-match", tags.last().unwrap()),
                ],
            )
            .await;
        assert_eq!(again.status, 304, "{accepted}");
    }
    assert_eq!(tags[1], tags[2]);
    assert!(
        tags[0] != tags[1] && tags[1] != tags[3] && tags[0] != tags[3],
        "{tags:?}"
    );
}

#[tokio::test]
async fn the_rest_is_compressed_at_start_where_that_makes_it_smaller() {
    let served = served().await;
    let plain = served.get(STYLE, &[]).await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let small = served.get(STYLE, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.body.len() < plain.body.len() / 10);
    let mut unpacked = Vec::new();
    GzDecoder::new(small.body.as_ref())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    for path in [PICTURE, "/"] {
        let answer = served.get(path, &[("accept-encoding", "gzip, br")]).await;
        assert!(
            !answer.headers.contains_key("content-encoding"),
            "{path} would not shrink"
        );
    }
}

#[tokio::test]
async fn a_place_inside_of_the_console_gets_its_page_when_a_browser_goes_there() {
    let served = served().await;
    for place in [
        "/invoices",
        "/invoices/inv_01",
        "/sign-in?next=%2Finvoices",
        "/a/b/c/",
        "/gr%C3%B6%C3%9Fe",
    ] {
        let answer = served.get(place, &[("accept", NAVIGATION)]).await;
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (200, PAGE.as_bytes()),
            "{place}"
        );
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    for (path, accept) in [
        ("/invoices", "*/*"),
        ("/invoices", "application/json"),
        ("/favicon.ico", NAVIGATION),
        ("/assets/", NAVIGATION),
        ("/assets/missing.js", NAVIGATION),
        ("/assets/missing", NAVIGATION),
        ("/.well-known/security.txt", NAVIGATION),
        ("/.well-known/change-password", NAVIGATION),
    ] {
        let answer = served.get(path, &[("accept", accept)]).await;
        assert_eq!(
            (answer.status, answer.body.as_ref()),
            (404, &b"not found\n"[..]),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_was_there_before_is_where_it_was() {
    let served = served().await;
    assert_eq!(
        served.get("/healthz", &[("accept", NAVIGATION)]).await.body,
        "ok\n"
    );
    let keys = served
        .get("/.well-known/jwks.json", &[("accept", NAVIGATION)])
        .await;
    assert_eq!(keys.header("content-type"), "application/jwk-set+json");
    for rpc in [ECHO, "/no.Such/Method"] {
        assert_eq!(
            served.get(rpc, &[("accept", NAVIGATION)]).await.status,
            405,
            "{rpc}"
        );
    }
    assert_eq!(Call::new(ECHO, "x").send(&served.gateway).await.text, "x");
    for nobodys in ["/no.Such/Method", "/NoPackage/Method"] {
        let answer = Call::new(nobodys, "x").send(&served.gateway).await;
        assert_eq!(answer.status.code(), Code::Unimplemented, "{nobodys}");
    }
}

#[tokio::test]
async fn head_tells_the_same_without_the_content() {
    let served = served().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for path in ["/", SCRIPT, STYLE] {
            let get = served.send(version, Request::get(path)).await;
            let head = served.send(version, Request::head(path)).await;
            assert_eq!((head.status, head.body.len()), (200, 0), "{path} {version:?}");
            for name in ["content-type", "content-length", "etag", "cache-control"] {
                assert_eq!(head.header(name), get.header(name), "{path} {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_is_read_and_nothing_else() {
    let served = served().await;
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        for path in ["/", SCRIPT] {
            let answer = served
                .send(Version::HTTP_11, Request::builder().method(&method).uri(path))
                .await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn no_path_leads_to_a_hidden_file_a_source_map_or_out_of_the_folder() {
    let served = served().await;
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..\\secret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/./index.html/../../secret.txt",
        "/.env",
        "/.git/config",
        "/assets/app-B7xk_2.js.map",
        "/assets/app-B7xk_2.js.gz",
        "/secret.txt%00.js",
    ] {
        // By hand: a client might tidy the path.
        let mut socket = TcpStream::connect(served.gateway.addr).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"),
            "{path}: {answer}"
        );
        assert!(
            !answer.contains("secret\n") && !answer.ends_with("secret"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn the_console_may_call_and_pages_of_elsewhere_are_as_foreign_as_before() {
    let served = served().await;
    let call = |origin: String, host: String| {
        let mut call = Call::new(ECHO, "x");
        call.headers.insert("origin", origin.parse().unwrap());
        call.headers.insert("host", host.parse().unwrap());
        call.header("sec-fetch-site", "same-origin")
    };
    let own = served.gateway.addr.to_string();
    let answer = call(format!("http://{own}"), own.clone())
        .send(&served.gateway)
        .await;
    assert_eq!(answer.text, "x");
    let named = call("https://inv.example".to_owned(), "inv.example".to_owned());
    assert_eq!(
        named.send(&served.gateway).await.text,
        "x",
        "behind a proxy with TLS"
    );
    for (origin, host) in [
        ("http://evil.example", "evil.example"),
        ("https://evil.example", "inv.example"),
        ("https://evil.example", own.as_str()),
        ("null", own.as_str()),
    ] {
        let (refused, _) = call(origin.to_owned(), host.to_owned())
            .refused(&served.gateway)
            .await;
        assert_eq!(refused.status, 403, "{origin} at {host}");
    }
    assert!(
        Call::new(ECHO, "x")
            .header("origin", ALLOWED)
            .send(&served.gateway)
            .await
            .is_readable()
    );
}

#[tokio::test]
async fn without_a_console_the_root_says_what_this_is_and_how_to_have_one() {
    let upstream = Upstream::start().await;
    let served = Served {
        gateway: Gateway::of(&upstream).await,
        _upstream: upstream,
        _folder: tempfile::tempdir().unwrap(),
    };
    let answer = served.get("/", &[("accept", NAVIGATION)]).await;
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/plain; charset=utf-8")
    );
    for word in ["gRPC-Web", "docs/", "--console-dir web/console/dist"] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(
        served.get("/invoices", &[("accept", NAVIGATION)]).await.status,
        405
    );
}

#[tokio::test]
async fn a_console_that_is_not_there_keeps_the_gateway_from_starting() {
    let refused = App::build(Config {
        edge: EdgeConfig {
            gateway_listen: "127.0.0.1:0".parse().unwrap(),
            gateway_console_dir: Some(Path::new("/nowhere/dist").to_owned()),
            ..EdgeConfig::default()
        },
        upstreams: UpstreamConfig {
            auth_url: "http://127.0.0.1:1".to_owned(),
            invoice_url: "http://127.0.0.1:1".to_owned(),
            tls: ClientFlags::default(),
        },
        connections: ConnectionLimits::default(),
        metrics: telemetry::Metrics::new(),
        calls: CallLimits::default(),
    })
    .await;
    let refused = refused.err().unwrap().to_string();
    assert_eq!(
        refused,
        "--console-dir: /nowhere/dist cannot be read: No such file or directory (os error 2)"
    );
}
