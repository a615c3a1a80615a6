//! Restarts, settings, and messages that are none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{PASSWORD, Service, bearer, config, refusal, registration};
use auth_service::{App, BuildError, Config};
use proto::auth::v1 as pb;
use tonic::Code;

#[tokio::test]
async fn users_sessions_and_keys_survive_a_restart() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let ended = service
        .login("ada@example.com", PASSWORD)
        .await
        .unwrap()
        .tokens
        .unwrap();
    service.logout(&ended.access_token).await.unwrap();
    let keys = service
        .tokens()
        .get_jwks(pb::GetJwksRequest {})
        .await
        .unwrap()
        .into_inner();
    let rotated = service.refresh(&tokens.refresh_token).await.unwrap();

    let service = service.restart().await;
    assert_eq!(
        service
            .tokens()
            .get_jwks(pb::GetJwksRequest {})
            .await
            .unwrap()
            .into_inner(),
        keys
    );
    service.get_me(&tokens.access_token).await.unwrap();
    let repeated = service.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(
        repeated.refresh_token, rotated.refresh_token,
        "the lost answer, after the restart"
    );
    assert_eq!(
        refusal(service.get_me(&ended.access_token).await).1,
        "TOKEN_REVOKED"
    );
    assert_eq!(
        refusal(service.refresh(&ended.refresh_token).await).1,
        "REFRESH_TOKEN_INVALID"
    );
    service.login("ada@example.com", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn files_are_private_and_the_store_holds_no_secret_as_it_is() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let folder = service.data_dir().to_owned();
    for file in ["auth.db", "auth.db-wal", "keys/master.key"] {
        assert_eq!(
            fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
    let stored = [
        fs::read(folder.join("auth.db")).unwrap(),
        fs::read(folder.join("auth.db-wal")).unwrap(),
    ]
    .concat();
    let holds = |secret: &str| {
        stored
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    };
    assert!(holds("ada@example.com"), "the search finds what is there");
    for secret in [
        PASSWORD,
        &tokens.access_token,
        &tokens.refresh_token,
        &tokens.refresh_token[32..],
    ] {
        assert!(!holds(secret));
    }
}

async fn start_error(config: Config, folder: &Path) -> String {
    let built = App::build(config, folder).await;
    built.map(|app| app.local_addr()).unwrap_err().to_string()
}

#[tokio::test]
async fn a_start_that_cannot_work_ends_with_a_sentence() {
    let service = Service::start().await;
    let folder = service.data_dir().to_owned();
    let in_use = start_error(config(), &folder).await;
    assert!(in_use.contains("auth.db.lock"), "{in_use}");
    let elsewhere = folder.join("elsewhere/master.key");
    let other_key_file = Config {
        key_file: Some(elsewhere.clone()),
        ..config()
    };
    let in_use = start_error(other_key_file, &folder).await;
    assert!(in_use.contains("auth.db.lock"), "{in_use}");
    assert!(!elsewhere.exists(), "nothing is made before the store is ours");
    let on_its_port = || Config {
        listen: service.address(),
        ..config()
    };
    let taken = start_error(on_its_port(), &folder.join("another")).await;
    assert!(taken.contains("cannot listen on 127.0.0.1"), "{taken}");
    let store_first = start_error(on_its_port(), &folder).await;
    assert!(store_first.contains("auth.db.lock"), "{store_first}");

    let key_file = folder.join("keys/master.key");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    let another_store = Config {
        store_url: Some("sqlite::memory:".to_owned().into()),
        ..config()
    };
    let readable = start_error(another_store, &folder).await;
    assert!(readable.contains("chmod 600"), "{readable}");

    let mistakes = Config {
        issuer: String::new(),
        session_days: 0,
        ..config()
    };
    let Err(BuildError::Config(mistakes)) = App::build(mistakes, &folder).await else {
        panic!("started")
    };
    assert_eq!(mistakes.mistakes().len(), 2, "{mistakes}");
}

#[tokio::test]
async fn a_missing_or_another_key_file_beside_an_old_store_is_refused() {
    let service = Service::start().await;
    let store_url = format!("sqlite:{}", service.data_dir().join("copy.db").display());
    let original = service.data_dir().join("auth.db");
    let folder = tempfile::tempdir().unwrap();
    let copy = Config {
        store_url: Some(store_url.into()),
        ..config()
    };
    service.signed_in().await;
    let other = service.data_dir().join("copy.db");
    sqlite_backup(&original, &other);
    let key_file = folder.path().join("keys/master.key");
    let missing = start_error(copy.clone(), folder.path()).await;
    let sentence = format!(
        "the key file {} is missing; restore it from your backup",
        key_file.display()
    );
    assert!(missing.contains(&sentence), "{missing}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was made"
    );

    drop(App::build(config(), folder.path()).await.unwrap());
    assert!(key_file.exists(), "another service's");
    let another = start_error(copy, folder.path()).await;
    assert!(another.contains("does not open under this key file"), "{another}");
}

/// Copies a database that is in use.
fn sqlite_backup(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(name(from), name(to)).unwrap();
    }
}

#[tokio::test]
async fn requests_beyond_four_kibibytes_are_refused() {
    let service = Service::start().await;
    let tokens = service.signed_in().await;
    let huge = "x".repeat(10_000_000);
    let request = pb::RegisterRequest {
        display_name: huge.clone(),
        ..registration("ada@example.org")
    };
    let register = service.auth().register(request).await;
    assert_eq!(
        refusal(register),
        (Code::InvalidArgument, "MESSAGE_TOO_LARGE".to_owned())
    );
    let login = service.login("ada@example.com", &"x".repeat(4096)).await;
    assert_eq!(refusal(login).1, "MESSAGE_TOO_LARGE");
    let logout = bearer(&tokens.access_token, pb::LogoutRequest { refresh_token: huge });
    assert_eq!(
        refusal(service.auth().logout(logout).await).1,
        "MESSAGE_TOO_LARGE"
    );
    service.get_me(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn an_in_memory_store_serves_like_any_other() {
    let service = Service::start_with(Config {
        store_url: Some("sqlite::memory:".to_owned().into()),
        ..config()
    })
    .await;
    let tokens = service.signed_in().await;
    let tokens = service.refresh(&tokens.refresh_token).await.unwrap();
    service.get_me(&tokens.access_token).await.unwrap();
    assert!(!service.data_dir().join("auth.db").exists());
}
