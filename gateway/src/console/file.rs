use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::folder::Contents;
use super::negotiation::{accepts_coding, has_already};

/// A year: the name changes with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked for before each use, so that a new release is seen at once.
const ASK_FIRST: &str = "no-cache";
/// 128 bits: enough that two contents never share one.
const BYTES_OF_A_TAG: usize = 16;

/// What a page of the console may do: load and call this origin, nothing else. No inline scripts or styles, no frames.
const POLICIES: [(HeaderName, &str); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A file, ready to send in each coding that it has.
#[derive(Debug, Clone)]
pub(super) struct File {
    content_type: HeaderValue,
    cache_control: HeaderValue,
    plain: Coded,
    /// With their names, the best first. Empty for what does not shrink.
    compressed: Vec<(&'static str, Coded)>,
}

/// Content in one coding; each has a tag of its own, as RFC 9110, section 8.8.3.3 wants.
#[derive(Debug, Clone)]
struct Coded {
    content: Bytes,
    etag: HeaderValue,
}

impl File {
    /// Of this name below the folder.
    pub(super) fn new(name: &str, contents: Contents) -> Self {
        let Contents { plain, brotli, gzip } = contents;
        let (content_type, shrinks) = content_type(name);
        let mut compressed = Vec::new();
        if shrinks {
            let gzip = gzip.or_else(|| compress(&plain));
            let codings = [("br", brotli), ("gzip", gzip)];
            let codings = codings
                .into_iter()
                .filter_map(|(coding, content)| Some((coding, content?)));
            let smaller = codings.filter(|(_, content)| content.len() < plain.len());
            compressed.extend(smaller.map(|(coding, content)| (coding, Coded::new(content))));
        }
        let is_hashed = format!("/{name}").starts_with(super::ASSETS);
        Self {
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static(if is_hashed { FOR_EVER } else { ASK_FIRST }),
            plain: Coded::new(plain),
            compressed,
        }
    }

    /// The answer to a GET or HEAD.
    pub(super) fn answer(&self, method: &Method, request: &HeaderMap) -> Response {
        let coded = self
            .compressed
            .iter()
            .find(|(coding, _)| accepts_coding(request, coding));
        let coding = coded.map(|(coding, _)| HeaderValue::from_static(coding));
        let coded = coded.map_or(&self.plain, |(_, coded)| coded);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        for (name, value) in POLICIES {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(CACHE_CONTROL, self.cache_control.clone());
        headers.insert(ETAG, coded.etag.clone());
        if !self.compressed.is_empty() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if has_already(request, &coded.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(CONTENT_LENGTH, coded.content.len().into());
        headers.extend(coding.map(|coding| (CONTENT_ENCODING, coding)));
        if *method != Method::HEAD {
            *response.body_mut() = Body::from(coded.content.clone());
        }
        response
    }
}

impl Coded {
    fn new(content: Bytes) -> Self {
        let hash = digest(&SHA256, &content);
        let (hash, _) = hash.as_ref().split_at(BYTES_OF_A_TAG);
        // Its letters are allowed in a header.
        let etag = HeaderValue::from_str(&format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash)));
        let etag = etag.unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { content, etag }
    }
}

/// As well as gzip can: it is done once.
fn compress(content: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Memory takes everything.
    encoder.write_all(content).ok()?;
    Some(encoder.finish().ok()?.into())
}

/// The media type by the end of the name, and whether such content shrinks. With `nosniff`, a browser goes by it alone.
fn content_type(name: &str) -> (&'static str, bool) {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "html" => ("text/html; charset=utf-8", true),
        "js" | "mjs" => ("text/javascript; charset=utf-8", true),
        "css" => ("text/css; charset=utf-8", true),
        "json" => ("application/json", true),
        "webmanifest" => ("application/manifest+json", true),
        "svg" => ("image/svg+xml", true),
        "txt" => ("text/plain; charset=utf-8", true),
        "xml" => ("application/xml", true),
        "wasm" => ("application/wasm", true),
        "ttf" => ("font/ttf", true),
        "ico" => ("image/x-icon", true),
        "woff" => ("font/woff", false),
        "woff2" => ("font/woff2", false),
        "png" => ("image/png", false),
        "jpg" | "jpeg" => ("image/jpeg", false),
        "gif" => ("image/gif", false),
        "webp" => ("image/webp", false),
        "avif" => ("image/avif", false),
        "pdf" => ("application/pdf", false),
        _ => ("application/octet-stream", false),
    }
}
