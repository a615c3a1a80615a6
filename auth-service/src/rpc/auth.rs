//! `invoiceapp.auth.v1.AuthService`.

use std::sync::Arc;

use authn::{Principal, Validator, bearer_token};
use proto::auth::v1 as pb;
use proto::auth::v1::auth_service_server;
use tonic::{Request, Response, Status};

use super::error::status;
use super::{inward, outward};
use crate::accounts::Accounts;
use crate::domain::secret::Secret;
use crate::sessions::Sessions;

/// The methods that come before there is a token, or that read it themselves.
pub(crate) const ANONYMOUS: &[&str] = &[
    "/invoiceapp.auth.v1.AuthService/Register",
    "/invoiceapp.auth.v1.AuthService/Login",
    "/invoiceapp.auth.v1.AuthService/RefreshToken",
    "/invoiceapp.auth.v1.AuthService/Logout",
];

/// Users and their sessions. [`authn::Authenticated`] goes around it, with [`ANONYMOUS`].
#[derive(Clone)]
pub(crate) struct AuthService {
    accounts: Arc<Accounts>,
    sessions: Arc<Sessions>,
    validator: Arc<Validator>,
}

impl AuthService {
    /// The service on these use cases.
    pub(crate) fn new(accounts: Arc<Accounts>, sessions: Arc<Sessions>, validator: Arc<Validator>) -> Self {
        Self {
            accounts,
            sessions,
            validator,
        }
    }
}

#[tonic::async_trait]
impl auth_service_server::AuthService for AuthService {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Result<Response<pb::RegisterResponse>, Status> {
        let place = self.accounts.admit().map_err(status)?;
        let registration = inward::registration(&request.into_inner())?;
        let signed_in = self
            .accounts
            .register(place, registration)
            .await
            .map_err(status)?;
        Ok(Response::new(outward::register_response(&signed_in)))
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Result<Response<pb::LoginResponse>, Status> {
        let place = self.accounts.admit().map_err(status)?;
        let credentials = inward::credentials(&request.into_inner())?;
        let signed_in = self.accounts.login(place, credentials).await.map_err(status)?;
        Ok(Response::new(outward::login_response(&signed_in)))
    }

    async fn refresh_token(
        &self,
        request: Request<pb::RefreshTokenRequest>,
    ) -> Result<Response<pb::RefreshTokenResponse>, Status> {
        // Blank is not a bad field but no token, like any other text that is none.
        let token = Secret::new(request.into_inner().refresh_token);
        let tokens = self.sessions.refresh(token.expose()).await.map_err(status)?;
        Ok(Response::new(pb::RefreshTokenResponse {
            tokens: Some(outward::tokens(&tokens)),
        }))
    }

    async fn logout(&self, request: Request<pb::LogoutRequest>) -> Result<Response<()>, Status> {
        let ended = if request.get_ref().refresh_token.is_empty() {
            let token = bearer_token(request.metadata().as_ref()).map_err(|error| status(error.into()))?;
            let principal = self
                .validator
                .verify_now(token)
                .map_err(|error| status(error.into()))?;
            self.sessions.end(&principal.session_id).await
        } else {
            self.sessions
                .end_by_refresh_token(&request.get_ref().refresh_token)
                .await
        };
        ended.map(Response::new).map_err(status)
    }

    async fn get_me(
        &self,
        request: Request<pb::GetMeRequest>,
    ) -> Result<Response<pb::GetMeResponse>, Status> {
        let principal = Principal::of(&request)?;
        let user = self.sessions.user_of(principal).await.map_err(status)?;
        Ok(Response::new(outward::get_me_response(&user)))
    }

    async fn update_me(
        &self,
        _request: Request<pb::UpdateMeRequest>,
    ) -> Result<Response<pb::UpdateMeResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn change_password(
        &self,
        _request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn list_sessions(
        &self,
        _request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn revoke_session(
        &self,
        _request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn revoke_other_sessions(
        &self,
        _request: Request<pb::RevokeOtherSessionsRequest>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("not yet"))
    }

    async fn list_security_events(
        &self,
        _request: Request<pb::ListSecurityEventsRequest>,
    ) -> Result<Response<pb::ListSecurityEventsResponse>, Status> {
        Err(Status::unimplemented("not yet"))
    }
}
