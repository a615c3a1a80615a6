use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use settings::{Mistakes, SecretText, secret_from};
use store_url::StoreUrl;

/// The stores of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installation {
    pub(super) auth: StoreUrl,
    pub(super) invoice: StoreUrl,
    /// The data directory, of one that is in SQLite and was named by it.
    pub(super) data_dir: Option<PathBuf>,
}

/// A secret as text, or as the file that holds it.
pub(super) type Secret<'a> = (Option<&'a SecretText>, Option<&'a Path>);

/// What the command line says about one installation.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// `--from` or `--to`; the others go on with `-auth` and `-invoice`.
    pub(super) flag: &'static str,
    pub(super) whole: Secret<'a>,
    pub(super) auth: Secret<'a>,
    pub(super) invoice: Secret<'a>,
}

fn is_given(secret: Secret<'_>) -> bool {
    secret.0.is_some() || secret.1.is_some()
}

impl Given<'_> {
    /// `None` after a mistake was noted.
    pub(super) fn installation(&self, mistakes: &mut Mistakes) -> Option<Installation> {
        let flag = self.flag;
        match (is_given(self.whole), is_given(self.auth), is_given(self.invoice)) {
            (true, false, false) => {
                let (text, file) = self.whole;
                let url = secret_from(flag, text, file, mistakes)?;
                mistakes.note(flag, whole(url.expose()))
            }
            (false, true, true) => {
                let auth = store(&format!("{flag}-auth"), self.auth, mistakes);
                let invoice = store(&format!("{flag}-invoice"), self.invoice, mistakes);
                let (auth, invoice) = auth.zip(invoice)?;
                Some(Installation {
                    auth,
                    invoice,
                    data_dir: None,
                })
            }
            (_, _, _) => {
                mistakes.push(
                    flag,
                    format_args!("give either {flag} alone, or {flag}-auth and {flag}-invoice together"),
                );
                None
            }
        }
    }
}

/// One store.
fn store(flag: &str, (text, file): Secret<'_>, mistakes: &mut Mistakes) -> Option<StoreUrl> {
    let url = secret_from(flag, text, file, mistakes)?;
    let url = mistakes.note(flag, url.expose().parse())?;
    if url == StoreUrl::Sqlite(sqlite_engine::Location::Memory) {
        mistakes.push(flag, "a database in memory ends with its process");
        return None;
    }
    Some(url)
}

/// Text that names no installation. It is not repeated: it may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InstallationError {
    #[error(
        "an installation is sqlite:DIR or a data directory, or mongodb://… or mongodb+srv://… without a database"
    )]
    Scheme,
    #[error("{0}")]
    MongoDb(String),
    #[error(
        "this URL names a database, and an installation has two: leave the database out of it (a user that is not of the \
         database admin needs authSource=…), or give the two stores one by one"
    )]
    Database,
    #[error("{} is a file; give the data directory, or the two stores one by one", .0.display())]
    File(PathBuf),
    #[error("a database in memory ends with its process")]
    Memory,
}

/// Both stores of an installation.
fn whole(url: &str) -> Result<Installation, InstallationError> {
    let schemes = mongo_engine::Location::SCHEMES;
    if schemes.iter().any(|scheme| url.starts_with(scheme)) {
        return match mongo_engine::Location::from_str(url) {
            Ok(location) if location.database().is_some() => Err(InstallationError::Database),
            Ok(location) => Ok(Installation {
                auth: StoreUrl::MongoDb(location.clone()),
                invoice: StoreUrl::MongoDb(location),
                data_dir: None,
            }),
            Err(error) => Err(InstallationError::MongoDb(error.to_string())),
        };
    }
    let directory = url.strip_prefix("sqlite:").unwrap_or(url);
    if directory == ":memory:" {
        return Err(InstallationError::Memory);
    }
    // A path has no scheme; another URL may hold a password.
    if directory.is_empty()
        || directory.starts_with("//")
        || directory.contains(['\0', '@'])
        || directory.contains("://")
    {
        return Err(InstallationError::Scheme);
    }
    let directory = PathBuf::from(directory);
    if directory.is_file() {
        return Err(InstallationError::File(directory));
    }
    Ok(Installation {
        auth: StoreUrl::file(directory.join("auth.db")),
        invoice: StoreUrl::file(directory.join("invoices.db")),
        data_dir: Some(directory),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_named_with_or_without_its_scheme() {
        let wanted = Installation {
            auth: StoreUrl::file("data/auth.db".into()),
            invoice: StoreUrl::file("data/invoices.db".into()),
            data_dir: Some("data".into()),
        };
        assert_eq!(whole("sqlite:data"), Ok(wanted.clone()));
        assert_eq!(whole("data"), Ok(wanted));
    }

    #[test]
    fn a_cluster_is_named_without_a_database() {
        let installation = whole("mongodb://ada:s3cret@a,b/?replicaSet=rs0").unwrap();
        assert_eq!(installation.auth, installation.invoice);
        assert_eq!(installation.data_dir, None);
        let error = whole("mongodb://ada:s3cret@a/books?replicaSet=rs0").unwrap_err();
        assert_eq!(error, InstallationError::Database);
    }

    #[test]
    fn what_names_no_installation_is_refused_and_not_repeated() {
        for wrong in [
            "",
            "sqlite:",
            "sqlite://s3cret",
            "sqlite::memory:",
            "postgres://ada:s3cret@host",
            "ada:s3cret@host",
            "mongodb://ada:s3:cret@host",
        ] {
            let error = whole(wrong).unwrap_err().to_string();
            assert!(!error.contains("s3"), "{error}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = whole(file.path().to_str().unwrap()).unwrap_err();
        assert!(matches!(error, InstallationError::File(_)), "{error}");
    }

    #[test]
    fn an_installation_is_given_whole_or_as_both_of_its_stores() {
        let url: SecretText = "sqlite:a".parse().unwrap();
        let (given, none) = ((Some(&url), None), (None, None));
        for (whole, auth, invoice, right) in [
            (given, none, none, true),
            (none, given, given, true),
            (none, none, none, false),
            (given, given, given, false),
            (none, given, none, false),
        ] {
            let mut mistakes = Mistakes::new();
            let given = Given {
                flag: "--from",
                whole,
                auth,
                invoice,
            };
            let read = given.installation(&mut mistakes);
            assert_eq!(mistakes.unless_any(read).is_ok(), right, "{given:?}");
        }
    }
}
