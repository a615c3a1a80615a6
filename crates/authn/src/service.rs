//! A gRPC service behind a validator.

use std::error::Error;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body::Body;
use rpc_error::RpcError;
use tonic::Status;
use tonic::server::NamedService;
use tower_service::Service;

use crate::error::Refusal;
use crate::strip;
use crate::token_end::WithToken;
use crate::validator::Validator;

/// Authenticates every call of a gRPC service before any of its body is read.
///
/// A call with a good token reaches the service with its [`Principal`](crate::Principal) among the
/// request's extensions and without its `authorization` header. Any other call is answered here; the
/// service is not entered. A streamed response ends with `UNAUTHENTICATED` when its token expires or is
/// revoked.
#[derive(Debug, Clone)]
pub struct Authenticated<S> {
    service: S,
    validator: Arc<Validator>,
    anonymous: &'static [&'static str],
    held_back: &'static [&'static str],
}

impl<S> Authenticated<S> {
    /// Requires a token for every method of `service`.
    pub fn new(service: S, validator: Arc<Validator>) -> Self {
        Self {
            service,
            validator,
            anonymous: &[],
            held_back: &[],
        }
    }

    /// Lets calls of these methods (`/package.Service/Method`) through as they are: no token is
    /// looked at, there is no principal, and `authorization` stays for the handler to read.
    #[must_use]
    pub fn anonymous(self, methods: &'static [&'static str]) -> Self {
        Self {
            anonymous: methods,
            ..self
        }
    }

    /// Answers calls of these methods with `UNAVAILABLE` while the revocation feed is stale (see
    /// [`Validator::is_stale`]).
    #[must_use]
    pub fn hold_back_while_stale(self, methods: &'static [&'static str]) -> Self {
        Self {
            held_back: methods,
            ..self
        }
    }
}

impl<S: NamedService> NamedService for Authenticated<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B, R> Service<Request<B>> for Authenticated<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<tonic::body::Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        strip::identity_headers(request.headers_mut());
        // The clone has not been polled ready; the service itself has.
        let clone = self.service.clone();
        let mut service = mem::replace(&mut self.service, clone);
        if self.anonymous.contains(&request.uri().path()) {
            let response = service.call(request);
            return Box::pin(async move { Ok(response.await?.map(tonic::body::Body::new)) });
        }
        let held_back = self.held_back.contains(&request.uri().path());
        let validator = Arc::clone(&self.validator);
        Box::pin(async move {
            let admitted = match validator.authenticate(request.headers()).await {
                Ok(_) if held_back && validator.is_stale() => Err(Refusal::StaleRevocations),
                admitted => admitted,
            };
            match admitted {
                Ok(principal) => {
                    // Nothing further in has a use for the secret.
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(principal.clone());
                    let response = service.call(request).await?;
                    Ok(response
                        .map(|body| tonic::body::Body::new(WithToken::new(body, validator, principal))))
                }
                Err(refusal) => {
                    tracing::debug!(%refusal, method = request.uri().path(), "a call was not authenticated");
                    Ok(Status::from(RpcError::from(refusal)).into_http())
                }
            }
        })
    }
}
