//! The one write of two documents.

use mongo_engine::bson::{Document, RawDocumentBuf};
use mongo_engine::mongodb::{ClientSession, Collection, error};

/// What a credit writes.
#[derive(Clone)]
pub(super) struct Writes {
    pub(super) invoices: Collection<RawDocumentBuf>,
    pub(super) filter: Document,
    pub(super) update: Document,
    pub(super) note: RawDocumentBuf,
}

impl Writes {
    /// Replaces the invoice and adds the note; `false`, with nothing done, when the invoice is not the one expected.
    pub(super) async fn in_transaction(self, session: &mut ClientSession) -> error::Result<bool> {
        let replaced = self.invoices.update_one(self.filter, self.update);
        let replaced = replaced.session(&mut *session).await?;
        if replaced.matched_count != 1 {
            session.abort_transaction().await?;
            return Ok(false);
        }
        self.invoices.insert_one(self.note).session(session).await?;
        Ok(true)
    }
}
