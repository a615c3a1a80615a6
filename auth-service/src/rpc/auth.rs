//! `invoiceapp.auth.v1.AuthService`.

use std::sync::Arc;

use authn::{Principal, TokenError, Validator, bearer_token};
use client_address::{AddressPrefix, ClientAddress, TrustedProxies};
use proto::auth::v1 as pb;
use proto::auth::v1::auth_service_server;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::cookie::Delivery;
use super::error::status;
use super::page::Page;
use super::{inward, outward};
use crate::accounts::Accounts;
use crate::cookie_form::CookieForm;
use crate::domain::secret::Secret;
use crate::error::AuthError;
use crate::events::SecurityEvents;
use crate::passwords::Passwords;
use crate::profile::Profiles;
use crate::sessions::{Caller, Sessions};

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
    passwords: Arc<Passwords>,
    profiles: Arc<Profiles>,
    events: Arc<SecurityEvents>,
    validator: Arc<Validator>,
    cookies: CookieForm,
    trusted_proxies: TrustedProxies,
}

/// What the handlers call.
pub(crate) struct UseCases {
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) passwords: Passwords,
    pub(crate) profiles: Profiles,
    pub(crate) events: Arc<SecurityEvents>,
}

impl AuthService {
    /// The service on these use cases.
    pub(crate) fn new(
        uses: UseCases,
        validator: Arc<Validator>,
        cookies: CookieForm,
        trusted_proxies: TrustedProxies,
    ) -> Self {
        Self {
            accounts: Arc::new(uses.accounts),
            sessions: uses.sessions,
            passwords: Arc::new(uses.passwords),
            profiles: Arc::new(uses.profiles),
            events: uses.events,
            validator,
            cookies,
            trusted_proxies,
        }
    }

    /// Where a call came from.
    fn client<T>(&self, request: &Request<T>) -> Option<ClientAddress> {
        let peer = request.remote_addr()?.ip();
        let headers = request.metadata().as_ref();
        Some(ClientAddress::new(peer, headers, &self.trusted_proxies))
    }

    fn delivery(&self, metadata: &MetadataMap) -> Delivery {
        Delivery::of(metadata, self.cookies, self.sessions.clock.now())
    }

    async fn end_by_access_token(
        &self,
        metadata: &MetadataMap,
        from: Option<AddressPrefix>,
    ) -> Result<(), AuthError> {
        let token = bearer_token(metadata.as_ref())?;
        let principal = self.validator.verify_now(token)?;
        self.sessions.end(&principal.session_id, from).await
    }

    /// Ends what a browser signs out of: the session of its access token and that of its cookie, which are one as a rule.
    /// Either is enough, since an access token may have ended meanwhile, and a cookie's session too.
    async fn end_by_access_token_and_cookie(
        &self,
        metadata: &MetadataMap,
        cookie: &Secret,
        from: Option<AddressPrefix>,
    ) -> Result<(), AuthError> {
        let by_cookie = self.sessions.end_by_refresh_token(cookie.expose(), from).await;
        match (self.end_by_access_token(metadata, from).await, by_cookie) {
            (Ok(()), Err(AuthError::RefreshTokenInvalid)) | (Err(AuthError::Token(_)), Ok(())) => Ok(()),
            (Err(AuthError::Token(TokenError::Missing)), refused) => refused,
            (ended @ Err(_), _) | (Ok(()), ended) => ended,
        }
    }

    /// Who calls: the token says it, and the store that it still holds. Comes before anything else is read.
    async fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let principal = Principal::of(request)?;
        let prefix = self.address_prefix(request);
        self.sessions.caller(principal, prefix).await.map_err(status)
    }

    /// As much of where a call came from as is stored.
    fn address_prefix<T>(&self, request: &Request<T>) -> Option<AddressPrefix> {
        self.client(request).map(ClientAddress::prefix)
    }
}

#[tonic::async_trait]
impl auth_service_server::AuthService for AuthService {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Result<Response<pb::RegisterResponse>, Status> {
        let delivery = self.delivery(request.metadata());
        let place = self.accounts.admit(self.client(&request)).map_err(status)?;
        let prefix = self.address_prefix(&request);
        let message = request.into_inner();
        let read = move || inward::registration(&message, prefix);
        let (place, registration) = self.accounts.read(place, read).await.map_err(status)?;
        let signed_in = self
            .accounts
            .register(place, registration?)
            .await
            .map_err(status)?;
        delivery.respond(outward::register_response(&signed_in), |answer| {
            answer.tokens.as_mut()
        })
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Result<Response<pb::LoginResponse>, Status> {
        let delivery = self.delivery(request.metadata());
        let place = self.accounts.admit(self.client(&request)).map_err(status)?;
        let device_cookie = delivery.device_cookie(request.metadata());
        let prefix = self.address_prefix(&request);
        let mut request = request.into_inner();
        if request.device_token.is_empty() {
            request.device_token = device_cookie.unwrap_or_default();
        }
        let credentials = inward::credentials(&request, prefix)?;
        let signed_in = self.accounts.login(place, credentials).await.map_err(status)?;
        delivery.respond(outward::login_response(&signed_in), |answer| {
            answer.tokens.as_mut()
        })
    }

