//! Messages as domain types, with every violation at once.

use authn::{Principal, TokenError, Validator};
use client_address::AddressPrefix;
use proto::auth::v1 as pb;
use rpc_error::{FieldPath, IntoViolation, RpcError, Violations};
use tonic::Status;

use super::error::session_not_found;
use crate::accounts::{Credentials, Registration};
use crate::domain::client::Client;
use crate::domain::email::{Email, EmailError, EmailKey};
use crate::domain::ids::SessionId;
use crate::domain::password::{Password, PasswordError};
use crate::domain::secret::Secret;
use crate::domain::text::{ClientLabel, DisplayName, OrganizationName, TextError};
use crate::domain::user::{ProfileChange, User};
use crate::passwords::PasswordChange;
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

/// A path of a field mask that names nothing.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("must be `display_name`, `organization_name`, or `*` alone")]
struct UnknownPath;

impl IntoViolation for UnknownPath {
    fn reason(&self) -> &'static str {
        "FIELD_MASK_UNKNOWN"
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

/// What somebody registers with.
pub(super) fn registration(
    request: &pb::RegisterRequest,
    address_prefix: Option<AddressPrefix>,
) -> Result<Registration, RpcError> {
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
            client: Client {
                label: client_label?,
                address_prefix,
            },
        })
    })();
    fields.finish(whole)
}

/// What somebody signs in with. Only what is absent or too long is a bad field; anything else that is wrong makes the
/// credentials wrong, so that nothing can be learned about how addresses or passwords are kept.
pub(super) fn credentials(
    request: &pb::LoginRequest,
    address_prefix: Option<AddressPrefix>,
) -> Result<Credentials, RpcError> {
    let mut fields = Fields::default();
    let email = fields.required("email", &request.email, is_blank, EmailKey::of_sign_in);
    let password = fields.required("password", &request.password, str::is_empty, Password::parse);
    let client_label = fields.value("client_label", ClientLabel::parse(&request.client_label));
    let whole = (|| {
        Some(Credentials {
            email: email?,
            password: password?,
            client: Client {
                label: client_label?,
                address_prefix,
            },
            device_token: Secret::new(request.device_token.clone()),
        })
    })();
    fields.finish(whole)
}

/// The password that somebody has and the one that is wanted instead; `user` is what a guesser may know.
pub(super) fn password_change(
    request: &pb::ChangePasswordRequest,
    user: &User,
) -> Result<PasswordChange, RpcError> {
    let mut fields = Fields::default();
    let current = &request.current_password;
    let current = fields.required("current_password", current, str::is_empty, Password::parse);
    let context = [
        user.email.as_str(),
        user.display_name.as_str(),
        user.membership.organization_name.as_str(),
    ];
    let new = fields.required("new_password", &request.new_password, str::is_empty, |text| {
        Password::choose_instead(text, current.as_ref(), &context)
    });
    let change = current.zip(new);
    fields.finish(change.map(|(current, new)| PasswordChange { current, new }))
}

/// What somebody changes of the own profile: what the mask names (AIP-134).
pub(super) fn profile_change(request: &pb::UpdateMeRequest) -> Result<ProfileChange, RpcError> {
    let mut fields = Fields::default();
    let paths = request.update_mask.as_ref().map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        fields.value::<(), _>("update_mask", Err(Blank));
    }
    let all = paths == ["*"];
    let (mut name_is_named, mut organization_is_named) = (all, all);
    for (position, path) in paths.iter().enumerate() {
        match path.as_str() {
            "display_name" => name_is_named = true,
            "organization_name" => organization_is_named = true,
            _ if all => {}
            _ => {
                let path = FieldPath::new("update_mask").field("paths").index(position);
                fields.violations.check(path, Err::<(), _>(UnknownPath));
            }
        }
    }
    let mut change = ProfileChange::default();
    if name_is_named {
        let name = &request.display_name;
        change.display_name = fields.required("display_name", name, is_blank, DisplayName::parse);
    }
    if organization_is_named {
        let name = &request.organization_name;
        change.organization_name =
            fields.required("organization_name", name, is_blank, OrganizationName::parse);
    }
    fields.finish(Some(change))
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
