//! A gRPC service behind a validator.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use rpc_error::RpcError;
use tonic::Status;
use tonic::server::NamedService;
use tower_service::Service;

use crate::strip;
use crate::validator::Validator;

/// Authenticates every call of a gRPC service before any of its body is read.
///
/// A call with a good token reaches the service with its [`Principal`](crate::Principal) among the
/// request's extensions and without its `authorization` header. Any other call is answered here; the
/// service is not entered.
#[derive(Debug, Clone)]
pub struct Authenticated<S> {
    service: S,
    validator: Arc<Validator>,
    anonymous: &'static [&'static str],
}

impl<S> Authenticated<S> {
    /// Requires a token for every method of `service`.
    pub fn new(service: S, validator: Arc<Validator>) -> Self {
        Self {
            service,
            validator,
            anonymous: &[],
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
}

impl<S: NamedService> NamedService for Authenticated<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B, R> Service<Request<B>> for Authenticated<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
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
            return Box::pin(service.call(request));
        }
        let validator = Arc::clone(&self.validator);
        Box::pin(async move {
            match validator.authenticate(request.headers()).await {
                Ok(principal) => {
                    // Nothing further in has a use for the secret.
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(principal);
                    service.call(request).await
                }
                Err(refusal) => {
                    tracing::debug!(%refusal, method = request.uri().path(), "a call was not authenticated");
                    Ok(Status::from(RpcError::from(refusal)).into_http())
                }
            }
        })
    }
}
