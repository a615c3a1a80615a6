//! What enumerations are called in every store.

use crate::domain::security_event::EventKind;
use crate::domain::session::EndReason;

/// A name that no release of this program has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnknownName {
    #[error("an unknown reason for the end of a session")]
    EndReason,
    #[error("an unknown kind of a security event")]
    EventKind,
}

pub(super) fn end_reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "LOGOUT",
        EndReason::RefreshTokenReused => "REFRESH_TOKEN_REUSED",
        EndReason::Revoked => "REVOKED",
        EndReason::PasswordChanged => "PASSWORD_CHANGED",
    }
}

pub(super) fn end_reason(name: &str) -> Result<EndReason, UnknownName> {
    match name {
        "LOGOUT" => Ok(EndReason::Logout),
        "REFRESH_TOKEN_REUSED" => Ok(EndReason::RefreshTokenReused),
        "REVOKED" => Ok(EndReason::Revoked),
        "PASSWORD_CHANGED" => Ok(EndReason::PasswordChanged),
        _ => Err(UnknownName::EndReason),
    }
}

pub(super) fn event_kind(name: &str) -> Result<EventKind, UnknownName> {
    let mut kinds = EventKind::ALL.into_iter();
    kinds
        .find(|kind| kind.name() == name)
        .ok_or(UnknownName::EventKind)
}
