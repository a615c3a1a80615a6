//! Signs tokens of any content, and counts the calls that reach a handler.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use authn::{Authenticated, KeySet, KeySource, Principal, Validator, ValidatorConfig, VerifyingKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response};
use jiff::Timestamp;
use rpc_error::Details;
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::{Code, Status};
use tower_service::Service;

/// The moment at which all test tokens were issued.
pub(crate) const NOW: i64 = 1_790_000_000;

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs whatever it is given.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(self.public()).unwrap()
    }

    pub(crate) fn header(&self) -> String {
        format!(
            r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#,
            self.verifying_key().id()
        )
    }

    /// A token of exactly these two texts, rightly signed.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = base64url(self.0.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub(crate) fn token(&self) -> String {
        self.token_with(|_| {})
    }

    /// A token whose claims were changed, rightly signed.
    pub(crate) fn token_with(&self, change: impl Fn(&mut Value)) -> String {
        let mut claims = claims();
        change(&mut claims);
        self.sign(&self.header(), &claims.to_string())
    }
}

/// Claims that pass every check at [`NOW`].
pub(crate) fn claims() -> Value {
    json!({
        "iss": "invoiceapp", "aud": "invoiceapp", "sub": "usr_01k5nzzzzzzzzzzzzzzzzzzzz1",
        "iat": NOW, "nbf": NOW, "exp": NOW + 600, "jti": "tok_01k5nzzzzzzzzzzzzzzzzzzzz2",
        "sid": "ses_01k5nzzzzzzzzzzzzzzzzzzzz3", "org": "org_01k5nzzzzzzzzzzzzzzzzzzzz4",
        "role": "OWNER", "uv": 1,
    })
}

pub(crate) fn config() -> ValidatorConfig {
    ValidatorConfig {
        issuer: "invoiceapp".to_owned(),
        audience: "invoiceapp".to_owned(),
    }
}

pub(crate) fn validator(keys: impl IntoIterator<Item = VerifyingKey>) -> Validator {
    with_source(Arc::new(keys.into_iter().collect::<KeySet>()))
}

pub(crate) fn with_source(source: Arc<dyn KeySource>) -> Validator {
    Validator::new(config(), source).with_clock(|| Timestamp::from_second(NOW).unwrap())
}

/// Answers every call, and keeps what it saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handler {
    entered: Arc<AtomicUsize>,
}

impl Handler {
    pub(crate) fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }
}

/// The request as the handler saw it, on its way back to the test.
#[derive(Clone)]
struct Seen(Request<()>);

impl Service<Request<()>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Seen(request));
        ready(Ok(response))
    }
}

/// What became of a call: the request as the handler saw it, or code and reason of the refusal.
pub(crate) type Outcome = Result<Request<()>, (Code, String)>;

/// Calls `method` with these headers through the wrapper.
pub(crate) async fn call(
    service: &mut Authenticated<Handler>,
    method: &str,
    headers: &[(&'static str, &str)],
) -> Outcome {
    let mut request = Request::builder().uri(format!("http://localhost{method}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = service.call(request.body(()).unwrap()).await.unwrap();
    match Status::from_header_map(response.headers()) {
        Some(status) => Err((status.code(), Details::of(&status).reason().to_owned())),
        None => Ok(response.extensions_mut().remove::<Seen>().unwrap().0),
    }
}

pub(crate) fn principal(request: &Request<()>) -> &Principal {
    request.extensions().get().unwrap()
}
