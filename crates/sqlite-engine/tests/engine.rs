//! The engine's promises, on a file and in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use sqlite_engine::{Engine, EngineError, Location, Migration, OpenError};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "notes",
    sql: "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
}];

fn file(directory: &Path) -> Location {
    Location::File(directory.join("made/for/this/notes.db"))
}

fn open(location: &Location) -> Engine {
    Engine::open(location, MIGRATIONS).unwrap()
}

async fn insert(engine: &Engine, id: i64) -> Result<(), EngineError> {
    engine
        .write(move |connection| {
            connection
                .prepare_cached("INSERT INTO note VALUES (?1, 'text')")?
                .execute([id])?;
            Ok(())
        })
        .await
}

async fn count(engine: &Engine) -> i64 {
    let count = |connection: &rusqlite::Connection| {
        Ok::<i64, EngineError>(connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?)
    };
    engine.read(count).await.unwrap()
}

/// Occupies the writer until the returned sender is used or dropped.
async fn hold_writer(engine: &Engine) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (entered, is_entered) = tokio::sync::oneshot::channel();
    let engine = engine.clone();
    tokio::spawn(async move {
        engine
            .write(move |_connection| {
                entered.send(()).unwrap();
                let _ = released.recv();
                Ok::<_, EngineError>(())
            })
            .await
            .unwrap();
    });
    is_entered.await.unwrap();
    release
}

/// What a job came to that was decided on the row of a job before it.
#[derive(Debug)]
enum Inserted {
    Taken,
    Engine(EngineError),
}

impl From<EngineError> for Inserted {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

#[tokio::test]
async fn an_error_decided_on_a_row_that_was_rolled_back_is_unavailable() {
    const ORPHANS: &[Migration] = &[Migration {
        name: "orphans",
        sql: "CREATE TABLE note (id INTEGER PRIMARY KEY, parent INTEGER
              REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
    }];
    let engine = Engine::open(&Location::Memory, ORPHANS).unwrap();
    // Whether the two jobs share a transaction is a matter of 2 ms; most of the first attempts do.
    for _ in 0..200 {
        let release = hold_writer(&engine).await;
        // The commit fails: the parent is missing.
        let mut orphan = Box::pin(engine.write(|connection| {
            connection.execute("INSERT INTO note VALUES (1, 99)", [])?;
            Ok::<_, EngineError>(())
        }));
        let mut after = Box::pin(engine.write(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM note WHERE id = 1)";
            match connection.query_row(sql, [], |row| row.get(0)) {
                Ok(true) => Err(Inserted::Taken),
                Ok(false) => Ok(()),
                Err(error) => Err(Inserted::Engine(error.into())),
            }
        }));
        assert!(futures::poll!(&mut orphan).is_pending());
        assert!(futures::poll!(&mut after).is_pending());
        drop(release);
        let orphan = orphan.await;
        assert!(matches!(orphan, Err(EngineError::Unavailable(_))), "{orphan:?}");
        match after.await {
            Ok(()) => {}
            Err(Inserted::Engine(EngineError::Unavailable(_))) => return,
            Err(other) => panic!("{other:?}: nothing is stored"),
        }
    }
    panic!("the two jobs never shared a transaction");
}

#[tokio::test]
async fn closing_ends_within_a_second_although_a_job_does_not() {
    let engine = open(&Location::Memory);
    let release = hold_writer(&engine).await;
    let begun = Instant::now();
    engine.close().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(release);
    engine.close().await;
}

#[tokio::test]
async fn a_read_sees_every_write_answered_before_it() {
    let directory = tempfile::tempdir().unwrap();
    for location in [file(directory.path()), Location::Memory] {
        let engine = open(&location);
        for id in 1..=200 {
            insert(&engine, id).await.unwrap();
            assert_eq!(count(&engine).await, id);
        }
        engine.close().await;
    }
}

#[tokio::test]
async fn writes_that_wait_together_are_committed_together() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(&file(directory.path()));
    let release = hold_writer(&engine).await;
    let mut writes: Vec<_> = (1..=600).map(|id| Box::pin(insert(&engine, id))).collect();
    // One poll each puts all of them into the queue.
    for write in &mut writes {
        assert!(futures::poll!(write.as_mut()).is_pending());
    }
    release.send(()).unwrap();
    for answer in join_all(writes).await {
        answer.unwrap();
    }
    let stats = engine.stats();
    assert_eq!(stats.writes, 601);
    assert!(
        stats.commits >= 10,
        "a transaction takes 64 jobs at most: {stats:?}"
    );
    assert!(
        stats.commits <= 300,
        "600 waiting writes share transactions: {stats:?}"
    );
    assert_eq!(count(&engine).await, 600);
}

#[tokio::test]
async fn one_failing_and_one_panicking_job_take_nobody_with_them() {
    for location in [Location::Memory, file(tempfile::tempdir().unwrap().path())] {
        let engine = open(&location);
        let release = hold_writer(&engine).await;
        let before = insert(&engine, 1);
        let failing = engine.write(|connection| {
            connection.execute("INSERT INTO note VALUES (2, 'undone')", [])?;
            connection.execute("INSERT INTO note VALUES (1, 'taken')", [])?;
            Ok::<_, EngineError>(())
        });
        let panicking = engine.write(|connection| {
            connection.execute("INSERT INTO note VALUES (3, 'undone')", [])?;
            panic!("as planned");
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok::<_, EngineError>(())
        });
        let after = insert(&engine, 4);
        let all = async { tokio::join!(before, failing, panicking, after) };
        tokio::pin!(all);
        assert!(futures::poll!(all.as_mut()).is_pending());
        release.send(()).unwrap();
        let (before, failing, panicking, after) = all.await;
        before.unwrap();
        assert!(matches!(failing, Err(EngineError::Statement(_))), "{failing:?}");
        assert!(
            matches!(panicking, Err(EngineError::JobPanicked)),
            "{panicking:?}"
        );
        after.unwrap();
        let ids = |connection: &rusqlite::Connection| {
            Ok::<String, EngineError>(connection.query_row(
                "SELECT group_concat(id) FROM note",
                [],
                |row| row.get(0),
            )?)
        };
        assert_eq!(engine.read(ids).await.unwrap(), "1,4");
        assert!(engine.stats().commits < 5, "some of them shared a transaction");
    }
}

