use std::net::IpAddr;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, ServerAddress,
    WriteConcern,
};
use mongodb::{Client, Database};
use tokio::time::Instant;

use crate::pool::PoolFigures;
use crate::{EngineError, Location, OPERATION_TIME};

/// Connections per server of the cluster, at most. More would queue at the server instead of here.
const MAX_POOL_SIZE: u32 = 64;
/// Connections that are kept open, so that the first calls do not wait for handshakes.
const MIN_POOL_SIZE: u32 = 8;
/// 5 s: an election by default takes 10 s; a call does not wait that long.
const SERVER_SELECTION: Duration = Duration::from_secs(5);
/// 2 s: a server that accepts does so in milliseconds.
const CONNECT: Duration = Duration::from_secs(2);
/// 30 s: at start the database may be starting too, or electing a primary.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// 10 s: a person waits, and the database is said to be there.
pub(crate) const PATIENCE_TO_COPY: Duration = Duration::from_secs(10);
/// While it is waited for.
const LOG_EVERY: Duration = Duration::from_secs(5);
/// The oldest release that is tested.
const OLDEST_RELEASE: i32 = 6;

/// Why a MongoDB database cannot be used. Each text is a sentence for the operator, and none shows the URL's password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server is on its own: it has no majority, no retryable writes and no change streams.
    #[error(
        "MongoDB at {host} is a standalone server, and a write it acknowledged could be lost: run it as a replica set \
         (start mongod with --replSet rs0, then rs.initiate() once in mongosh; one member is enough to begin with)"
    )]
    Standalone {
        /// Where.
        host: String,
    },
    /// Older than what is tested.
    #[error("MongoDB at {host} is release {found}; {OLDEST_RELEASE}.0 or newer is needed")]
    TooOld {
        /// Where.
        host: String,
        /// Its release.
        found: String,
    },
    /// Written by a newer release of this program.
    #[error(
        "the database holds schema {found} of {name}, this program knows up to {known}: run the newer release"
    )]
    SchemaTooNew {
        /// Which part of the schema.
        name: &'static str,
        /// The version that is stored.
        found: i64,
        /// The newest version that this program knows.
        known: u32,
    },
    /// An index of the same name or keys is there and differs.
    #[error(
        "the collection {collection} has an index that stands in the way of ours ({reason}): drop it, and start again"
    )]
    IndexConflict {
        /// The collection.
        collection: &'static str,
        /// The server's name for it.
        reason: String,
    },
    /// Values in the database violate a unique index.
    #[error("the collection {collection} holds two documents that a unique index forbids")]
    NotUnique {
        /// The collection.
        collection: &'static str,
    },
    /// A copy into the database has begun and not been finished.
    #[error(
        "the database {database} holds an unfinished copy of another store: run the same `invoice-app copy-store` again \
         to finish it, or drop the database to give it up"
    )]
    UnfinishedCopy {
        /// The database.
        database: String,
    },
    /// There is nothing of the kind to copy from.
    #[error("the database {database} holds no {name} data: check the URL")]
    NoData {
        /// The database.
        database: String,
        /// Which part of the schema.
        name: &'static str,
    },
    /// The credentials are wrong, or do not suffice.
    #[error(
        "MongoDB refuses the credentials of the store URL: check user, password, authSource and that the user may \
         readWrite the database"
    )]
    Credentials,
    /// Nobody answered in time, or something was refused.
    #[error("MongoDB cannot be used: {0}")]
    Engine(#[from] EngineError),
}

impl OpenError {
    /// What an error of the driver means at start, where a refusal of the user is for the operator to mend.
    pub(crate) fn of(error: mongodb::error::Error) -> Self {
        if is_about_credentials(&error) {
            Self::Credentials
        } else {
            Self::Engine(error.into())
        }
    }

    pub(crate) fn of_index(collection: &'static str, error: mongodb::error::Error) -> Self {
        const INDEX_OPTIONS_CONFLICT: i32 = 85;
        const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
        if crate::is_duplicate(&error) {
            return Self::NotUnique { collection };
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the driver's kinds are non-exhaustive"
        )]
        match &*error.kind {
            mongodb::error::ErrorKind::Command(command)
                if [INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT].contains(&command.code) =>
            {
                Self::IndexConflict {
                    collection,
                    reason: command.code_name.clone(),
                }
            }
            _ => Self::of(error),
        }
    }

    /// Whether waiting can help.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Unavailable(_)))
    }
}

/// Connects and checks, and tries again while that can help.
pub(crate) async fn connect(
    location: &Location,
    default_database: &str,
    pool: &PoolFigures,
    patience: Duration,
) -> Result<(Client, Database), OpenError> {
    let options = options(location, pool).await?;
    if let Some(host) = exposed(&options) {
        tracing::warn!(
            host,
            "data and passwords cross the network to MongoDB unencrypted: write tls=true into the store URL, or tls=false \
             if something else encrypts or nobody else can listen"
        );
    }
    let name = options
        .default_database
        .clone()
        .unwrap_or_else(|| default_database.to_owned());
    let client = Client::with_options(options).map_err(EngineError::from)?;
    let database = client.database(&name);
    patiently(patience, || check(&database)).await?;
    client.warm_connection_pool().await;
    Ok((client, database))
}

