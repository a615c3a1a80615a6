//! A command beside a service that has the database open.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::mpsc;

use futures::future::join_all;
use sqlite_engine::{Engine, EngineError, Location, Migration, OpenError};

const FIRST: Migration = Migration {
    name: "notes",
    sql: "CREATE TABLE note (id INTEGER PRIMARY KEY) STRICT",
};
const SECOND: Migration = Migration {
    name: "texts",
    sql: "ALTER TABLE note ADD COLUMN text TEXT",
};
const ONE: &[Migration] = &[FIRST];
const TWO: &[Migration] = &[FIRST, SECOND];

fn file(directory: &Path) -> Location {
    Location::File(directory.join("notes.db"))
}

async fn insert(engine: &Engine, id: i64) -> Result<(), EngineError> {
    let insert = move |connection: &rusqlite::Connection| {
        connection
            .execute("INSERT INTO note VALUES (?1)", [id])
            .map(drop)
            .map_err(EngineError::from)
    };
    engine.write(insert).await
}

async fn count(engine: &Engine) -> i64 {
    let count = |connection: &rusqlite::Connection| {
        Ok::<i64, EngineError>(connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?)
    };
    engine.read(count).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_and_a_service_write_in_turn_and_see_each_others_writes() {
    let directory = tempfile::tempdir().unwrap();
    let service = Engine::open(&file(directory.path()), ONE).unwrap();
    let command = Engine::open_beside(&file(directory.path()), ONE).unwrap();
    let writes = (0..400).map(|id| insert(if id % 2 == 0 { &service } else { &command }, id));
    for written in join_all(writes).await {
        written.unwrap();
    }
    assert_eq!((count(&service).await, count(&command).await), (400, 400));
    command.close().await;
    insert(&service, 1000).await.unwrap();
    assert_eq!(count(&service).await, 401);
}

#[tokio::test]
async fn a_service_is_refused_beside_a_service_whatever_commands_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let location = file(directory.path());
    let service = Engine::open(&location, ONE).unwrap();
    let command = Engine::open_beside(&location, ONE).unwrap();
    command.close().await;
    let refused = Engine::open(&location, ONE).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    service.close().await;

    // Without a service there is nobody to keep out, and the command leaves one file behind.
    let command = Engine::open_beside(&location, ONE).unwrap();
    insert(&command, 1).await.unwrap();
    command.close().await;
    assert!(!directory.path().join("notes.db-wal").exists());
    assert_eq!(count(&Engine::open(&location, ONE).unwrap()).await, 1);
}

#[tokio::test]
async fn a_command_neither_makes_a_database_nor_changes_its_schema() {
    let directory = tempfile::tempdir().unwrap();
    let location = file(directory.path());
    for absent in [&location, &Location::Memory] {
        let refused = Engine::open_beside(absent, ONE).unwrap_err();
        assert!(matches!(refused, OpenError::Absent { .. }), "{refused:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);

    Engine::open(&location, ONE).unwrap().close().await;
    let refused = Engine::open_beside(&location, TWO).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::TooOld {
                found: 1,
                known: 2,
                ..
            }
        ),
        "{refused:?}"
    );
    Engine::open(&location, TWO).unwrap().close().await;
    let refused = Engine::open_beside(&location, ONE).unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::TooNew {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_was_committed_is_told_before_the_answer_and_what_failed_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let service = Engine::open(&file(directory.path()), ONE).unwrap();
    let (tell, told) = mpsc::channel();
    let write = |id: i64| {
        let tell = tell.clone();
        let insert = move |connection: &rusqlite::Connection| {
            connection.execute("INSERT INTO note VALUES (?1)", [id])?;
            Ok::<_, EngineError>(id)
        };
        service.write_and_tell(insert, move |id| tell.send(*id).unwrap())
    };
    assert_eq!(write(1).await.unwrap(), 1);
    assert_eq!(told.try_recv(), Ok(1));
    write(1).await.unwrap_err();
    assert!(told.try_recv().is_err());

    // Who gives up misses the answer only.
    {
        let mut given_up = Box::pin(write(2));
        let _ = futures::poll!(&mut given_up);
    }
    write(3).await.unwrap();
    assert_eq!([told.try_recv(), told.try_recv()], [Ok(2), Ok(3)]);
}