    async fn refresh_token(
        &self,
        request: Request<pb::RefreshTokenRequest>,
    ) -> Result<Response<pb::RefreshTokenResponse>, Status> {
        let from = self.address_prefix(&request);
        let (metadata, _, message) = request.into_parts();
        let delivery = self.delivery(&metadata);
        let given = Secret::new(message.refresh_token);
        let is_given = !given.expose().is_empty();
        let cookie = delivery.refresh_cookie(&metadata).filter(|_| !is_given);
        // Blank is not a bad field but no token, like any other text that is none.
        let token = cookie.unwrap_or(given);
        match self.sessions.refresh(token.expose(), from).await {
            Ok(tokens) => {
                let tokens = Some(outward::tokens(&tokens));
                delivery.respond(pb::RefreshTokenResponse { tokens }, |answer| {
                    answer.tokens.as_mut()
                })
            }
            Err(error) => {
                let is_dead = !is_given && error.is_unauthenticated();
                let mut refused = status(error);
                if is_dead {
                    delivery.forget_refresh_token(refused.metadata_mut());
                }
                Err(refused)
            }
        }
    }

    async fn logout(&self, request: Request<pb::LogoutRequest>) -> Result<Response<()>, Status> {
        let from = self.address_prefix(&request);
        let (metadata, _, message) = request.into_parts();
        let given = Secret::new(message.refresh_token);
        if !given.expose().is_empty() {
            let ended = self.sessions.end_by_refresh_token(given.expose(), from).await;
            return ended.map(Response::new).map_err(status);
        }
        let delivery = self.delivery(&metadata);
        let ended = match delivery.refresh_cookie(&metadata) {
            Some(cookie) => {
                self.end_by_access_token_and_cookie(&metadata, &cookie, from)
                    .await
            }
            None => self.end_by_access_token(&metadata, from).await,
        };
        // Kept while the session may live, for the next try.
        let is_over = ended.as_ref().err().is_none_or(AuthError::is_unauthenticated);
        let mut answer = ended.map(Response::new).map_err(status);
        if is_over {
            let metadata = match &mut answer {
                Ok(response) => response.metadata_mut(),
                Err(refused) => refused.metadata_mut(),
            };
            delivery.forget_refresh_token(metadata);
        }
        answer
    }

    async fn get_me(
        &self,
        request: Request<pb::GetMeRequest>,
    ) -> Result<Response<pb::GetMeResponse>, Status> {
        let caller = self.caller(&request).await?;
        Ok(Response::new(outward::get_me_response(&caller.user)))
    }

    async fn update_me(
        &self,
        request: Request<pb::UpdateMeRequest>,
    ) -> Result<Response<pb::UpdateMeResponse>, Status> {
        let caller = self.caller(&request).await?;
        let change = inward::profile_change(request.get_ref())?;
        let updated = self.profiles.update(&caller.user, change).await.map_err(status)?;
        Ok(Response::new(outward::update_me_response(&updated)))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let delivery = self.delivery(request.metadata());
        let places = self.passwords.admit(self.client(&request)).map_err(status)?;
        let caller = self.caller(&request).await?;
        let (message, user) = (request.into_inner(), caller.user.clone());
        let read = move || inward::password_change(&message, &user);
        let (places, change) = self.passwords.read(places, read).await.map_err(status)?;
        let changed = self.passwords.change(places, &caller, change?).await;
        let tokens = Some(outward::tokens(&changed.map_err(status)?));
        delivery.respond(pb::ChangePasswordResponse { tokens }, |answer| {
            answer.tokens.as_mut()
        })
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let caller = self.caller(&request).await?;
        let pb::ListSessionsRequest {
            page_size,
            page_token,
        } = request.get_ref();
        let mut page = Page::of("ListSessions", &caller.user, *page_size, page_token)?;
        let listed = self.sessions.list(&caller.user, page.before.take(), page.limit());
        let mut listed = listed.await.map_err(status)?;
        let next_page_token = page.cut(&mut listed, |session| session.id.as_str());
        let session = |session| outward::session(session, &caller.session);
        Ok(Response::new(pb::ListSessionsResponse {
            sessions: listed.iter().map(session).collect(),
            next_page_token,
        }))
    }

    async fn revoke_session(
        &self,
        request: Request<pb::RevokeSessionRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.caller(&request).await?;
        let id = inward::session_id(&request.get_ref().session_id)?;
        let revoked = self.sessions.revoke(&caller, &id).await;
        revoked.map(Response::new).map_err(status)
    }

    async fn revoke_other_sessions(
        &self,
        request: Request<pb::RevokeOtherSessionsRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = self.caller(&request).await?;
        let revoked = self.sessions.revoke_others(&caller).await;
        revoked.map(Response::new).map_err(status)
    }

    async fn list_security_events(
        &self,
        request: Request<pb::ListSecurityEventsRequest>,
    ) -> Result<Response<pb::ListSecurityEventsResponse>, Status> {
        let caller = self.caller(&request).await?;
        let pb::ListSecurityEventsRequest {
            page_size,
            page_token,
        } = request.get_ref();
        let mut page = Page::of("ListSecurityEvents", &caller.user, *page_size, page_token)?;
        let listed = self.events.list(&caller.user, page.before.take(), page.limit());
        let mut listed = listed.await.map_err(status)?;
        let next_page_token = page.cut(&mut listed, |event| event.id.as_str());
        Ok(Response::new(pb::ListSecurityEventsResponse {
            events: listed.iter().map(outward::security_event).collect(),
            next_page_token,
        }))
    }
}
