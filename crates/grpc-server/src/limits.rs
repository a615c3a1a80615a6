use std::time::Duration;

/// What one server grants to connections. [`Default`] is the product's starting values; each field says its
/// number and its reason. Flatten it into the command line of a binary: the fields that an operator tunes are
/// flags.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ConnectionLimits {
    /// Open connections; one more is closed at once. Each costs a file descriptor and up to a megabyte of
    /// buffers.
    #[arg(
        long,
        env = "INVOICE_APP_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = Self::MAX_CONNECTIONS
    )]
    pub max_connections: usize,

    /// 10 s: until a peer has done its TLS handshake and sent a whole HTTP/2 preface or its first request. Who sends
    /// nothing costs a connection.
    #[arg(skip = Self::FIRST_BYTES)]
    pub first_bytes: Duration,

    /// 10 s: for the head of an HTTP/1 request, and for an idle HTTP/1 connection to send the next one.
    #[arg(skip = Self::HTTP1_HEAD)]
    pub http1_head: Duration,

    /// 64 KiB: the head of an HTTP/1 request together with what is read ahead of its body.
    #[arg(skip = Self::HTTP1_BUFFER_BYTES)]
    pub http1_buffer_bytes: usize,

    /// 128: calls at a time on one HTTP/2 connection. Hyper's own default is higher, the protocol's is no
    /// limit.
    #[arg(skip = Self::MAX_CONCURRENT_STREAMS)]
    pub max_concurrent_streams: u32,

    /// 30 s: an HTTP/2 peer is asked this often whether it is still there; a vanished one sends no FIN.
    #[arg(skip = Self::PING_INTERVAL)]
    pub ping_interval: Duration,

    /// 10 s: for the answer to a ping, else the connection is closed.
    #[arg(skip = Self::PING_TIMEOUT)]
    pub ping_timeout: Duration,

    /// 32 KiB: the headers of one HTTP/2 request, uncompressed and with 32 bytes for each (RFC 9113, 6.5.2).
    /// The gateway takes 8 KiB from a client and adds a few of its own, so what it sends always fits: HTTP/2
    /// libraries may end the whole connection over one request that does not.
    #[arg(skip = Self::HEADER_LIST_BYTES)]
    pub header_list_bytes: u32,

    /// 256 KiB + 64 KiB: unread bytes of one HTTP/2 call. The largest request arrives without waiting for a
    /// window update.
    #[arg(skip = Self::STREAM_WINDOW_BYTES)]
    pub stream_window_bytes: u32,

    /// 64 KiB: response bytes of one HTTP/2 call that wait for the peer's socket. Hyper's own default is 400 KiB. A frame
    /// is taken whole as soon as there is room for a byte of it, so a message of a megabyte waits there as a whole:
    /// [`CallLimits::unsent_bytes`](crate::CallLimits::unsent_bytes) bounds those.
    #[arg(skip = Self::SEND_BUFFER_BYTES)]
    pub send_buffer_bytes: usize,

    /// 1 MiB: unread bytes of all calls of one HTTP/2 connection.
    #[arg(skip = Self::CONNECTION_WINDOW_BYTES)]
    pub connection_window_bytes: u32,
}

impl ConnectionLimits {
    const MAX_CONNECTIONS: usize = 4096;
    const FIRST_BYTES: Duration = Duration::from_secs(10);
    const HTTP1_HEAD: Duration = Duration::from_secs(10);
    const HTTP1_BUFFER_BYTES: usize = 64 * 1024;
    const MAX_CONCURRENT_STREAMS: u32 = 128;
    const PING_INTERVAL: Duration = Duration::from_secs(30);
    const PING_TIMEOUT: Duration = Duration::from_secs(10);
    const HEADER_LIST_BYTES: u32 = 32 * 1024;
    const STREAM_WINDOW_BYTES: u32 = 320 * 1024;
    const SEND_BUFFER_BYTES: usize = 64 * 1024;
    const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: Self::MAX_CONNECTIONS,
            first_bytes: Self::FIRST_BYTES,
            http1_head: Self::HTTP1_HEAD,
            http1_buffer_bytes: Self::HTTP1_BUFFER_BYTES,
            max_concurrent_streams: Self::MAX_CONCURRENT_STREAMS,
            ping_interval: Self::PING_INTERVAL,
            ping_timeout: Self::PING_TIMEOUT,
            header_list_bytes: Self::HEADER_LIST_BYTES,
            stream_window_bytes: Self::STREAM_WINDOW_BYTES,
            send_buffer_bytes: Self::SEND_BUFFER_BYTES,
            connection_window_bytes: Self::CONNECTION_WINDOW_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::ConnectionLimits;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        limits: ConnectionLimits,
    }

    #[test]
    fn a_command_line_without_flags_is_the_default() {
        assert_eq!(Command::parse_from(["x"]).limits, ConnectionLimits::default());
    }
}
