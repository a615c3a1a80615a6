//! Keys fetched from a real server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Handler, Signer, call, with_source};
use authn::{Authenticated, Jwk, RemoteKeys, VerifyingKey};
use proto::auth::v1::token_service_server::{TokenService, TokenServiceServer};
use proto::auth::v1::{
    GetJwksRequest, GetJwksResponse, ValidateTokenRequest, ValidateTokenResponse, WatchRevocationsRequest,
    WatchRevocationsResponse,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status};

const METHOD: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";

/// An auth-service of which only the keys matter.
#[derive(Clone, Default)]
struct Keys {
    published: Arc<Mutex<Vec<Jwk>>>,
    fetches: Arc<AtomicUsize>,
}

impl Keys {
    fn publish(&self, keys: impl IntoIterator<Item = VerifyingKey>) {
        *self.published.lock().unwrap() = keys.into_iter().map(|key| key.to_jwk()).collect();
    }

    fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let server = Server::builder()
            .add_service(TokenServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(async move { server.await.unwrap() })
    }
}

#[tonic::async_trait]
impl TokenService for Keys {
    async fn validate_token(
        &self,
        _request: Request<ValidateTokenRequest>,
    ) -> Result<Response<ValidateTokenResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_jwks(&self, _request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let keys = self
            .published
            .lock()
            .unwrap()
            .iter()
            .cloned()
            .map(Into::into)
            .collect();
        Ok(Response::new(GetJwksResponse { keys }))
    }

    type WatchRevocationsStream = tokio_stream::Empty<Result<WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

async fn listener() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, Endpoint::from_shared(url).unwrap())
}

async fn until_ready(keys: &RemoteKeys) {
    while !keys.ready() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn keys_arrive_once_auth_service_does() {
    let (listener, endpoint) = listener().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let remote = Arc::new(RemoteKeys::start(endpoint.connect_lazy()));
    let signer = Signer::new();
    let source = Arc::<RemoteKeys>::clone(&remote);
    let mut service = Authenticated::new(Handler::default(), Arc::new(with_source(source)));
    let bearer = format!("Bearer {}", signer.token());

    let early = call(&mut service, METHOD, &[("authorization", &bearer)]).await;
    assert_eq!(
        early.unwrap_err(),
        (Code::Unavailable, "BACKEND_UNAVAILABLE".to_owned())
    );
    let without = call(&mut service, METHOD, &[]).await;
    assert_eq!(
        without.unwrap_err().1,
        "TOKEN_MISSING",
        "that much can be said without keys"
    );

    let keys = Keys::default();
    keys.publish([signer.verifying_key()]);
    let _server = keys.serve(TcpListener::bind(address).await.unwrap());
    until_ready(&remote).await;
    call(&mut service, METHOD, &[("authorization", &bearer)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_a_flood_of_unknown_keys_is_not() {
    let (listener, endpoint) = listener().await;
    let (old, new) = (Signer::new(), Signer::new());
    let keys = Keys::default();
    keys.publish([old.verifying_key()]);
    let _server = keys.serve(listener);
    let remote = Arc::new(RemoteKeys::start(endpoint.connect_lazy()));
    until_ready(&remote).await;
    assert_eq!(keys.fetches.load(Ordering::SeqCst), 1);
    let service = Authenticated::new(Handler::default(), Arc::new(with_source(remote)));

    keys.publish([old.verifying_key(), new.verifying_key()]);
    let calls = (0..20).map(|_| {
        let (mut service, bearer) = (service.clone(), format!("Bearer {}", new.token()));
        tokio::spawn(async move {
            call(&mut service, METHOD, &[("authorization", &bearer)])
                .await
                .map(drop)
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(
        keys.fetches.load(Ordering::SeqCst),
        2,
        "twenty calls shared one fetch"
    );

    for _ in 0..50 {
        let bearer = format!("Bearer {}", Signer::new().token());
        let refused = call(&mut service.clone(), METHOD, &[("authorization", &bearer)]).await;
        assert_eq!(
            refused.unwrap_err(),
            (Code::Unauthenticated, "TOKEN_INVALID".to_owned())
        );
    }
    assert_eq!(
        keys.fetches.load(Ordering::SeqCst),
        2,
        "no further fetch within 30 seconds"
    );
}

#[tokio::test]
async fn the_old_keys_stay_when_auth_service_is_gone_or_publishes_nothing_usable() {
    let (listener, endpoint) = listener().await;
    let signer = Signer::new();
    let keys = Keys::default();
    keys.publish([signer.verifying_key()]);
    let server = keys.serve(listener);
    let remote = Arc::new(RemoteKeys::start(endpoint.connect_lazy()));
    until_ready(&remote).await;
    let mut service = Authenticated::new(Handler::default(), Arc::new(with_source(remote)));
    let (bearer, foreign) = (
        format!("Bearer {}", signer.token()),
        format!("Bearer {}", Signer::new().token()),
    );

    keys.publish([]);
    call(&mut service, METHOD, &[("authorization", &foreign)])
        .await
        .unwrap_err();
    assert_eq!(
        keys.fetches.load(Ordering::SeqCst),
        2,
        "the empty set was fetched"
    );
    call(&mut service, METHOD, &[("authorization", &bearer)])
        .await
        .unwrap();

    server.abort();
    server.await.unwrap_err();
    call(&mut service, METHOD, &[("authorization", &bearer)])
        .await
        .unwrap();
}
