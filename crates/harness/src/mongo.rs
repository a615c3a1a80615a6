//! Real MongoDB servers for tests: one-node and three-node replica sets on free ports, with their data in a temporary
//! folder. Dropping them ends every server by its process id.

mod client;
mod member;

use std::time::{Duration, Instant};

use member::Member;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use tempfile::TempDir;

/// For a set to elect a primary, on a machine that is busy with other tests.
const ELECTION: Duration = Duration::from_mins(1);
/// How long a secondary misses the primary before it stands for election; the server's default is 10 s.
const ELECTION_TIMEOUT_MS: i32 = 2_000;
const NAME: &str = "rs0";

/// A replica set with a primary.
pub struct ReplicaSet {
    members: Vec<Member>,
    _folder: TempDir,
}

impl ReplicaSet {
    /// Of one member: for tests that are not about the loss of one.
    pub async fn start() -> Self {
        Self::start_members(1).await
    }

    /// Of three: one can be lost.
    pub async fn start_three() -> Self {
        Self::start_members(3).await
    }

    async fn start_members(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut members = Vec::new();
        for index in 0..count {
            members.push(Member::start(
                folder.path().join(index.to_string()),
                &["--replSet", NAME],
            ));
        }
        for member in &mut members {
            member.wait_until_it_answers().await;
        }
        let set = Self {
            members,
            _folder: folder,
        };
        set.initiate().await;
        set.wait_for_primary().await;
        set.wait_for_members().await;
        set
    }

    async fn initiate(&self) {
        let members: Vec<Bson> = (0_i32..)
            .zip(&self.members)
            .map(|(id, member)| Bson::from(doc! { "_id": id, "host": member.address() }))
            .collect();
        let config = doc! {
            "_id": NAME,
            "members": members,
            "settings": { "electionTimeoutMillis": ELECTION_TIMEOUT_MS },
        };
        let initiated = self.members.first().expect("a set has members");
        let begun = Instant::now();
        // On a busy machine a server that has just started can be given up on by the driver's monitor.
        while let Err(error) = initiated
            .command(doc! { "replSetInitiate": config.clone() })
            .await
        {
            if is_initiated(&error) {
                break;
            }
            assert!(
                begun.elapsed() < ELECTION,
                "a new replica set can be initiated: {error}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every member is the primary or follows it.
    async fn wait_for_members(&self) {
        let begun = Instant::now();
        for member in &self.members {
            while !member.takes_part().await {
                assert!(
                    begun.elapsed() < ELECTION,
                    "every member of a new replica set takes part"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// The store URL of this set and a database.
    pub fn url(&self, database: &str) -> String {
        let addresses: Vec<_> = self.members.iter().map(Member::address).collect();
        format!("mongodb://{}/{database}?replicaSet={NAME}", addresses.join(","))
    }

    /// Which member is the primary, once there is one.
    ///
    /// # Panics
    /// When there is none for a minute.
    pub async fn wait_for_primary(&self) -> usize {
        let elected = async {
            loop {
                for (index, member) in self.members.iter().enumerate() {
                    if member.is_primary().await {
                        return index;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let elected = tokio::time::timeout(ELECTION, elected).await;
        elected.expect("a replica set elects a primary within a minute")
    }

    /// Ends a member at once, as kill -9 does.
    pub fn kill(&mut self, member: usize) {
        self.member(member).kill();
    }

    /// Starts a member again on its data and its port.
    pub async fn restart(&mut self, member: usize) {
        let member = self.member(member);
        member.start_again();
        member.wait_until_it_answers().await;
    }

    /// Stops a member from running, so that it neither answers nor closes a connection.
    pub fn suspend(&mut self, member: usize) {
        self.member(member).suspend();
    }

    /// Lets a suspended member go on.
    pub fn resume(&mut self, member: usize) {
        self.member(member).resume();
    }

    /// Sends a command to the `admin` database of a member.
    ///
    /// # Errors
    /// What the server or the driver says.
    pub async fn command(&self, member: usize, command: Document) -> mongodb::error::Result<Document> {
        let member = self.members.get(member).expect("the set has this member");
        member.command(command).await
    }

    fn member(&mut self, member: usize) -> &mut Member {
        self.members.get_mut(member).expect("the set has this member")
    }
}

/// Whether an earlier attempt to initiate a set has succeeded although its answer was lost.
fn is_initiated(error: &mongodb::error::Error) -> bool {
    const ALREADY_INITIALIZED: i32 = 23;
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == ALREADY_INITIALIZED)
}

/// A server that belongs to no replica set.
pub struct Standalone {
    member: Member,
    _folder: TempDir,
}

impl Standalone {
    /// Starts it.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut member = Member::start(folder.path().join("0"), &[]);
        member.wait_until_it_answers().await;
        Self {
            member,
            _folder: folder,
        }
    }

    /// Its store URL.
    pub fn url(&self) -> String {
        format!("mongodb://{}", self.member.address())
    }
}
