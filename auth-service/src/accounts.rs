//! Use cases around accounts: registering and signing in.

use std::sync::Arc;

use authn::Role;
use client_address::ClientAddress;

use crate::devices::DeviceTokens;
use crate::domain::client::Client;
use crate::domain::clock::Clock;
use crate::domain::email::{Email, EmailKey};
use crate::domain::ids::{OrganizationId, UserId, new_ulid};
use crate::domain::password::Password;
use crate::domain::secret::Secret;
use crate::domain::security_event::{EventKind, SecurityEvent};
use crate::domain::session::Session;
use crate::domain::text::{DisplayName, OrganizationName};
use crate::domain::user::{Membership, PasswordHash, User};
use crate::error::AuthError;
use crate::events::SecurityEvents;
use crate::hashing::{HashingPool, Place, Verdict};
use crate::sessions::{Sessions, Tokens};
use crate::store::AuthStore;
use crate::throttle::{LaneKey, Throttle};

/// What a person registers with.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) display_name: DisplayName,
    pub(crate) organization_name: OrganizationName,
    pub(crate) client: Client,
}

/// What a person signs in with.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) email: EmailKey,
    pub(crate) password: Password,
    pub(crate) client: Client,
    /// What the device got when somebody signed in on it; anything else, such as nothing, makes it an unknown one.
    pub(crate) device_token: Secret,
}

/// Who signed in, and the tokens of the new session.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) tokens: Tokens,
    /// For the next sign-in on the same device.
    pub(crate) device_token: Secret,
}

/// See the module.
pub(crate) struct Accounts {
    pub(crate) store: Arc<dyn AuthStore>,
    pub(crate) hashing: Arc<HashingPool>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) devices: DeviceTokens,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) events: Arc<SecurityEvents>,
    pub(crate) clock: Clock,
}

impl Accounts {
    /// A place for the one hash that a registration or sign-in costs, before anything else is done for it. The order is the
    /// same for all of them: the caller's address, a place, the account's failures, the look-up, the hash; so nothing that a
    /// refusal says or takes depends on whether somebody has the e-mail address.
    ///
    /// # Errors
    /// `Throttled`, `Busy`.
    pub(crate) fn admit(&self, client: Option<ClientAddress>) -> Result<Place, AuthError> {
        self.throttle.count(client)?;
        Ok(self.hashing.admit()?)
    }

    /// Reads a message with a new password where passwords are hashed: judging one may take as long as hashing it.
    ///
    /// # Errors
    /// `Busy`.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        place: Place,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(Place, T), AuthError> {
        Ok(self.hashing.prepare(place, read).await?)
    }

    /// Makes a user, the user's organization and a first session.
    ///
    /// # Errors
    /// `EmailTaken`, `Busy`, and the store's. After `Unavailable` the user may exist: signing in tells.
    pub(crate) async fn register(
        &self,
        place: Place,
        registration: Registration,
    ) -> Result<SignedIn, AuthError> {
        // Saves the hash; the unique index decides.
        if self
            .store
            .user_by_email(&registration.email.key())
            .await?
            .is_some()
        {
            return Err(AuthError::EmailTaken);
        }
        let password_hash = self.hashing.hash(place, registration.password).await?;
        let now = self.clock.now();
        let user = User {
            id: UserId::from_ulid(new_ulid(now)),
            email: registration.email,
            display_name: registration.display_name,
            password_hash,
            security_version: User::FIRST_SECURITY_VERSION,
            security_version_time: now,
            membership: Membership {
                organization_id: OrganizationId::from_ulid(new_ulid(now)),
                organization_name: registration.organization_name,
                role: Role::Owner,
            },
            create_time: now,
        };
        let session = self.sessions.begin(&user, registration.client, now);
        let tokens = self.sessions.tokens(&user, &session, now)?;
        self.store.insert_user(user.clone(), session.clone()).await?;
        self.record(EventKind::Registered, session).await;
        let device_token = self
            .devices
            .token(&user.email.key(), DeviceTokens::new_device(now), now);
        Ok(SignedIn {
            user,
            tokens,
            device_token,
        })
    }

    /// Starts a session. An unknown address and a wrong password cost the same and are answered alike.
    ///
    /// # Errors
    /// `CredentialsInvalid`, `Throttled`, `Busy`, and the store's.
    pub(crate) async fn login(&self, place: Place, credentials: Credentials) -> Result<SignedIn, AuthError> {
        let email = credentials.email;
        let token = credentials.device_token;
        let device = self.devices.read(token.expose(), &email, self.clock.now());
        let lane = match device {
            Some(device) => LaneKey::device(&email, device),
            None => LaneKey::account(&email),
        };
        let attempt = self.throttle.attempt(lane).await?;
        let user = self.store.user_by_email(&email).await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let verdict = self.hashing.compare(place, credentials.password, stored).await?;
        let (user, stronger) = match (user, verdict) {
            (Some(user), Verdict::Right { stronger }) => (user, stronger),
            (user, verdict) => {
                attempt.failed();
                report_unusable(user.as_ref(), &verdict);
                self.events.sign_in_failed(user.as_ref(), credentials.client);
                return Err(AuthError::CredentialsInvalid);
            }
        };
        attempt.succeeded();
        let now = self.clock.now();
        let session = self.sessions.begin(&user, credentials.client, now);
        let tokens = self.sessions.tokens(&user, &session, now)?;
        self.store.insert_session(session.clone()).await?;
        self.record(EventKind::SignedIn, session).await;
        if let Some(stronger) = stronger {
            self.strengthen(&user, stronger).await;
        }
        let device = device.unwrap_or_else(|| DeviceTokens::new_device(now));
        let device_token = self.devices.token(&email, device, now);
        Ok(SignedIn {
            user,
            tokens,
            device_token,
        })
    }

    /// Writes down how a session began.
    async fn record(&self, kind: EventKind, session: Session) {
        let time = session.create_time;
        let event = SecurityEvent::of_user(kind, session.user_id, Some(session.id), session.client, time);
        self.events.record(event).await;
    }

    /// Stores a stronger hash of the same password, unless the password was changed meanwhile. A failure does not spoil
    /// the sign-in: the next one tries again.
    async fn strengthen(&self, user: &User, stronger: PasswordHash) {
        if let Err(error) = self
            .store
            .replace_password_hash(&user.id, &user.password_hash, stronger)
            .await
        {
            tracing::warn!(%error, "a stronger password hash was not stored");
        }
    }
}

/// The owner of a hash that we cannot have written is answered as anybody; the operator is told.
fn report_unusable(user: Option<&User>, verdict: &Verdict) {
    if let (Some(user), Verdict::Unusable(error)) = (user, verdict) {
        tracing::error!(user = %user.id, %error, "a user cannot sign in");
    }
}
