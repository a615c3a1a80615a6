//! Domain types as messages.

use authn::{Jwk, Principal, Role};
use jiff::Timestamp;
use proto::auth::v1 as pb;
use proto::auth::v1::security_event::Type;

use crate::accounts::SignedIn;
use crate::domain::after;
use crate::domain::client::Client;
use crate::domain::revocation::{EndedSession, REACH, RaisedVersion, Revocation};
use crate::domain::security_event::{EventKind, SecurityEvent};
use crate::domain::session::Session;
use crate::domain::user::{Membership, User};
use crate::feed::FeedEvent;
use crate::sessions::Tokens;

pub(super) fn register_response(signed_in: &SignedIn) -> pb::RegisterResponse {
    pb::RegisterResponse {
        user: Some(user(&signed_in.user)),
        organization: Some(organization(&signed_in.user.membership)),
        tokens: Some(first_tokens(signed_in)),
    }
}

pub(super) fn login_response(signed_in: &SignedIn) -> pb::LoginResponse {
    pb::LoginResponse {
        user: Some(user(&signed_in.user)),
        organization: Some(organization(&signed_in.user.membership)),
        tokens: Some(first_tokens(signed_in)),
    }
}

pub(super) fn get_me_response(me: &User) -> pb::GetMeResponse {
    pb::GetMeResponse {
        user: Some(user(me)),
        organization: Some(organization(&me.membership)),
        role: role(me.membership.role).into(),
    }
}

pub(super) fn update_me_response(me: &User) -> pb::UpdateMeResponse {
    pb::UpdateMeResponse {
        user: Some(user(me)),
        organization: Some(organization(&me.membership)),
        role: role(me.membership.role).into(),
    }
}

/// With what the device shows at its next sign-in.
fn first_tokens(signed_in: &SignedIn) -> pb::Tokens {
    pb::Tokens {
        device_token: signed_in.device_token.expose().to_owned(),
        ..tokens(&signed_in.tokens)
    }
}

pub(super) fn tokens(tokens: &Tokens) -> pb::Tokens {
    pb::Tokens {
        access_token: tokens.access.token.expose().to_owned(),
        access_token_expire_time: Some(time(tokens.access.expire_time)),
        refresh_token: tokens.refresh.token.expose().to_owned(),
        refresh_token_expire_time: Some(time(tokens.refresh.expire_time)),
        session_id: tokens.session_id.to_string(),
        device_token: String::new(),
    }
}

pub(super) fn session(session: &Session, current: &Session) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        client_label: session.client.label.as_str().to_owned(),
        create_time: Some(time(session.create_time)),
        last_use_time: Some(time(session.last_use_time)),
        expire_time: Some(time(session.idle_expire_time)),
        address_prefix: address_prefix(&session.client),
        current: session.id == current.id,
    }
}

pub(super) fn security_event(event: &SecurityEvent) -> pb::SecurityEvent {
    pb::SecurityEvent {
        id: event.id.to_string(),
        r#type: event_type(event.kind).into(),
        time: Some(time(event.time)),
        session_id: event
            .session_id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        address_prefix: address_prefix(&event.client),
        client_label: event.client.label.as_str().to_owned(),
    }
}

fn event_type(kind: EventKind) -> Type {
    match kind {
        EventKind::Registered => Type::Registered,
        EventKind::SignedIn => Type::SignedIn,
        EventKind::SignInFailed => Type::SignInFailed,
        EventKind::SignedOut => Type::SignedOut,
        EventKind::RefreshTokenReused => Type::RefreshTokenReused,
        EventKind::PasswordChanged => Type::PasswordChanged,
        EventKind::PasswordChangeFailed => Type::PasswordChangeFailed,
        EventKind::SessionRevoked => Type::SessionRevoked,
        EventKind::OtherSessionsRevoked => Type::OtherSessionsRevoked,
        EventKind::SigningKeysRotated => Type::SigningKeysRotated,
        EventKind::SigningKeyRevoked => Type::SigningKeyRevoked,
    }
}

/// Blank when it is not known.
fn address_prefix(client: &Client) -> String {
    client
        .address_prefix
        .map(|prefix| prefix.to_string())
        .unwrap_or_default()
}

pub(super) fn claims(principal: &Principal) -> pb::Claims {
    pb::Claims {
        subject: principal.user_id.to_string(),
        organization_id: principal.organization_id.to_string(),
        session_id: principal.session_id.to_string(),
        role: role(principal.role).into(),
        issue_time: Some(time(principal.issue_time)),
        expire_time: Some(time(principal.expire_time)),
    }
}

fn user(user: &User) -> pb::User {
    pb::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        display_name: user.display_name.as_str().to_owned(),
        create_time: Some(time(user.create_time)),
    }
}

fn organization(membership: &Membership) -> pb::Organization {
    pb::Organization {
        id: membership.organization_id.to_string(),
        name: membership.organization_name.as_str().to_owned(),
    }
}

fn role(role: Role) -> pb::Role {
    match role {
        Role::Owner => pb::Role::Owner,
        Role::Member => pb::Role::Member,
    }
}

fn time(time: Timestamp) -> prost_types::Timestamp {
    // A protobuf time counts its nanoseconds forwards from the second before it.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        prost_types::Timestamp {
            seconds: seconds - 1,
            nanos: nanos + 1_000_000_000,
        }
    } else {
        prost_types::Timestamp { seconds, nanos }
    }
}

pub(super) fn feed_event(event: FeedEvent) -> pb::WatchRevocationsResponse {
    use pb::watch_revocations_response::Event;

    let event = match event {
        FeedEvent::Snapshot { revocations, keys } => Event::Snapshot(snapshot(revocations, keys)),
        FeedEvent::Revoked(Revocation::Session(ended)) => Event::SessionRevoked(session_revoked(&ended)),
        FeedEvent::Revoked(Revocation::User(raised)) => Event::UserRevoked(user_revoked(&raised)),
        FeedEvent::Keys(keys) => Event::KeysChanged(pb::KeysChanged { keys: jwks(keys) }),
        FeedEvent::Heartbeat(time) => Event::Heartbeat(pb::Heartbeat {
            time: Some(self::time(time)),
        }),
    };
    pb::WatchRevocationsResponse { event: Some(event) }
}

fn snapshot(revocations: Vec<Revocation>, keys: Option<Vec<Jwk>>) -> pb::RevocationSnapshot {
    let (mut sessions, mut users) = (Vec::new(), Vec::new());
    for revocation in revocations {
        match revocation {
            Revocation::Session(ended) => sessions.push(session_revoked(&ended)),
            Revocation::User(raised) => users.push(user_revoked(&raised)),
        }
    }
    pb::RevocationSnapshot {
        sessions,
        users,
        complete: keys.is_some(),
        keys: jwks(keys.unwrap_or_default()),
    }
}

fn session_revoked(ended: &EndedSession) -> pb::SessionRevoked {
    pb::SessionRevoked {
        session_id: ended.id.to_string(),
        drop_time: Some(time(after(ended.end_time, REACH))),
    }
}

fn user_revoked(raised: &RaisedVersion) -> pb::UserRevoked {
    pb::UserRevoked {
        user_id: raised.user_id.to_string(),
        minimum_version: raised.security_version,
        drop_time: Some(time(after(raised.time, REACH))),
    }
}

fn jwks(keys: Vec<Jwk>) -> Vec<pb::Jwk> {
    keys.into_iter().map(Into::into).collect()
}
