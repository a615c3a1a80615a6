//! A built frontend, such as web/console, served from memory beside the API.
//!
//! The folder is read once, at start. So a request never becomes a path of the file system, and what is served is whole:
//! a build that is half copied later changes nothing.
//!
//! Paths of rpcs, `/.well-known/` and `/healthz` are never the console's. A path that nobody has is a place inside of the
//! frontend when a browser navigates to it, and gets index.html.

mod file;
mod folder;
mod negotiation;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderMap, Method, StatusCode};

use self::file::File;
pub(crate) use self::folder::Folder;
use self::negotiation::wants_a_page;

/// The build writes the hash of their content into the names of the files below.
const ASSETS: &str = "/assets/";

/// The files of a frontend, ready to send.
#[derive(Debug)]
pub(crate) struct Console {
    /// By the path of their URL, as it is sent.
    files: HashMap<String, File>,
    index: File,
}

impl Console {
    /// Compresses what was not compressed by the build: some seconds of work for the largest folder.
    pub(crate) fn new(folder: Folder) -> Self {
        let index = File::new(folder::INDEX, folder.index);
        let mut files: HashMap<_, _> = folder
            .others
            .into_iter()
            .map(|(name, contents)| {
                let file = File::new(&name, contents);
                (format!("/{name}"), file)
            })
            .collect();
        for path in ["/", "/index.html"] {
            files.insert(path.to_owned(), index.clone());
        }
        Self { files, index }
    }

    /// The answer to a request that is the console's; `None` for what is somebody else's.
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if path == "/healthz" || path == "/.well-known/jwks.json" || is_of_an_rpc(path) {
            return None;
        }
        let file = self.files.get(path);
        if *method != Method::GET && *method != Method::HEAD {
            // Without a file it may be an rpc of a service without a package: the API answers.
            return file.map(|_| wrong_method());
        }
        let may_be_a_page = !path.starts_with(ASSETS) && !names_a_file(path);
        let file = file.or_else(|| (may_be_a_page && wants_a_page(headers)).then_some(&self.index));
        Some(file.map_or_else(not_found, |file| file.answer(method, headers)))
    }
}

/// Answers what is the console's and lets the rest pass.
pub(crate) async fn serve(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    match console.answer(request.method(), request.uri().path(), request.headers()) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

/// Whether it is `/package.Service/Method`. No folder of a console has a dot in its name.
fn is_of_an_rpc(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    service.is_some_and(|(service, _)| service.contains('.') && !service.starts_with('.'))
}

/// Whether it is no place of a frontend but names a file, such as the favicon, which browsers ask for by themselves; or
/// something hidden, of which `/.well-known/` (RFC 8615) is for machines.
fn names_a_file(path: &str) -> bool {
    path.contains("/.") || path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

fn wrong_method() -> Response {
    let headers = [(ALLOW, "GET, HEAD"), (CACHE_CONTROL, "no-store")];
    let text = "this is a file of the console: GET and HEAD only\n";
    (StatusCode::METHOD_NOT_ALLOWED, headers, text).into_response()
}

/// Kept by nobody: the next release may have the file.
fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        [(CACHE_CONTROL, "no-store")],
        "not found\n",
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::{is_of_an_rpc, names_a_file};

    #[test]
    fn a_path_of_an_rpc_begins_with_the_full_name_of_a_service() {
        for rpc in [
            "/invoiceapp.invoice.v1.InvoiceService/GetInvoice",
            "/grpc.health.v1.Health/Check",
            "/other.Service/",
        ] {
            assert!(is_of_an_rpc(rpc), "{rpc}");
        }
        for other in [
            "/",
            "",
            "/favicon.ico",
            "/invoices/inv_1",
            "/.well-known/x",
            "/assets/a.js",
            "/a/b.c/d",
        ] {
            assert!(!is_of_an_rpc(other), "{other}");
        }
    }

    #[test]
    fn a_name_with_a_dot_is_that_of_a_file_and_what_is_hidden_is_no_place() {
        for file in [
            "/favicon.ico",
            "/a/b.png",
            "/.git/config",
            "/.well-known/x",
            "/a/.b/c",
        ] {
            assert!(names_a_file(file), "{file}");
        }
        for place in ["/", "/invoices/inv_1", "/v1.0/x"] {
            assert!(!names_a_file(place), "{place}");
        }
    }
}
