//! Schema versions across opens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sqlite_engine::{Engine, EngineError, Location, Migration, OpenError, UnfinishedCopy};

const FIRST: Migration = Migration {
    name: "notes",
    sql: "CREATE TABLE note (id INTEGER PRIMARY KEY) STRICT",
};
const SECOND: Migration = Migration {
    name: "texts",
    sql: "ALTER TABLE note ADD COLUMN text TEXT",
};
const BROKEN: Migration = Migration {
    name: "broken",
    sql: "CREATE TABLE half_done (id INTEGER); INSERT INTO missing VALUES (1)",
};
const ONE: &[Migration] = &[FIRST];
const TWO: &[Migration] = &[FIRST, SECOND];
const WITH_BROKEN: &[Migration] = &[FIRST, BROKEN];

async fn columns(engine: &Engine) -> i64 {
    let columns = |connection: &rusqlite::Connection| {
        let sql = "SELECT count(*) FROM pragma_table_info('note')";
        Ok::<i64, EngineError>(connection.query_row(sql, [], |row| row.get(0))?)
    };
    engine.read(columns).await.unwrap()
}

#[tokio::test]
async fn only_the_missing_migrations_are_applied() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::File(directory.path().join("notes.db"));
    for (migrations, expected) in [(ONE, 1), (ONE, 1), (TWO, 2), (TWO, 2)] {
        let engine = Engine::open(&location, migrations).unwrap();
        assert_eq!(columns(&engine).await, expected);
        engine.close().await;
    }
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::File(directory.path().join("notes.db"));
    Engine::open(&location, TWO).unwrap().close().await;
    let error = Engine::open(&location, ONE).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::TooNew {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("start the newer release"), "{error}");
}

#[tokio::test]
async fn a_failed_migration_leaves_the_version_before_it_whole() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::File(directory.path().join("notes.db"));
    let error = Engine::open(&location, WITH_BROKEN).unwrap_err();
    assert!(
        matches!(error, OpenError::Migration { name: "broken", .. }),
        "{error:?}"
    );
    let engine = Engine::open(&location, ONE).unwrap();
    let tables = |connection: &rusqlite::Connection| {
        let sql = "SELECT group_concat(name) FROM sqlite_schema";
        Ok::<String, EngineError>(connection.query_row(sql, [], |row| row.get(0))?)
    };
    assert_eq!(engine.read(tables).await.unwrap(), "note");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let letter =
        "Dear reader, this file is long enough to be looked at, but it holds no database at all. Yours."
            .repeat(9);
    std::fs::write(&path, &letter).unwrap();
    let error = Engine::open(&Location::File(path.clone()), ONE).unwrap_err();
    assert!(error.to_string().contains("letter.txt"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_database_with_an_unfinished_copy_is_opened_only_to_finish_it() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::File(directory.path().join("notes.db"));
    let mark = UnfinishedCopy {
        source: "a".to_owned(),
        position: "0".to_owned(),
    };
    let engine = Engine::open_copy_target(&location, ONE).unwrap();
    let begun = mark.clone();
    let write = engine.write(move |connection| Ok::<_, EngineError>(begun.insert(connection)?));
    write.await.unwrap();
    engine.close().await;
    for refused in [
        Engine::open(&location, ONE),
        Engine::open_copy_source(&location, ONE),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, OpenError::UnfinishedCopy { .. }), "{error:?}");
    }

    let engine = Engine::open_copy_target(&location, ONE).unwrap();
    let find = |connection: &rusqlite::Connection| Ok::<_, EngineError>(UnfinishedCopy::find(connection)?);
    assert_eq!(engine.read(find).await.unwrap(), Some(mark.clone()));
    let advance = |connection: &rusqlite::Connection| {
        UnfinishedCopy::advance(connection, "1")?;
        Ok::<_, EngineError>(UnfinishedCopy::find(connection)?)
    };
    let advanced = engine.write(advance).await.unwrap();
    assert_eq!(advanced.map(|mark| mark.position).as_deref(), Some("1"));
    let remove =
        |connection: &rusqlite::Connection| Ok::<_, EngineError>(UnfinishedCopy::remove(connection)?);
    engine.write(remove).await.unwrap();
    assert_eq!(engine.read(find).await.unwrap(), None);
    engine.close().await;
    Engine::open(&location, ONE).unwrap().close().await;
}

#[tokio::test]
async fn a_database_to_copy_from_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("absent/notes.db");
    for location in [Location::File(path.clone()), Location::Memory] {
        let error = Engine::open_copy_source(&location, ONE).unwrap_err();
        assert!(matches!(error, OpenError::Absent { .. }), "{error:?}");
    }
    assert!(!path.parent().unwrap().exists());
}
