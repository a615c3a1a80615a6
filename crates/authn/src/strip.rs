//! Headers by which other systems pass on who is calling. Ours takes that from the token alone, so
//! none of them may reach a handler, not even by accident.

use http::HeaderMap;

const IDENTITY_HEADERS: [&str; 22] = [
    "remote-user",
    "x-auth-request-email",
    "x-auth-request-groups",
    "x-auth-request-user",
    "x-auth-user",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-email",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-org-id",
    "x-organization-id",
    "x-principal",
    "x-remote-user",
    "x-role",
    "x-roles",
    "x-session-id",
    "x-tenant-id",
    "x-user",
    "x-user-id",
];

/// Removes every identity header that a client sent.
pub(crate) fn identity_headers(headers: &mut HeaderMap) {
    for name in IDENTITY_HEADERS {
        headers.remove(name);
    }
}
