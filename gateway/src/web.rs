use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response_with_state};
use axum::response::Response;
use axum::routing::get;
use grpc_server::{CallLimits, REQUEST_ID_HEADER, RequestId, call_stack};
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use telemetry::Server;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceBuilder};
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use crate::console::{self, Console};
use crate::cookies::TOKEN_DELIVERY;
use crate::forward::Forward;
use crate::headers::{
    GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS, GRPC_TIMEOUT, IDEMPOTENT_REPLAY, TRACEPARENT, X_GRPC_WEB,
    X_USER_AGENT,
};
use crate::jwks::{self, Jwks};
use crate::origin::Origin;
use crate::security_headers::{self, HttpsOnly};
use crate::start_page;
use crate::wall::{self, Known};

/// How long a browser may remember a preflight: Chromium takes no more than two hours.
const PREFLIGHT_AGE: Duration = Duration::from_hours(2);

/// The web pages that the gateway has to do with.
pub(crate) struct Pages {
    /// Whose pages may call.
    pub(crate) allowed: Vec<Origin>,
    /// The pages that it serves itself.
    pub(crate) console: Option<Arc<Console>>,
}

/// Everything the gateway answers. `local` are the gRPC services that it implements itself.
pub(crate) fn router(
    local: Routes,
    forward: Forward,
    limits: CallLimits,
    pages: Pages,
    jwks: Arc<Jwks>,
    measured: Server,
    https_only: HttpsOnly,
) -> Router {
    let calls = Routes::from(local.into_axum_router().fallback_service(forward));
    let api = GrpcWebLayer::new().layer(call_stack(calls, limits, measured));
    let Pages { allowed, console } = pages;
    let cors = cors(&allowed);
    let known = Known {
        allowed,
        serves_pages: console.is_some(),
    };
    let wall = from_fn_with_state(Arc::new(known), wall::guard);
    // Outermost first: what the wall refuses still carries the headers that let an allowed page read why.
    let api = Router::new()
        .fallback_service(api)
        .layer(ServiceBuilder::new().layer(cors).layer(wall));
    let router = Router::new()
        .route("/", get(start_page::index).fallback_service(api.clone()))
        .route("/healthz", get(start_page::healthz).fallback_service(api.clone()))
        .route(
            "/.well-known/jwks.json",
            get(jwks::get).with_state(jwks).fallback_service(api.clone()),
        )
        .fallback_service(api);
    let router = match console {
        None => router,
        Some(console) => router.layer(from_fn_with_state(console, console::serve)),
    };
    router
        .layer(map_response_with_state(https_only, security_headers::add))
        .layer(from_fn(name_request))
}

/// Gives every request its id, and every answer that of its request: also those that are no rpc's, such as what
/// the wall refuses.
async fn name_request(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.extensions(), request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(REQUEST_ID_HEADER, id.to_header_value());
    response
}

/// The pages that may call us, with their cookies, and read the answer.
fn cors(allowed: &[Origin]) -> CorsLayer {
    let with_cookies = allowed.to_vec();
    let with_cookies =
        AllowCredentials::predicate(move |origin, _| with_cookies.iter().any(|known| known.is(origin)));
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(
            allowed.iter().filter_map(Origin::to_header_value),
        ))
        .allow_credentials(with_cookies)
        .allow_methods([Method::POST])
        .allow_headers([
            CONTENT_TYPE,
            X_GRPC_WEB,
            X_USER_AGENT,
            GRPC_TIMEOUT,
            AUTHORIZATION,
            REQUEST_ID_HEADER,
            TRACEPARENT,
            TOKEN_DELIVERY,
        ])
        .expose_headers([
            GRPC_STATUS,
            GRPC_MESSAGE,
            GRPC_STATUS_DETAILS,
            REQUEST_ID_HEADER,
            IDEMPOTENT_REPLAY,
        ])
        .max_age(PREFLIGHT_AGE)
}
