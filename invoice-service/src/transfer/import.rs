use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use interchange::{Options, Reader};
use jiff::Timestamp;

use super::check::Check;
use super::error::TransferError;
use super::plan::{Planned, order};
use super::replay::Numbering;
use super::report::{ImportReport, Renumbered};
use super::storing::Storing;
use super::{Operator, Step};
use crate::config::Config;
use crate::domain::ids::{InvoiceId, OrganizationId, UserId};
use crate::domain::invoice::InvoiceKind;
use crate::domain::number::{LastNumber, Series};
use crate::store::{self, InvoiceStore, Store};

/// For whom invoices are imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Importer {
    pub(super) organization: OrganizationId,
    pub(super) user: UserId,
}

impl Importer {
    /// The user, and the organization that the user acts for.
    ///
    /// # Errors
    /// [`TransferError::Id`]
    pub fn new(organization: &str, user: &str) -> Result<Self, TransferError> {
        Ok(Self {
            organization: OrganizationId::parse(organization)?,
            user: UserId::parse(user)?,
        })
    }
}

/// How a file is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// How it is read.
    pub reading: Options,
    /// Store nothing.
    pub is_dry_run: bool,
    /// Treat figures that do not come out as problems.
    pub refuses_differences: bool,
}

/// Imports the file at `path` into the store of `config`, and says what came of it. With a problem anywhere in the file,
/// nothing is stored; see [`ImportReport::is_accepted`].
///
/// Interrupted, the same command goes on: what is stored already is recognized by its id and content.
///
/// # Errors
/// [`TransferError`], one variant per cause.
pub async fn import(
    config: &Config,
    data_dir: &Path,
    path: &Path,
    importer: &Importer,
    options: &ImportOptions,
    operator: &dyn Operator,
) -> Result<ImportReport, TransferError> {
    let settings = config.validate(data_dir)?;
    let store = if options.is_dry_run {
        store::open_beside(&settings.store).await?
    } else {
        store::open(&settings.store).await?
    };
    let imported = import_into(Arc::clone(&store), path, importer, options, operator).await;
    store.close().await;
    imported
}

/// As [`import`], on a store that is open.
pub(super) async fn import_into(
    store: Arc<dyn Store>,
    path: &Path,
    importer: &Importer,
    options: &ImportOptions,
    operator: &dyn Operator,
) -> Result<ImportReport, TransferError> {
    let profile = store.profile(&importer.organization).await?;
    let profile = profile.map(|stored| stored.profile).unwrap_or_default();
    // A profile always has a series for invoices.
    let series = profile.series(None, InvoiceKind::Invoice);
    let series = series.map_or_else(|_| Series::standard(), Clone::clone);
    let today = profile.day(Timestamp::now());
    let last = store.last_number(&importer.organization, series.id()).await?;
    let file = File::open(path).map_err(|error| TransferError::of_file(path, error))?;
    let length = file.metadata().map(|facts| facts.len()).unwrap_or_default();
    operator.begins(Step::Checking, length);
    let again = File::open(path).map_err(|error| TransferError::of_file(path, error))?;
    let reader = Reader::new(BufReader::new(file), options.reading.clone());
    let mut reader = reader.map_err(|error| TransferError::of_file(path, error))?;
    // Of which number each gets, it is only known once all of them are.
    let unordered = Numbering {
        series: &series,
        last: None,
        today,
    };
    let mut check = Check::new(importer, &options.reading, unordered);
    check.all(&mut reader, path, operator).await?;
    let Check {
        mut report,
        mut planned,
        ..
    } = check;
    report.is_dry_run = options.is_dry_run;
    report.refuses_differences = options.refuses_differences;
    leave_out(&*store, importer, &mut planned, &mut report).await?;
    order(&mut planned);
    number(&planned, unordered.after(last.as_ref()), options, &mut report);
    for planned in &planned {
        *report.states.entry(planned.state.name()).or_default() += 1;
    }
    if report.is_accepted() && !options.is_dry_run {
        operator.begins(Step::Storing, report.new_invoices());
        let storing = Storing {
            store: &*store,
            importer,
            reader: &reader,
            file: again,
            path,
            series: &series,
            today,
        };
        report.numbers = storing.all(&planned, operator).await?;
    }
    Ok(report)
}

/// Requests that the store is asked about at a time.
const ASKED: usize = 500;

/// Leaves out what is in the organization already: by an earlier import, or under its own id.
async fn leave_out(
    store: &dyn InvoiceStore,
    importer: &Importer,
    planned: &mut Vec<Planned>,
    report: &mut ImportReport,
) -> Result<(), TransferError> {
    let mut left = Vec::with_capacity(planned.len());
    for asked in planned.chunks(ASKED) {
        let requests: Vec<_> = asked.iter().map(|planned| planned.request.id).collect();
        let ids: Vec<_> = asked
            .iter()
            .filter_map(|planned| InvoiceId::parse(&planned.id).ok())
            .collect();
        let creations = store.creations(&importer.organization, &requests).await?;
        let existing = store.existing(&importer.organization, &ids).await?;
        let creations: HashMap<_, _> = creations
            .into_iter()
            .map(|creation| (creation.request.id, creation))
            .collect();
        let existing: HashSet<_> = existing.iter().map(InvoiceId::as_str).collect();
        for planned in asked {
            match creations.get(&planned.request.id) {
                Some(creation) if creation.request != planned.request => {
                    let text = "must be as it was when it was imported before; what is stored is not changed by an import";
                    report.bad(planned, String::new(), "IMPORTED_DIFFERENTLY", text.to_owned());
                }
                Some(creation) if creation.is_deleted => report.deleted_since += 1,
                Some(_) => report.already_there += 1,
                None if existing.contains(&*planned.id) => report.already_there += 1,
                None => left.push(planned.clone()),
            }
        }
    }
    *planned = left;
    Ok(())
}

/// Whether each invoice gets a number, and which.
fn number(planned: &[Planned], numbering: Numbering<'_>, options: &ImportOptions, report: &mut ImportReport) {
    let mut last = numbering.last.cloned();
    for planned in planned {
        let Some(day) = planned.day else { continue };
        match numbering.series.next(last.as_ref(), day, numbering.today) {
            Ok(assigned) => {
                let stated = &*planned.number;
                if !stated.is_empty() && assigned.number.as_str() != stated {
                    report.renumbered.push(Renumbered {
                        line: planned.line,
                        stated: stated.to_owned(),
                        number: assigned.number.to_string(),
                    });
                }
                last = Some(LastNumber {
                    place: assigned.place,
                    issue_date: day,
                });
            }
            Err(error) => {
                let at = options.reading.format.name_of("invoice.issue_date");
                report.bad(planned, at, error.reason(), error.to_string());
            }
        }
    }
}
