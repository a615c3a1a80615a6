//! What a person sees who opens the gateway's address in a browser.

/// `GET /`.
pub(crate) async fn index() -> String {
    format!(
        "invoice-app {version} gateway\n\
         \n\
         gRPC and gRPC-Web are served on this port; POST /package.Service/Method.\n\
         List the services:  grpcurl -plaintext HOST:PORT list\n\
         Token keys (JWKS):  GET /.well-known/jwks.json\n\
         Documentation:      README.md and docs/ of the source, docs/BROWSER.md for web pages\n\
         \n\
         No console is served here. To have one, build web/console and start this with\n\
         --console-dir web/console/dist (GATEWAY_CONSOLE_DIR); `make run` does both.\n",
        version = env!("CARGO_PKG_VERSION")
    )
}

/// `GET /healthz`: this process answers. Whether it wants calls, and whether the services behind it do, says
/// `grpc.health.v1.Health`.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}