#[tokio::test]
async fn a_panicking_read_does_not_end_its_reader() {
    let engine = open(&Location::Memory);
    for _ in 0..20 {
        let read = engine
            .read(|_connection| -> Result<(), EngineError> { panic!("as planned") })
            .await;
        assert!(matches!(read, Err(EngineError::JobPanicked)));
    }
    assert_eq!(count(&engine).await, 0);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let engine = open(&Location::Memory);
    let release = hold_writer(&engine).await;
    let mut waiting: Vec<_> = (1..=1024).map(|id| Box::pin(insert(&engine, id))).collect();
    for write in &mut waiting {
        assert!(futures::poll!(write.as_mut()).is_pending());
    }
    let refused = insert(&engine, 1025).await;
    assert!(matches!(refused, Err(EngineError::Overloaded)), "{refused:?}");
    release.send(()).unwrap();
    join_all(waiting).await;
    insert(&engine, 1025).await.unwrap();
    assert_eq!(count(&engine).await, 1025);
}

#[tokio::test]
async fn a_write_whose_caller_gave_up_is_still_done() {
    let engine = open(&Location::Memory);
    let release = hold_writer(&engine).await;
    let mut abandoned = Box::pin(insert(&engine, 1));
    assert!(futures::poll!(abandoned.as_mut()).is_pending());
    drop(abandoned);
    release.send(()).unwrap();
    insert(&engine, 2).await.unwrap();
    assert_eq!(count(&engine).await, 2);
}

#[tokio::test]
async fn readers_go_on_while_a_write_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(&file(directory.path()));
    insert(&engine, 1).await.unwrap();
    let _release = hold_writer(&engine).await;
    assert_eq!(count(&engine).await, 1);
}

#[tokio::test]
async fn readers_cannot_write() {
    for location in [Location::Memory, file(tempfile::tempdir().unwrap().path())] {
        let engine = open(&location);
        let write = engine
            .read(|connection| Ok(connection.execute("INSERT INTO note VALUES (1, '')", [])?))
            .await;
        assert!(
            matches!(write, Err::<usize, _>(EngineError::Unavailable(_))),
            "{write:?}"
        );
        assert_eq!(count(&engine).await, 0);
    }
}

#[tokio::test]
async fn close_answers_what_was_queued_and_refuses_what_comes_later() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(&file(directory.path()));
    let release = hold_writer(&engine).await;
    let mut queued = Box::pin(insert(&engine, 1));
    assert!(futures::poll!(queued.as_mut()).is_pending());
    let mut close = Box::pin(engine.close());
    assert!(futures::poll!(close.as_mut()).is_pending());
    assert!(matches!(insert(&engine, 2).await, Err(EngineError::Closed)));
    release.send(()).unwrap();
    queued.await.unwrap();
    close.await;
    assert!(matches!(engine.ping().await, Err(EngineError::Closed)));
    assert!(
        !directory.path().join("made/for/this/notes.db-wal").exists(),
        "the log was folded in"
    );

    let engine = open(&file(directory.path()));
    assert_eq!(count(&engine).await, 1);
}

#[tokio::test]
async fn every_memory_database_is_its_own() {
    let (one, two) = (open(&Location::Memory), open(&Location::Memory));
    insert(&one, 1).await.unwrap();
    assert_eq!(count(&two).await, 0);
}

#[tokio::test]
async fn a_second_open_is_refused_with_a_sentence_until_the_first_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let location = file(directory.path());
    let engine = open(&location);
    let error = Engine::open(&location, MIGRATIONS).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    let sentence = error.to_string();
    assert!(
        sentence.contains("notes.db.lock") && sentence.contains("in use by another process"),
        "{sentence}"
    );
    engine.close().await;
    open(&location).ping().await.unwrap();
}

#[tokio::test]
async fn files_and_new_directories_are_private() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(&file(directory.path()));
    insert(&engine, 1).await.unwrap();
    let mode = |path: &str| {
        std::fs::metadata(directory.path().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    for name in ["notes.db", "notes.db-wal", "notes.db-shm", "notes.db.lock"] {
        assert_eq!(mode(&format!("made/for/this/{name}")), 0o600, "{name}");
    }
    assert_eq!(mode("made/for/this"), 0o700);
    assert_eq!(mode("made"), 0o700);
}

#[tokio::test]
async fn settings_are_the_ones_that_were_promised() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(&file(directory.path()));
    let pragmas = |connection: &rusqlite::Connection| {
        let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok::<_, EngineError>((
            text("journal_mode")?,
            number("synchronous")?,
            number("foreign_keys")?,
            number("user_version")?,
        ))
    };
    assert_eq!(engine.write(pragmas).await.unwrap(), ("wal".to_owned(), 2, 1, 1));
}
