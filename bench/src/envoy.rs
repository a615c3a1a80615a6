//! Envoy with its grpc_web filter in front of a service: what many would put in the gateway's place.

use std::error::Error;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use harness::workspace_root;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::deployment::{PAUSE, Process, START, get};

const PACKAGE: &str = "type.googleapis.com/envoy.extensions";
/// As long as our gateway waits for a service.
const TIMEOUT: &str = "30s";

/// What is written of each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// Nothing.
    None,
    /// A line of JSON with what our gateway's has.
    Json,
}

/// A running Envoy; ends with this value.
pub(crate) struct Envoy {
    pub(crate) address: SocketAddr,
    process: Process,
    _folder: TempDir,
}

impl Envoy {
    /// Starts it with so many worker threads in front of a gRPC service, and waits until it listens. It translates and
    /// forwards, and writes a line for each call if it is told to: no CORS, no deadlines, no limits of ours.
    ///
    /// # Errors
    /// It is missing, ends, or does not listen after 30 s.
    pub(crate) async fn start(
        binary: &Path,
        service: SocketAddr,
        workers: usize,
        log: Log,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let log = match log {
            Log::None => json!([]),
            Log::Json => access_log(&at("access.log")),
        };
        fs::write(at("envoy.json"), config(service, &log).to_string())?;
        let mut command = Process::command(binary);
        command
            .arg("--config-path")
            .arg(at("envoy.json"))
            .arg("--admin-address-path")
            .arg(at("admin"))
            .args([
                "--disable-hot-restart",
                "--log-level",
                "error",
                "--concurrency",
                &workers.to_string(),
            ])
            .stdout(File::create(at("out"))?)
            .stderr(File::create(at("log"))?);
        let mut process = Process::spawn(command)?;
        let end = Instant::now() + START;
        loop {
            if let Some(address) = listens(&at("admin")).await {
                return Ok(Self {
                    address,
                    process,
                    _folder: folder,
                });
            }
            let ended = process.ended()?;
            if ended.is_some() || Instant::now() > end {
                let log = fs::read_to_string(at("log")).unwrap_or_default();
                return Err(format!("Envoy does not listen ({ended:?}): {log}").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// The Envoy of `scripts/provision envoy`, which installs it when it is not there.
///
/// # Errors
/// It cannot be installed.
pub(crate) fn provisioned() -> Result<PathBuf, Box<dyn Error>> {
    let installed = Command::new(workspace_root().join("scripts/provision"))
        .arg("envoy")
        .status()?;
    if installed.success() {
        Ok(workspace_root().join(".tools/bin/envoy"))
    } else {
        Err("Envoy cannot be installed; give --envoy".into())
    }
}

/// Where it listens, from its admin port, whose address is in that file.
async fn listens(admin: &Path) -> Option<SocketAddr> {
    let admin = fs::read_to_string(admin).ok()?.trim().parse().ok()?;
    listener(&get(admin, "/listeners").await.ok()?)
}

/// The address in `name::127.0.0.1:10000`.
fn listener(answer: &str) -> Option<SocketAddr> {
    let address = answer.lines().find_map(|line| line.trim().strip_prefix("edge::"));
    let address: SocketAddr = address?.parse().ok()?;
    (address.port() != 0).then_some(address)
}

fn any_port() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}

fn config(service: SocketAddr, access_log: &Value) -> Value {
    let address =
        json!({ "socket_address": { "address": service.ip().to_string(), "port_value": service.port() } });
    json!({
        "admin": { "address": any_port() },
        "static_resources": {
            "listeners": [{
                "name": "edge",
                "address": any_port(),
                "filter_chains": [{ "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": connection_manager(access_log),
                }] }],
            }],
            "clusters": [{
                "name": "service",
                "type": "STATIC",
                "connect_timeout": "1s",
                "typed_extension_protocol_options": {
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": format!("{PACKAGE}.upstreams.http.v3.HttpProtocolOptions"),
                        "explicit_http_config": { "http2_protocol_options": {} },
                    },
                },
                "load_assignment": {
                    "cluster_name": "service",
                    "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
                },
            }],
        },
    })
}

fn access_log(file: &Path) -> Value {
    json!([{
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": format!("{PACKAGE}.access_loggers.file.v3.FileAccessLog"),
            "path": file,
            "log_format": { "json_format": {
                "timestamp": "%START_TIME%",
                "method": "%REQ(:PATH)%",
                "code": "%GRPC_STATUS(CAMEL_STRING)%",
                "duration_ms": "%DURATION%",
                "request_id": "%REQ(X-REQUEST-ID)%",
                "peer": "%DOWNSTREAM_REMOTE_ADDRESS%",
            } },
        },
    }])
}

fn connection_manager(access_log: &Value) -> Value {
    json!({
        "@type": format!("{PACKAGE}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "edge",
        "codec_type": "AUTO",
        "access_log": access_log,
        "route_config": { "virtual_hosts": [{
            "name": "services",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "service", "timeout": TIMEOUT } }],
        }] },
        "http_filters": [
            {
                "name": "envoy.filters.http.grpc_web",
                "typed_config": { "@type": format!("{PACKAGE}.filters.http.grpc_web.v3.GrpcWeb") },
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": { "@type": format!("{PACKAGE}.filters.http.router.v3.Router") },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::listener;

    #[test]
    fn the_port_that_was_taken_is_read_from_the_list_of_listeners() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nedge::127.0.0.1:41234\r\n";
        assert_eq!(listener(answer), Some(([127, 0, 0, 1], 41_234).into()));
        assert_eq!(listener("edge::127.0.0.1:0\n"), None, "not bound yet");
        assert_eq!(listener("HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
