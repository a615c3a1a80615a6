use std::fmt;

use store_url::OpenError;

use crate::contents::RecordError;

/// Which side of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where records come from.
    Source,
    /// Where they go.
    Target,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// Why a copy did not come to its end. Each text is a sentence for the operator, and none shows a password or the content
/// of a record.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A database cannot be opened.
    #[error("the {end} of {service}")]
    Open {
        /// Which side.
        end: End,
        /// Whose.
        service: &'static str,
        /// Why.
        source: OpenError,
    },
    /// A database cannot be read or written, or what it holds stands in the way.
    #[error("the {end} of {service}")]
    Store {
        /// Which side.
        end: End,
        /// Whose.
        service: &'static str,
        /// Why.
        source: StoreFailure,
    },
    /// Source and target are one.
    #[error("the source and the target of {service} are the same database")]
    SameStore {
        /// Whose.
        service: &'static str,
    },
    /// The target is in use.
    #[error(
        "the target of {service} holds {collection} already: choose an empty one; or give --into-non-empty, which adds what \
         is missing, overwrites nothing, and stops at a record that differs"
    )]
    NotEmpty {
        /// Whose.
        service: &'static str,
        /// What it holds.
        collection: &'static str,
    },
    /// The target is marked by the copy of something else.
    #[error(
        "the target of {service} holds an unfinished copy of another source, or of this one before it was changed: finish \
         that one, or empty the target and copy again"
    )]
    OtherSource {
        /// Whose.
        service: &'static str,
    },
    /// The operator wanted it.
    #[error("stopped; the target can not be used yet. Run the same command again to go on where it stopped")]
    Stopped,
}

/// What stands in the way at one side.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailure {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] sqlite_engine::EngineError),
    /// MongoDB.
    #[error(transparent)]
    MongoDb(#[from] mongo_engine::EngineError),
    /// A record cannot be read or written.
    #[error("{collection} {key}")]
    Record {
        /// Which collection.
        collection: &'static str,
        /// The ids of the record.
        key: String,
        /// Why.
        source: RecordError,
    },
    /// The target has the record with other content.
    #[error("{collection} {key} is there with other content; nothing was overwritten")]
    Differs {
        /// Which collection.
        collection: &'static str,
        /// The ids of the record.
        key: String,
    },
    /// Another record of the target has a value that is unique.
    #[error(
        "{collection} {key} cannot be added: another one there has a value of it that must be unique; nothing was \
         overwritten"
    )]
    Taken {
        /// Which collection.
        collection: &'static str,
        /// The ids of the record.
        key: String,
    },
    /// The mark of an unfinished copy is not one of ours.
    #[error("the mark of an unfinished copy cannot be read: empty the target and copy again")]
    Mark(#[source] serde_json::Error),
}

impl StoreFailure {
    /// Whether the same step can succeed a little later, as after an election.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::MongoDb(
                mongo_engine::EngineError::Unavailable(_) | mongo_engine::EngineError::Overloaded,
            ) => true,
            Self::MongoDb(_)
            | Self::Sqlite(_)
            | Self::Record { .. }
            | Self::Differs { .. }
            | Self::Taken { .. }
            | Self::Mark(_) => false,
        }
    }
}
