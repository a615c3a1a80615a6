use std::time::Duration;

use mongodb::Client;
use mongodb::options::{ClientOptions, ServerAddress};

/// A client of one member alone, whatever it is at the moment.
pub(super) fn direct(host: &str, port: u16) -> Client {
    let mut options = ClientOptions::default();
    options.hosts = vec![ServerAddress::Tcp {
        host: host.to_owned(),
        port: Some(port),
    }];
    options.direct_connection = Some(true);
    options.server_selection_timeout = Some(Duration::from_secs(1));
    options.connect_timeout = Some(Duration::from_secs(1));
    options.heartbeat_freq = Some(Duration::from_millis(500));
    Client::with_options(options).expect("these options are valid")
}
