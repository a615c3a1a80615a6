use harness::mongo::{ReplicaSet, Standalone};
use sqlite_engine::UnfinishedCopy;

use super::person::Person;
use super::{carry_master_key, copy, directory, run, source};
use crate::binary::Home;

/// An installation with a person's work, stopped.
async fn worked_in() -> Home {
    let home = Home::new();
    let running = home.start().await;
    Person::at_work(&running).await;
    running.interrupt();
    running
        .ends_with_success(std::time::Duration::from_secs(10))
        .await;
    home
}

#[tokio::test]
async fn a_target_that_holds_records_is_refused_unless_that_is_wanted() {
    let (one, other, target) = (worked_in().await, worked_in().await, Home::new());
    let (from, to) = (directory(&one), directory(&target));
    assert_eq!(copy(&from, &to).await.verified(), [1, 1, 1, 2, 5, 1, 0]);
    let holds = ["target of auth-service holds users already", "--into-non-empty"];
    copy(&from, &to).await.refused(&holds);
    copy(&directory(&other), &to).await.refused(&holds);

    // Everything is there: nothing to add, and a further invoice stays.
    let more = "INSERT INTO invoice SELECT org_id, id || 'x', version, deleted, state, kind, customer_id, currency_code,
                number, issue_date, due_date, gross_minor, remaining_minor, create_time_ms, words, NULL, NULL, document, NULL, NULL, NULL, NULL,
                paid_minor, credited_minor
                FROM invoice WHERE deleted = 0 LIMIT 1";
    assert_eq!(source::open(&target.data_dir()).execute(more, []).unwrap(), 1);
    let again = run(&["--from", &from, "--to", &to, "--into-non-empty"]).await;
    assert!(
        again.is_success
            && again
                .report
                .contains("target         1  that the source does not have"),
        "{again:?}"
    );

    // The key of another installation cannot be active beside the one that is there.
    let mixed = run(&["--from", &directory(&other), "--to", &to, "--into-non-empty"]).await;
    mixed.refused(&["signing_keys", "must be unique", "nothing was overwritten"]);

    let altered = source::open(&target.data_dir());
    assert_eq!(
        altered
            .execute("UPDATE invoice SET version = version + 1", [])
            .unwrap(),
        6
    );
    drop(altered);
    let different = run(&["--from", &from, "--to", &to, "--into-non-empty"]).await;
    different.refused(&[
        "invoices",
        "is there with other content",
        "nothing was overwritten",
    ]);
    carry_master_key(&one.data_dir(), &target.data_dir());
    target.start().await;
}

#[tokio::test]
async fn a_target_with_a_copy_of_something_else_is_refused() {
    let (home, target) = (worked_in().await, Home::new());
    copy(&directory(&home), &directory(&target)).await.verified();
    let mark = UnfinishedCopy {
        source: "another".to_owned(),
        position: "null".to_owned(),
    };
    mark.insert(&source::open(&target.data_dir())).unwrap();
    let refused = copy(&directory(&home), &directory(&target)).await;
    refused.refused(&["target of invoice-service", "unfinished copy of another source"]);
}

#[tokio::test]
async fn a_source_that_is_running_or_absent_or_the_target_itself_is_refused() {
    let (home, target) = (Home::new(), Home::new());
    let absent = copy(&directory(&home), &directory(&target)).await;
    absent.refused(&["source of auth-service", "there is no database", "auth.db"]);
    let running = home.start().await;
    let in_use = copy(&directory(&home), &directory(&target)).await;
    in_use.refused(&[
        "source of auth-service",
        "in use by another process",
        "stop that process",
    ]);
    running.kill().await;
    let same = copy(&directory(&home), home.data_dir().to_str().unwrap()).await;
    same.refused(&["same database"]);
    assert!(!target.data_dir().exists());
}

#[tokio::test]
async fn what_cannot_be_used_is_named_without_its_password() {
    let home = worked_in().await;
    let from = directory(&home);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(
        &file,
        "mongodb://ada:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=200\n",
    )
    .unwrap();
    let file = ["--from", &from, "--to-file", file.to_str().unwrap()];
    let (server, set) = (Standalone::start().await, ReplicaSet::start().await);
    let with_password = |url: &str| url.replace("mongodb://", "mongodb://ada:s3cret@");
    let (standalone, refused) = (server.url(), with_password(&set.url("")));
    let absent = set.url("");
    for (flags, sayings) in [
        (file.as_slice(), ["target of auth-service", "unavailable"]),
        (
            &["--from", &from, "--to", &standalone],
            ["standalone", "rs.initiate()"],
        ),
        (
            &["--from", &from, "--to", &refused],
            ["target of auth-service", "credentials"],
        ),
        (
            &["--from", &absent, "--to", "x"],
            ["source of auth-service", "holds no auth data"],
        ),
        (
            &["--from", "postgres://ada:s3cret@host", "--to", "x"],
            ["--from", "an installation is"],
        ),
        (
            &["--from", "x", "--to", "mongodb://ada:s3cret@host/books"],
            ["--to", "names a database"],
        ),
        (&["--from", "x"], ["--to", "give either"]),
    ] {
        run(flags).await.refused(&sayings);
    }
}

#[tokio::test]
async fn stores_with_names_of_their_own_are_given_one_by_one() {
    let (home, folder) = (worked_in().await, tempfile::tempdir().unwrap());
    let data = home.data_dir();
    let of = |folder: &std::path::Path, name: &str| format!("sqlite:{}", folder.join(name).display());
    let copied = run(&[
        "--from-auth",
        &of(&data, "auth.db"),
        "--from-invoice",
        &of(&data, "invoices.db"),
        "--to-auth",
        &of(folder.path(), "people.db"),
        "--to-invoice",
        &of(folder.path(), "books.db"),
    ])
    .await;
    assert_eq!(copied.verified(), [1, 1, 1, 2, 5, 1, 0]);
    assert!(folder.path().join("people.db").exists() && folder.path().join("books.db").exists());
}
