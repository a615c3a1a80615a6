use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tls::{HandshakeError, Stream};
use tokio::net::TcpStream;

use crate::TlsInfo;
use crate::listener::LogGate;

/// Does the TLS handshakes of one server, and says what came of those that failed.
#[derive(Debug, Clone)]
pub(crate) struct Handshakes {
    tls: tls::Server,
    refused: Arc<Mutex<LogGate>>,
}

impl Handshakes {
    /// From now on the files are read again when they change.
    pub(crate) fn new(tls: tls::Server) -> Self {
        tls.keep_fresh();
        Self {
            tls,
            refused: Arc::default(),
        }
    }

    /// The connection and what is known of the peer, or `None` after a handshake that failed, which is the peer's
    /// affair. A peer that our authority knows and the allow-list does not is a mistake of ours or an intruder: that is
    /// worth a line.
    pub(crate) async fn accept(&self, stream: TcpStream, peer: SocketAddr) -> Option<(Stream, TlsInfo)> {
        match self.tls.accept(stream).await {
            Ok((stream, peer_name)) => {
                let protocols = self.tls.protocols();
                Some((stream, TlsInfo { peer_name, protocols }))
            }
            Err(HandshakeError::PeerNotAllowed(refused)) => {
                let mut gate = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                if gate.opens() {
                    let presented = refused.presented;
                    tracing::warn!(%peer, ?presented, "refused a peer that is not on the allow-list");
                }
                None
            }
            Err(HandshakeError::Failed(error)) => {
                tracing::debug!(%peer, %error, "TLS handshake failed");
                None
            }
        }
    }
}
