//! Messages as domain types, with every violation at once.

use authn::{Principal, TokenError, Validator};
use proto::auth::v1 as pb;
use rpc_error::{FieldPath, IntoViolation, RpcError, Violations};
use tonic::Status;

use super::error::session_not_found;
use crate::accounts::{Credentials, Registration};
use crate::domain::client::Client;
use crate::domain::email::{Email, EmailError, EmailKey};
use crate::domain::ids::SessionId;
use crate::domain::password::{Password, PasswordError};
use crate::domain::text::{ClientLabel, DisplayName, OrganizationName, TextError};
use crate::tokens::AUDIENCE;

/// Nothing, or nothing but blanks, where something is needed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("must not be blank")]
struct Blank;

impl IntoViolation for Blank {
    fn reason(&self) -> &'static str {
        "FIELD_REQUIRED"
    }
}

impl IntoViolation for EmailError {
    fn reason(&self) -> &'static str {
        Self::reason(*self)
    }
}

impl IntoViolation for PasswordError {
    fn reason(&self) -> &'static str {
        Self::reason(*self)
    }
}

impl IntoViolation for TextError {
    fn reason(&self) -> &'static str {
        Self::reason(*self)
    }
}

/// Reads the fields of one message. Each method gives `None` after it recorded a violation.
#[derive(Default)]
pub(super) struct Fields {
    violations: Violations,
}

impl Fields {
    pub(super) fn value<T, E: IntoViolation>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        self.violations.check(FieldPath::new(field), value)
    }

    /// A text that must be there. `is_blank` tells what counts as absent.
    pub(super) fn required<'a, T, E: IntoViolation>(
        &mut self,
        field: &str,
        text: &'a str,
        is_blank: impl FnOnce(&str) -> bool,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        if is_blank(text) {
            self.value(field, Err(Blank))
        } else {
            self.value(field, parse(text))
        }
    }

    /// The whole, when nothing was recorded; else every violation.
    pub(super) fn finish<T>(self, whole: Option<T>) -> Result<T, RpcError> {
        self.violations.into_result()?;
        whole.ok_or_else(RpcError::internal)
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Who calls.
fn client(label: ClientLabel) -> Client {
    Client {
        label,
        address_prefix: None,
    }
}

/// What somebody registers with.
pub(super) fn registration(request: &pb::RegisterRequest) -> Result<Registration, RpcError> {
    let mut fields = Fields::default();
    let email = fields.required("email", &request.email, is_blank, Email::parse);
    let display_name = fields.required(
        "display_name",
        &request.display_name,
        is_blank,
        DisplayName::parse,
    );
    let organization_name = fields.value(
        "organization_name",
        OrganizationName::parse(&request.organization_name),
    );
    let client_label = fields.value("client_label", ClientLabel::parse(&request.client_label));
    // Only what was accepted is known to belong to the person, and is short.
    let context = [
        email.as_ref().map_or("", Email::as_str),
        display_name.as_ref().map_or("", DisplayName::as_str),
        organization_name.as_ref().map_or("", OrganizationName::as_str),
    ];
    let password = fields.required("password", &request.password, str::is_empty, |text| {
        Password::choose(text, &context)
    });
    let whole = (|| {
        let display_name = display_name?;
        let named = organization_name?;
        Some(Registration {
            email: email?,
            password: password?,
            organization_name: if named.is_blank() {
                display_name.widen()
            } else {
                named
            },
            display_name,
            client: client(client_label?),
        })
    })();
    fields.finish(whole)
}

/// What somebody signs in with. Only what is absent or too long is a bad field; anything else that is wrong makes the
/// credentials wrong, so that nothing can be learned about how addresses or passwords are kept.
pub(super) fn credentials(request: &pb::LoginRequest) -> Result<Credentials, RpcError> {
    let mut fields = Fields::default();
    let email = fields.required("email", &request.email, is_blank, EmailKey::of_sign_in);
    let password = fields.required("password", &request.password, str::is_empty, Password::parse);
    let client_label = fields.value("client_label", ClientLabel::parse(&request.client_label));
    let whole = (|| {
        Some(Credentials {
            email: email?,
            password: password?,
            client: client(client_label?),
        })
    })();
    fields.finish(whole)
}

/// The session that a request names. A text that cannot be an id names none.
pub(super) fn session_id(text: &str) -> Result<SessionId, Status> {
    let mut fields = Fields::default();
    let text = fields.required("session_id", text, is_blank, Ok::<_, Blank>);
    let text = fields.finish(text)?;
    text.parse().map_err(|_| session_not_found(text))
}

/// Whom the token in the request speaks for, if it is valid for the audience asked about.
pub(super) fn validated(
    request: &pb::ValidateTokenRequest,
    validator: &Validator,
) -> Result<Principal, TokenError> {
    if request.access_token.is_empty() {
        return Err(TokenError::Missing);
    }
    let audience = if request.audience.is_empty() {
        AUDIENCE
    } else {
        &request.audience
    };
    validator.verify_now_for(&request.access_token, audience)
}