/// Makes an attempt again while that can help, until `patience` is over: a set that is starting or electing answers reads
/// before it takes writes.
pub(crate) async fn patiently<F>(patience: Duration, attempt: impl Fn() -> F) -> Result<(), OpenError>
where
    F: Future<Output = Result<(), OpenError>>,
{
    let end = Instant::now() + patience;
    let mut log_from = Instant::now();
    loop {
        match attempt().await {
            Err(error) if error.may_pass() && Instant::now() < end => {
                if Instant::now() >= log_from {
                    tracing::warn!(%error, "waiting for MongoDB");
                    log_from = Instant::now() + LOG_EVERY;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            done => return done,
        }
    }
}

/// A host beyond this machine, when the URL does not say whether to use TLS.
fn exposed(options: &ClientOptions) -> Option<&str> {
    if options.tls.is_some() {
        return None;
    }
    options.hosts.iter().find_map(|address| {
        let ServerAddress::Tcp { host, .. } = address else {
            return None;
        };
        (!is_this_machine(host)).then_some(host.as_str())
    })
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address
        .parse::<IpAddr>()
        .map_or(host == "localhost", |address| address.is_loopback())
}

async fn options(location: &Location, pool: &PoolFigures) -> Result<ClientOptions, OpenError> {
    let mut options = ClientOptions::parse(location.as_str())
        .await
        .map_err(EngineError::from)?;
    options.app_name.get_or_insert_with(|| "invoice-app".to_owned());
    options.max_pool_size.get_or_insert(MAX_POOL_SIZE);
    options.min_pool_size.get_or_insert(MIN_POOL_SIZE);
    options.server_selection_timeout.get_or_insert(SERVER_SELECTION);
    options.connect_timeout.get_or_insert(CONNECT);
    options.cmap_event_handler = Some(pool.handler());
    // What follows is what the stores promise, so no URL changes it.
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    let mut majority = WriteConcern::builder().w(Acknowledgment::Majority).build();
    majority.journal = Some(true);
    majority.w_timeout = Some(OPERATION_TIME);
    options.write_concern = Some(majority);
    Ok(options)
}

/// Whether this is a cluster that keeps what it acknowledged, of a release that is tested.
async fn check(database: &Database) -> Result<(), OpenError> {
    let hello = command(database, "hello").await?;
    let host = hello.get_str("me").unwrap_or("the given address").to_owned();
    let is_router = hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid");
    if !is_router && hello.get_str("setName").is_err() {
        return Err(OpenError::Standalone { host });
    }
    let build = command(database, "buildInfo").await?;
    check_release(&build, host)
}

fn check_release(build: &Document, host: String) -> Result<(), OpenError> {
    let release = build
        .get_array("versionArray")
        .ok()
        .and_then(|parts| parts.first())
        .and_then(mongodb::bson::Bson::as_i32);
    if release.is_none_or(|release| release < OLDEST_RELEASE) {
        let found = build.get_str("version").unwrap_or("unknown").to_owned();
        return Err(OpenError::TooOld { host, found });
    }
    Ok(())
}

async fn command(database: &Database, name: &str) -> Result<Document, OpenError> {
    let answer =
        tokio::time::timeout(SERVER_SELECTION + CONNECT, database.run_command(doc! { name: 1 })).await;
    let answer = answer.map_err(EngineError::unavailable)?;
    answer.map_err(OpenError::of)
}

fn is_about_credentials(error: &mongodb::error::Error) -> bool {
    const UNAUTHORIZED: i32 = 13;
    const AUTHENTICATION_FAILED: i32 = 18;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the driver's kinds are non-exhaustive"
    )]
    match &*error.kind {
        mongodb::error::ErrorKind::Authentication { .. } => true,
        mongodb::error::ErrorKind::Command(command) => {
            [UNAUTHORIZED, AUTHENTICATION_FAILED].contains(&command.code)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_beyond_this_machine_is_named_unless_the_url_says_whether_to_use_tls() {
        let exposed = async |url: &str| {
            let options = ClientOptions::parse(url).await.unwrap();
            exposed(&options).map(str::to_owned)
        };
        for (hosts, named) in [
            ("a.example.com", "a.example.com"),
            ("127.0.0.1,10.0.0.1:27017", "10.0.0.1"),
        ] {
            let url = format!("mongodb://{hosts}/?replicaSet=rs0");
            assert_eq!(exposed(&url).await.as_deref(), Some(named));
            for said in ["tls=true", "tls=false"] {
                assert_eq!(exposed(&format!("{url}&{said}")).await, None, "{said}");
            }
        }
        for local in ["localhost", "127.0.0.1:1", "127.1.2.3", "[::1]:27017"] {
            assert_eq!(exposed(&format!("mongodb://{local}/")).await, None, "{local}");
        }
    }

    #[test]
    fn a_release_before_the_oldest_tested_is_refused_with_both_numbers() {
        let checked = |build| check_release(&build, "a:1".to_owned());
        let refused = checked(doc! { "version": "5.0.31", "versionArray": [5, 0, 31, 0] }).unwrap_err();
        let sentence = refused.to_string();
        assert!(
            sentence.contains("a:1 is release 5.0.31; 6.0 or newer"),
            "{sentence}"
        );
        assert!(checked(doc! {}).is_err());
        for newer in [6, 8, 10] {
            assert!(checked(doc! { "versionArray": [newer, 0, 0, 0] }).is_ok());
        }
    }
}
