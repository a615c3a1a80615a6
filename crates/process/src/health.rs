use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// For the whole question and answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The answer names some checks.
const MOST_READ: usize = 64 * 1024;

/// Asks a process on this machine whether it is ready: for container health checks.
#[derive(Debug, Clone, clap::Args)]
pub struct HealthCommand {
    /// Where the process's admin port is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    pub admin_url: Uri,
}

impl HealthCommand {
    /// Success when `/readyz` answers 200 within 2 s; else failure, with the reason on standard error.
    pub async fn run(&self) -> ExitCode {
        match self.ask().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let line = format!("not ready: {}\n", telemetry::chain(error.as_ref()));
                // Whoever reads the exit code alone misses nothing.
                let _unread = std::io::stderr().write_all(line.as_bytes());
                ExitCode::FAILURE
            }
        }
    }

    async fn ask(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let uri = self.readyz()?;
        let (status, body) = tokio::time::timeout(PATIENCE, get(uri.clone()))
            .await
            .map_err(|_| format!("{uri} gave no answer within {} s", PATIENCE.as_secs()))?
            .map_err(|error| format!("{uri}: {}", telemetry::chain(error.as_ref())))?;
        if status == StatusCode::OK {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&body);
        Err(format!("{uri} answered {status}: {}", body.trim_end()).into())
    }

    fn readyz(&self) -> Result<Uri, String> {
        let wrong = || format!("--admin-url: {} is not http://host:port", self.admin_url);
        let mut parts = self.admin_url.clone().into_parts();
        if parts.scheme != Some(Scheme::HTTP) {
            return Err(wrong());
        }
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/readyz"));
        Uri::from_parts(parts).map_err(|_| wrong())
    }
}

async fn get(uri: Uri) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(uri).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_READ).collect().await?;
    Ok((status, body.to_bytes()))
}
