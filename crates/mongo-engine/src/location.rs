use std::fmt;
use std::str::FromStr;

use mongodb::options::ConnectionString;

/// A MongoDB connection string, such as `mongodb://user:password@host1,host2/database?replicaSet=rs0`. It may hold a
/// password, so neither its Debug nor its Display shows more than the scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

/// A connection string that the driver cannot read. The text does not repeat it: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Another scheme.
    #[error("a MongoDB URL begins with mongodb:// or mongodb+srv://")]
    Scheme,
    /// Refused by the driver's parser.
    #[error(
        "this MongoDB URL cannot be read; it should look like \
         mongodb://user:password@host1:27017,host2:27017/database?replicaSet=rs0, with %-escapes for :/?#[]@% in user \
         and password"
    )]
    Malformed,
}

impl Location {
    /// The schemes of these URLs.
    pub const SCHEMES: [&'static str; 2] = ["mongodb://", "mongodb+srv://"];

    /// The database that the URL names, if it names one.
    pub fn database(&self) -> Option<String> {
        ConnectionString::parse(&self.0).ok()?.default_database
    }

    /// The whole text, for the driver.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        if !Self::SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(LocationError::Scheme);
        }
        match ConnectionString::parse(url) {
            Ok(_) => Ok(Self(url.to_owned())),
            Err(_) => Err(LocationError::Malformed),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mongodb://[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_checked_without_the_network_and_never_shown() {
        let location: Location = "mongodb://ada:s3cret@a:1,b:2/books?replicaSet=rs0"
            .parse()
            .unwrap();
        assert_eq!(format!("{location:?}"), "mongodb://[redacted]");
        let srv: Location = "mongodb+srv://ada:s3cret@cluster.example.com".parse().unwrap();
        assert!(srv.as_str().contains("cluster"));
        assert_eq!(location.database().as_deref(), Some("books"));
        assert_eq!(srv.database(), None);
    }

    #[test]
    fn a_malformed_url_is_refused_without_repeating_it() {
        for wrong in [
            "mongodb://",
            "mongodb://ada:s3:cret@host",
            "mongodb://host:port?x",
        ] {
            let error = wrong.parse::<Location>().unwrap_err();
            assert_eq!(error, LocationError::Malformed, "{wrong}");
            assert!(!error.to_string().contains("s3"));
        }
        assert_eq!("postgres://x".parse::<Location>(), Err(LocationError::Scheme));
    }
}
