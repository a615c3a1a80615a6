//! `invoiceapp.auth.v1.TokenService`.

use std::sync::Arc;

use authn::Validator;
use futures::StreamExt as _;
use proto::auth::v1 as pb;
use proto::auth::v1::token_service_server;
use tonic::{Request, Response, Status};

use super::error::{feed_ended, status};
use super::{inward, outward};
use crate::feed::Feed;
use crate::sessions::Sessions;

/// Access tokens seen from the other side. Open to everybody: who asks about a token has it.
#[derive(Clone)]
pub(crate) struct TokenService {
    sessions: Arc<Sessions>,
    validator: Arc<Validator>,
    feed: Feed,
}

impl TokenService {
    /// The service on these use cases.
    pub(crate) fn new(sessions: Arc<Sessions>, validator: Arc<Validator>, feed: Feed) -> Self {
        Self {
            sessions,
            validator,
            feed,
        }
    }
}

#[tonic::async_trait]
impl token_service_server::TokenService for TokenService {
    async fn validate_token(
        &self,
        request: Request<pb::ValidateTokenRequest>,
    ) -> Result<Response<pb::ValidateTokenResponse>, Status> {
        let principal = inward::validated(&request.into_inner(), &self.validator)
            .map_err(|error| status(error.into()))?;
        self.sessions.caller(&principal, None).await.map_err(status)?;
        Ok(Response::new(pb::ValidateTokenResponse {
            claims: Some(outward::claims(&principal)),
        }))
    }

    async fn get_jwks(
        &self,
        _request: Request<pb::GetJwksRequest>,
    ) -> Result<Response<pb::GetJwksResponse>, Status> {
        let keys = self.feed.keys.jwks().into_iter().map(Into::into).collect();
        Ok(Response::new(pb::GetJwksResponse { keys }))
    }

    type WatchRevocationsStream =
        std::pin::Pin<Box<dyn futures::Stream<Item = Result<pb::WatchRevocationsResponse, Status>> + Send>>;

    async fn watch_revocations(
        &self,
        _request: Request<pb::WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let feed = self.feed.begin().await.map_err(status)?;
        let messages = feed.map(|event| event.map(outward::feed_event).map_err(feed_ended));
        Ok(Response::new(Box::pin(messages)))
    }
}
