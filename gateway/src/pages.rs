//! What a person sees who opens the gateway's address in a browser.

/// `GET /`.
pub(crate) async fn index() -> String {
    format!(
        "invoice-app {version} gateway\n\
         \n\
         gRPC and gRPC-Web are served on this port; POST /package.Service/Method.\n\
         List the services:  grpcurl -plaintext HOST:PORT list\n\
         Token keys (JWKS):  GET /.well-known/jwks.json\n\
         \n\
         No console is served here.\n",
        version = env!("CARGO_PKG_VERSION")
    )
}

/// `GET /healthz`: this process answers. Whether it wants calls, and whether the services behind it do, says
/// `grpc.health.v1.Health`.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}
