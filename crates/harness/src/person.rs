use std::net::SocketAddr;
use std::time::Duration;

use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{RegisterRequest, RegisterResponse};
use proto::invoice::v1::customer_service_client::CustomerServiceClient;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use proto::invoice::v1::profile_service_client::ProfileServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::{build, channel};

/// Each try takes two seconds when the machine is too busy.
const MOST_TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Sends one access token with every call.
#[derive(Debug, Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// The token goes out exactly as it is given.
    pub fn new(token: &str) -> Self {
        Self(
            format!("Bearer {token}")
                .parse()
                .expect("a token for a header is ASCII"),
        )
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Somebody who has registered, with what they got and clients that sign their calls.
#[derive(Debug, Clone)]
pub struct Person {
    /// What Register answered.
    pub registered: RegisterResponse,
    /// The password.
    pub password: String,
    /// AuthService, signed.
    pub auth: AuthServiceClient<InterceptedService<Channel, Bearer>>,
    /// InvoiceService, signed.
    pub invoices: InvoiceServiceClient<InterceptedService<Channel, Bearer>>,
    /// CustomerService, signed.
    pub customers: CustomerServiceClient<InterceptedService<Channel, Bearer>>,
    /// ProfileService, signed.
    pub profiles: ProfileServiceClient<InterceptedService<Channel, Bearer>>,
}

impl Person {
    pub(crate) async fn register(auth: SocketAddr, invoice: SocketAddr) -> Self {
        Self::try_register(auth, invoice)
            .await
            .expect("a valid registration succeeds")
    }

    /// Somebody new, at auth-service and invoice-service or at a gateway in place of both.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn try_register(auth: SocketAddr, invoice: SocketAddr) -> Result<Self, Status> {
        let (auth, invoice) = (channel(auth).await, channel(invoice).await);
        let request = build::registration();
        let password = request.password.clone();
        let registered = register(auth.clone(), request).await?;
        let bearer = Bearer::new(&registered.tokens.clone().unwrap_or_default().access_token);
        Ok(Self {
            registered,
            password,
            auth: AuthServiceClient::with_interceptor(auth, bearer.clone()),
            invoices: InvoiceServiceClient::with_interceptor(invoice.clone(), bearer.clone()),
            customers: CustomerServiceClient::with_interceptor(invoice.clone(), bearer.clone()),
            profiles: ProfileServiceClient::with_interceptor(invoice, bearer),
        })
    }

    /// The access token of the registration.
    pub fn access_token(&self) -> &str {
        self.registered
            .tokens
            .as_ref()
            .map_or("", |tokens| &tokens.access_token)
    }
}

/// Registers. Few passwords are hashed at a time, so on a busy machine one may not get its turn in time: then it is tried
/// again.
///
/// # Errors
/// What the service answers.
pub async fn register(channel: Channel, request: RegisterRequest) -> Result<RegisterResponse, Status> {
    let auth = AuthServiceClient::new(channel);
    let register = || {
        let (mut auth, request) = (auth.clone(), request.clone());
        async move { auth.register(request).await }
    };
    Ok(unless_busy(register).await?.into_inner())
}

/// The answer of a call, made again while the answer is that too many are waiting for theirs, or that the store cannot be
/// reached: on a busy machine a replica set may elect another primary at any time.
///
/// # Errors
/// What the service answers.
pub async fn unless_busy<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    for _ in 1..MOST_TRIES {
        match call().await {
            Err(status) if [Code::ResourceExhausted, Code::Unavailable].contains(&status.code()) => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
    call().await
}

/// An address nobody has used yet.
pub(crate) fn fresh_email() -> String {
    format!("{}@example.com", Uuid::new_v4().simple())
}
