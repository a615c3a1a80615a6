//! Users, sessions and keys for tests of stores.

use authn::{KeyId, Role};
use jiff::{SignedDuration, Timestamp};
use ulid::Ulid;

use crate::domain::client::Client;
use crate::domain::email::Email;
use crate::domain::ids::{OrganizationId, SessionId, UserId};
use crate::domain::session::{EndReason, Session, SessionEnd, SessionLimits};
use crate::domain::signing_key::SigningKey;
use crate::domain::text::Text;
use crate::domain::user::{Membership, PasswordHash, User};

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond((1_790_000_000 + seconds) * 1000 + 123).unwrap()
}

pub(crate) fn ulid() -> Ulid {
    Ulid::generate()
}

pub(crate) fn user(email: &str) -> User {
    User {
        id: UserId::from_ulid(ulid()),
        email: Email::parse(email).unwrap(),
        display_name: Text::parse("Ada Lovelace").unwrap(),
        password_hash: PasswordHash::new("$argon2id$first".to_owned()),
        security_version: 7,
        security_version_time: time(3),
        membership: Membership {
            organization_id: OrganizationId::from_ulid(ulid()),
            organization_name: Text::parse("Analytical Engines").unwrap(),
            role: Role::Owner,
        },
        create_time: time(0),
    }
}

pub(crate) fn session_of(user: &User) -> Session {
    let limits = SessionLimits {
        idle: SignedDuration::from_hours(1),
        absolute: SignedDuration::from_hours(2),
    };
    let client = Client {
        label: Text::parse("Firefox on Linux").unwrap(),
        address_prefix: Some("203.0.113.0/24".parse().unwrap()),
    };
    Session::begin(SessionId::from_ulid(ulid()), user, client, time(0), limits)
}

pub(crate) fn advanced(session: &Session, seconds: i64) -> Session {
    Session {
        generation: session.generation + 1,
        last_use_time: time(seconds),
        idle_expire_time: time(seconds + 3600),
        ..session.clone()
    }
}

pub(crate) fn logout(seconds: i64) -> SessionEnd {
    SessionEnd {
        reason: EndReason::Logout,
        time: time(seconds),
    }
}

pub(crate) fn key(byte: u8) -> SigningKey {
    SigningKey {
        id: KeyId::of(&[byte; 32]),
        sequence: byte.into(),
        activate_time: time(100 + i64::from(byte)),
        revoke_time: None,
        public_key: [byte; 32],
        sealed_private_key: vec![0, byte, 255],
        create_time: time(i64::from(byte)),
    }
}
