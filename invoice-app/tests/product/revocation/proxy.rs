//! A TCP proxy that passes, cuts, refuses or holds back what goes through it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of connections, by their number; the first is 0.
#[derive(Debug, Clone, Copy, Default)]
struct Rules {
    /// Connections so far.
    accepted: u64,
    /// Those below this are closed.
    closed_below: u64,
    /// Those below this are held back.
    held_below: u64,
}

/// What is done with the next bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Hold,
    Close,
}

impl Rules {
    fn verdict(self, connection: u64) -> Verdict {
        if connection < self.closed_below {
            Verdict::Close
        } else if connection < self.held_below {
            Verdict::Hold
        } else {
            Verdict::Pass
        }
    }
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    rules: watch::Sender<Rules>,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let rules = watch::Sender::new(Rules::default());
        let accepting = rules.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut number = 0;
                accepting.send_modify(|rules| {
                    number = rules.accepted;
                    rules.accepted += 1;
                });
                // A server that is not there ends the connection of who asks for it.
                if let Ok(server) = TcpStream::connect(target).await {
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::spawn(carry(from_client, to_server, accepting.subscribe(), number));
                    tokio::spawn(carry(from_server, to_client, accepting.subscribe(), number));
                }
            }
        });
        Self { address, rules }
    }

    /// Passes everything on, what was held back too.
    pub(crate) fn pass(&self) {
        self.rules.send_modify(|rules| {
            rules.closed_below = rules.closed_below.min(rules.accepted);
            rules.held_below = 0;
        });
    }

    /// Closes all connections; new ones pass.
    pub(crate) fn cut(&self) {
        self.rules
            .send_modify(|rules| rules.closed_below = rules.accepted);
    }

    /// Closes all connections, and new ones at once.
    pub(crate) fn refuse(&self) {
        self.rules.send_modify(|rules| rules.closed_below = u64::MAX);
    }

    /// Holds back everything.
    pub(crate) fn stall(&self) {
        self.rules.send_modify(|rules| rules.held_below = u64::MAX);
    }

    /// Goes on to hold back what it holds back, but not new connections.
    pub(crate) fn pass_new_connections(&self) {
        self.rules.send_modify(|rules| rules.held_below = rules.accepted);
    }
}

/// One direction of a connection.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut rules: watch::Receiver<Rules>,
    number: u64,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let closed = rules.wait_for(|rules| rules.verdict(number) == Verdict::Close);
        let read = tokio::select! {
            _ = closed => return,
            read = from.read(&mut buffer) => read,
        };
        let Ok(length @ 1..) = read else {
            return;
        };
        let decided = rules
            .wait_for(|rules| rules.verdict(number) != Verdict::Hold)
            .await;
        let passes = decided.is_ok_and(|rules| rules.verdict(number) == Verdict::Pass);
        if !passes || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
