use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::connection::{Accepted, Phases, drive, protocol};
use crate::handshake::Handshakes;
use crate::listener::LogGate;
use crate::sending::CutOff;
use crate::{ConnectionLimits, DrainPace, Listener, Shutdown};

/// For connections to notice that they were cut; it takes one turn of the runtime.
const AFTER_ABORT: Duration = Duration::from_millis(300);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections cut while a call was in flight.
    pub cut_connections: usize,
}

/// Serves `service` on `listener` until `shutdown`, then drains: go on for [`DrainPace::announce`], stop
/// accepting and send GOAWAY, let calls finish for [`DrainPace::finish`], cut the rest. It always returns, at
/// most `announce + finish + 300 ms` after the shutdown began; connections without a call never hold it up.
pub async fn serve<S, B>(
    listener: Listener,
    service: S,
    limits: ConnectionLimits,
    shutdown: Shutdown,
) -> Drained
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut server = Server::new(listener, limits);
    let pace = tokio::select! {
        () = server.accept(&service) => shutdown.begun().await,
        pace = shutdown.begun() => pace,
    };
    if !server.connections.is_empty() {
        tokio::select! {
            () = server.accept(&service) => {}
            () = tokio::time::sleep(pace.announce) => {}
            () = shutdown.aborted() => {}
        }
    }
    server.drain(pace, &shutdown).await
}

struct Server {
    listener: Listener,
    limits: ConnectionLimits,
    free: Arc<Semaphore>,
    connections: TaskTracker,
    phases: Phases,
    handshakes: Option<Handshakes>,
    cut: Arc<AtomicUsize>,
    refused: LogGate,
}

impl Server {
    fn new(listener: Listener, limits: ConnectionLimits) -> Self {
        let handshakes = listener.tls().cloned().map(Handshakes::new);
        Self {
            listener,
            handshakes,
            free: Arc::new(Semaphore::new(limits.max_connections)),
            limits,
            connections: TaskTracker::new(),
            phases: Phases {
                draining: CancellationToken::new(),
                aborting: CancellationToken::new(),
            },
            cut: Arc::default(),
            refused: LogGate::default(),
        }
    }

    /// Accepts connections for ever. Cancel-safe: accepted ones go on in their own tasks.
    async fn accept<S, B>(&mut self, service: &S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        loop {
            let (stream, peer) = self.listener.accept().await;
            self.spawn(stream, peer, service.clone());
        }
    }

    fn spawn<S, B>(&mut self, stream: TcpStream, peer: SocketAddr, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ok(place) = Arc::clone(&self.free).try_acquire_owned() else {
            self.listener.connections().refuse();
            if self.refused.opens() {
                tracing::warn!(
                    limit = self.limits.max_connections,
                    "too many connections: closing new ones"
                );
            }
            return;
        };
        let protocol = protocol(&self.limits);
        let open = self.listener.connections().open();
        let first_bytes = self.limits.first_bytes;
        let phases = self.phases.clone();
        let cut = Arc::clone(&self.cut);
        let accepted = Accepted {
            stream,
            peer,
            handshakes: self.handshakes.clone(),
            first_bytes: Instant::now() + first_bytes,
        };
        self.connections.spawn(async move {
            let _counted = (place, open);
            let driven = CutOff::limit(drive(accepted, service, protocol, phases));
            if driven.await.unwrap_or(false) {
                cut.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    async fn drain(self, pace: DrainPace, shutdown: &Shutdown) -> Drained {
        drop(self.listener);
        self.phases.draining.cancel();
        self.connections.close();
        tokio::select! {
            () = self.connections.wait() => {}
            () = tokio::time::sleep(pace.finish) => {}
            () = shutdown.aborted() => {}
        }
        self.phases.aborting.cancel();
        let _ = tokio::time::timeout(AFTER_ABORT, self.connections.wait()).await;
        Drained {
            cut_connections: self.cut.load(Ordering::Relaxed),
        }
    }
}
