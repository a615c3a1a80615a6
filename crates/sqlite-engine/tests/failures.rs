//! A process killed in the middle of its work, and a disk that takes no more.
//!
//! Both need a process of their own: the test starts its own binary again, with the database's path
//! in the environment, to run the `child_…` function alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlite_engine::{Engine, EngineError, Location, Migration};

const DATABASE: &str = "SQLITE_ENGINE_TEST_DATABASE";
const MIGRATIONS: &[Migration] = &[Migration {
    name: "notes",
    sql: "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
}];

/// The database the parent named.
fn given_database() -> Location {
    Location::File(PathBuf::from(std::env::var_os(DATABASE).unwrap()))
}

/// Starts this binary again to run one `child_…` function on a database. The shell makes the child
/// ignore the signal that a file size limit sends, so that it gets the error instead.
fn start_child(function: &str, database: &Path) -> Child {
    Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            function,
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DATABASE, database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn insert(engine: &Engine, id: i64, text: String) -> Result<(), EngineError> {
    engine
        .write(move |connection| {
            connection.execute("INSERT INTO note VALUES (?1, ?2)", rusqlite::params![id, text])?;
            Ok(())
        })
        .await
}

async fn ids(engine: &Engine) -> Vec<i64> {
    engine
        .read(|connection| {
            let mut statement = connection.prepare("SELECT id FROM note ORDER BY id")?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok::<_, EngineError>(ids.collect::<Result<_, _>>()?)
        })
        .await
        .unwrap()
}

/// Writes from eight tasks and prints each id once it is answered, until it is killed.
#[tokio::test]
#[ignore = "part of another test, in a process of its own"]
async fn child_writes_until_it_is_killed() {
    let engine = Engine::open(&given_database(), MIGRATIONS).unwrap();
    let next = Arc::new(AtomicI64::new(1));
    let writer = |engine: Engine, next: Arc<AtomicI64>| async move {
        loop {
            let id = next.fetch_add(1, Ordering::Relaxed);
            insert(&engine, id, "x".repeat(500)).await.unwrap();
            println!("answered {id}");
        }
    };
    let writers = (0..8).map(|_| tokio::spawn(writer(engine.clone(), Arc::clone(&next))));
    futures::future::join_all(writers).await;
}

#[tokio::test]
async fn answered_writes_survive_kill_nine() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.db");
    let mut answered = Vec::new();
    for round in 1..=3 {
        let mut child = start_child("child_writes_until_it_is_killed", &path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let id = |line: String| {
            line.strip_prefix("answered ")
                .and_then(|id| id.parse::<i64>().ok())
        };
        answered.extend(
            lines
                .by_ref()
                .map(Result::unwrap)
                .filter_map(id)
                .take(300 * round),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        // Answers it had printed before it died count as well. A last line may be cut off.
        answered.extend(lines.map_while(Result::ok).filter_map(id));

        let engine = Engine::open(&Location::File(path.clone()), MIGRATIONS).unwrap();
        let stored = ids(&engine).await;
        for id in &answered {
            assert!(
                stored.binary_search(id).is_ok(),
                "{id} was answered and is gone, in round {round}"
            );
        }
        let clear = |connection: &rusqlite::Connection| {
            Ok::<_, EngineError>(connection.execute("DELETE FROM note", [])?)
        };
        engine.write(clear).await.unwrap();
        engine.close().await;
        answered.clear();
    }
}

/// Fills the disk: the file size limit stands in for it.
#[tokio::test]
#[ignore = "part of another test, in a process of its own"]
async fn child_meets_a_full_disk() {
    let engine = Engine::open(&given_database(), MIGRATIONS).unwrap();
    insert(&engine, 1, "before".to_owned()).await.unwrap();

    let limit = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(64 * 1024),
            maximum: limit.maximum,
        },
    )
    .unwrap();
    let too_much = insert(&engine, 2, "x".repeat(1024 * 1024)).await;
    assert!(
        matches!(too_much, Err(EngineError::Unavailable(_))),
        "{too_much:?}"
    );
    assert_eq!(ids(&engine).await, [1], "reads go on");

    setrlimit(Resource::Fsize, limit).unwrap();
    insert(&engine, 3, "after".to_owned()).await.unwrap();
    assert_eq!(
        ids(&engine).await,
        [1, 3],
        "and so do writes, when there is room again"
    );
    println!("survived the full disk");
}

#[test]
fn a_full_disk_is_unavailable_while_it_lasts_and_nothing_is_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let child = start_child("child_meets_a_full_disk", &directory.path().join("notes.db"));
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("survived the full disk"),
        "{text}"
    );
}
