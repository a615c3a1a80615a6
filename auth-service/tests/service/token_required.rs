//! Every rpc that needs an access token refuses a missing, an expired and a revoked one.

use std::collections::BTreeSet;

use crate::support::{Service, bearer, refusal, unauthenticated};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use proto::auth::v1 as pb;
use tonic::{Request, Status};

type Call = fn(&Service, Option<&str>) -> BoxFuture<'static, Result<(), Status>>;

/// A row per rpc: its name and a call without a field, so that who gets past the token is refused otherwise, or served.
macro_rules! rows {
    ($($name:literal $method:ident $message:ident,)*) => {
        [$(($name, |service: &Service, token: Option<&str>| {
            let mut auth = service.auth();
            let message = pb::$message::default();
            let request = match token {
                Some(token) => bearer(token, message),
                None => Request::new(message),
            };
            async move { auth.$method(request).await.map(drop) }.boxed()
        }),)*]
    };
}

const ROWS: &[(&str, Call)] = &rows![
    "GetMe" get_me GetMeRequest,
    "UpdateMe" update_me UpdateMeRequest,
    "ChangePassword" change_password ChangePasswordRequest,
    "ListSessions" list_sessions ListSessionsRequest,
    "RevokeSession" revoke_session RevokeSessionRequest,
    "RevokeOtherSessions" revoke_other_sessions RevokeOtherSessionsRequest,
    "ListSecurityEvents" list_security_events ListSecurityEventsRequest,
];

/// They come before there is a token, or read it themselves.
const ANONYMOUS: [&str; 4] = ["Register", "Login", "RefreshToken", "Logout"];

#[test]
fn every_rpc_has_a_row() {
    let methods = grpc_server::methods(&[proto::auth::FILE_DESCRIPTOR_SET]);
    let prefix = "/invoiceapp.auth.v1.AuthService/";
    let names = methods.iter().filter_map(|method| method.strip_prefix(prefix));
    let expected: BTreeSet<_> = names.collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|(name, _)| *name).chain(ANONYMOUS).collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn without_a_token_that_holds_nothing_is_served() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let expired = tokens.access_token;
    service.advance(605);
    let tokens = service.refresh(&tokens.refresh_token).await.unwrap();
    service.logout(&tokens.access_token).await.unwrap();
    for (name, call) in ROWS {
        for (token, reason) in [
            (None, "TOKEN_MISSING"),
            (Some("nonsense"), "TOKEN_INVALID"),
            (Some(expired.as_str()), "TOKEN_EXPIRED"),
            (Some(tokens.access_token.as_str()), "TOKEN_REVOKED"),
        ] {
            let refused = refusal(call(&service, token).await);
            assert_eq!(refused, unauthenticated(reason), "{name}");
        }
    }
}
