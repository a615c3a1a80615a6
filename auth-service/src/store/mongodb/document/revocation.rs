//! What revocations need of documents: of sessions that were ended, of users whose security version was raised, and of
//! the changes that say so.

use mongo_engine::bson::DateTime;
use serde::Deserialize;

use super::{broken, natural, time};
use crate::domain::revocation::{EndedSession, RaisedVersion, Revocation};
use crate::store::StoreError;

/// Of a session that was ended, what its revocation needs.
#[derive(Deserialize)]
pub(in crate::store::mongodb) struct EndedSessionDocument {
    #[serde(rename = "_id")]
    id: String,
    end: EndTimeDocument,
}

#[derive(Deserialize)]
struct EndTimeDocument {
    time: DateTime,
}

/// Of a user whose security version was raised, what its revocation needs.
#[derive(Deserialize)]
pub(in crate::store::mongodb) struct RaisedVersionDocument {
    #[serde(rename = "_id")]
    id: String,
    security_version: i64,
    security_version_time: DateTime,
}

/// Of a change of a session or user, what a revocation needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store::mongodb) struct ChangeDocument {
    document_key: DocumentKey,
    update_description: UpdateDocument,
}

#[derive(Deserialize)]
struct DocumentKey {
    #[serde(rename = "_id")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateDocument {
    updated_fields: UpdatedFields,
}

/// Of a session the first, of a user the others.
#[derive(Deserialize)]
struct UpdatedFields {
    end: Option<EndTimeDocument>,
    security_version: Option<i64>,
    security_version_time: Option<DateTime>,
}

impl TryFrom<EndedSessionDocument> for Revocation {
    type Error = StoreError;

    fn try_from(document: EndedSessionDocument) -> Result<Self, StoreError> {
        Ok(Self::Session(EndedSession {
            id: document.id.parse().map_err(broken)?,
            end_time: time(document.end.time)?,
        }))
    }
}

impl TryFrom<RaisedVersionDocument> for Revocation {
    type Error = StoreError;

    fn try_from(document: RaisedVersionDocument) -> Result<Self, StoreError> {
        Ok(Self::User(RaisedVersion {
            user_id: document.id.parse().map_err(broken)?,
            security_version: natural(document.security_version)?,
            time: time(document.security_version_time)?,
        }))
    }
}

impl TryFrom<ChangeDocument> for Revocation {
    type Error = StoreError;

    fn try_from(document: ChangeDocument) -> Result<Self, StoreError> {
        let (id, fields) = (
            document.document_key.id,
            document.update_description.updated_fields,
        );
        match (fields.end, fields.security_version, fields.security_version_time) {
            (Some(end), _, _) => EndedSessionDocument { id, end }.try_into(),
            (None, Some(security_version), Some(security_version_time)) => RaisedVersionDocument {
                id,
                security_version,
                security_version_time,
            }
            .try_into(),
            (None, _, _) => Err(StoreError::Broken("a change that revokes nothing".into())),
        }
    }
}
