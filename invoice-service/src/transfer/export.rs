use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use interchange::{ExportFormat, Writer};
use jiff::Timestamp;

use super::error::TransferError;
use super::{Operator, Step};
use crate::config::Config;
use crate::domain::ids::OrganizationId;
use crate::rpc;
use crate::store::{self, Cursor, ListFilter, ListOrder, ListQuery, Store};

/// Invoices that are read at a time.
const PAGE: usize = 200;

/// Writes every invoice of an organization, the newest first, and returns how many there were. Each is as it was when it
/// was read: those that are created meanwhile are missing, and none is there twice.
///
/// # Errors
/// [`TransferError`], one variant per cause; what was written then is not all.
pub async fn export(
    config: &Config,
    data_dir: &Path,
    organization: &str,
    format: ExportFormat,
    output: impl Write + Send,
    operator: &dyn Operator,
) -> Result<u64, TransferError> {
    let organization = OrganizationId::parse(organization)?;
    let settings = config.validate(data_dir)?;
    let store = store::open_beside(&settings.store).await?;
    let exported = export_from(Arc::clone(&store), &organization, format, output, operator).await;
    store.close().await;
    exported
}

/// As [`export`], of a store that is open.
pub(super) async fn export_from(
    store: Arc<dyn Store>,
    organization: &OrganizationId,
    format: ExportFormat,
    output: impl Write + Send,
    operator: &dyn Operator,
) -> Result<u64, TransferError> {
    let profile = store.profile(organization).await?;
    let profile = profile.map(|stored| stored.profile).unwrap_or_default();
    let today = profile.day(Timestamp::now());
    // The one order whose key never changes, so that nothing is skipped while others work.
    let order = ListOrder::CreateTimeDescending;
    let mut writer = Writer::new(output, format)?;
    let mut after = None;
    let mut written = 0;
    operator.begins(Step::Exporting, 0);
    loop {
        let query = ListQuery {
            filter: ListFilter::default(),
            order,
            after,
            limit: PAGE,
        };
        let page = store.list(organization, query).await?;
        for invoice in &page.invoices {
            writer.write(&rpc::message_of(invoice, today))?;
        }
        let count = u64::try_from(page.invoices.len()).unwrap_or_default();
        written += count;
        operator.advances(count);
        after = page.invoices.last().map(|last| Cursor::of(last, order));
        if !page.more || after.is_none() {
            writer.finish()?;
            return Ok(written);
        }
        if operator.wants_to_stop() {
            return Err(TransferError::Cancelled("the output is not complete"));
        }
    }
}
