use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use telemetry::Connections;
use tokio::net::{TcpListener, TcpStream};

/// Pause after the process ran out of descriptors or memory: accepting again at once would spin.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// One line per this time about the same trouble; a flood of lines would be the second outage.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// A bound port. Bind it when everything behind it is open: from then on clients connect, and wait. A second process on
/// the same port fails at start, and port 0 has a number to print.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    exhausted: LogGate,
    tls: Option<tls::Server>,
    connections: Connections,
}

impl Listener {
    /// Binds `addr`; port 0 takes a free one.
    ///
    /// # Errors
    /// What the operating system says: in use, not permitted, no such address.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(addr).await?;
        let local_addr = socket.local_addr()?;
        Ok(Self {
            socket,
            local_addr,
            exhausted: LogGate::default(),
            tls: None,
            connections: Connections::default(),
        })
    }

    /// Speaks TLS only, when given: every connection begins with a handshake, which counts as its first bytes.
    #[must_use]
    pub fn with_tls(self, tls: Option<tls::Server>) -> Self {
        Self { tls, ..self }
    }

    /// Counts its connections there.
    #[must_use]
    pub fn measured(self, connections: Connections) -> Self {
        Self { connections, ..self }
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(crate) fn tls(&self) -> Option<&tls::Server> {
        self.tls.as_ref()
    }

    /// The address that is really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The next connection, with Nagle's algorithm off: it delays small responses by 40 ms. Errors do not end
    /// a server: those of one connection are skipped, exhaustion pauses.
    pub(crate) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    if stream.set_nodelay(true).is_ok() {
                        return (stream, peer);
                    }
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if self.exhausted.opens() {
                        tracing::warn!(%error, address = %self.local_addr, "cannot accept connections");
                    }
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Lets one log line through per [`LOG_EVERY`].
#[derive(Debug, Default)]
pub(crate) struct LogGate(Option<Instant>);

impl LogGate {
    pub(crate) fn opens(&mut self) -> bool {
        let now = Instant::now();
        let opens = self.0.is_none_or(|last| now.duration_since(last) >= LOG_EVERY);
        if opens {
            self.0 = Some(now);
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::LogGate;

    #[test]
    fn the_same_trouble_is_logged_once_in_a_while() {
        let mut gate = LogGate::default();
        assert!(gate.opens());
        assert!(!gate.opens());
    }
}
