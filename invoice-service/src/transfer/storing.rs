//! The second reading of a file, which stores it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use interchange::{Chunk, Reader};
use jiff::Timestamp;

use super::Operator;
use super::check::fingerprint;
use super::error::TransferError;
use super::import::Importer;
use super::plan::Planned;
use super::replay::{Numbering, replay};
use crate::domain::date::CalendarDate;
use crate::domain::invoice::Invoice;
use crate::domain::number::{LastNumber, Series};
use crate::idempotency::AppliedRequest;
use crate::store::{InvoiceStore, StoreError};

/// Invoices that are written at a time, and the bytes of the file after which there are fewer.
const BATCH: usize = 100;
const BATCH_BYTES: usize = 1024 * 1024;
/// How often a batch is tried when the store does not answer or others take its numbers, and the time in between. An
/// election of a replica set takes less.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// What storing needs.
pub(super) struct Storing<'a> {
    pub(super) store: &'a dyn InvoiceStore,
    pub(super) importer: &'a Importer,
    /// The reader that has read the file.
    pub(super) reader: &'a Reader<BufReader<File>>,
    /// The same file.
    pub(super) file: File,
    pub(super) path: &'a Path,
    pub(super) series: &'a Series,
    pub(super) today: CalendarDate,
}

/// The first and the last number that were given.
type Numbers = Option<(String, String)>;

impl Storing<'_> {
    /// Stores all of them, in this order.
    ///
    /// # Errors
    /// [`TransferError`]; what is stored then stays.
    pub(super) async fn all(
        mut self,
        planned: &[Planned],
        operator: &dyn Operator,
    ) -> Result<Numbers, TransferError> {
        let mut numbers = Numbers::None;
        let mut rest = planned;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            let stored = count(planned) - count(rest);
            if operator.wants_to_stop() {
                let all = count(planned);
                return Err(TransferError::Stopped { stored, all });
            }
            let given = self.batch(batch).await.map_err(|failure| match failure {
                Failure::Transfer(error) => error,
                Failure::Overtaken => TransferError::Overtaken {
                    stored,
                    all: count(planned),
                },
            })?;
            numbers = match (numbers, given) {
                (Some((first, _)), Some((_, last))) => Some((first, last)),
                (None, given) => given,
                (numbers, None) => numbers,
            };
            operator.advances(count(batch));
            rest = later;
        }
        Ok(numbers)
    }

    /// Stores a batch. What an attempt has stored whose answer was lost is left out of the next.
    async fn batch(&mut self, batch: &[Planned]) -> Result<Numbers, Failure> {
        let mut numbers = Numbers::None;
        let mut attempt = 0;
        loop {
            let failure = match self.attempt(batch, attempt > 0, &mut numbers).await {
                Ok(()) => return Ok(numbers),
                Err(Failure::Transfer(TransferError::StoreFailed(error))) => error,
                Err(failure) => return Err(failure),
            };
            attempt += 1;
            let is_passing = failure.downcast_ref::<StoreError>().is_some_and(is_passing);
            if !is_passing || attempt >= ATTEMPTS {
                return Err(Failure::Transfer(TransferError::StoreFailed(failure)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn attempt(
        &mut self,
        batch: &[Planned],
        is_repeated: bool,
        numbers: &mut Numbers,
    ) -> Result<(), Failure> {
        let organization = &self.importer.organization;
        let mut stored = HashSet::new();
        if is_repeated {
            let requests: Vec<_> = batch.iter().map(|planned| planned.request.id).collect();
            let creations = self.store.creations(organization, &requests).await?;
            stored.extend(creations.into_iter().map(|creation| creation.request.id));
        }
        let mut last = self.store.last_number(organization, self.series.id()).await?;
        let mut invoices: Vec<(Invoice, AppliedRequest)> = Vec::with_capacity(batch.len());
        for planned in batch
            .iter()
            .filter(|planned| !stored.contains(&planned.request.id))
        {
            let invoice = self.read(planned, last.as_ref())?;
            if let (Some(place), Some(issue_date)) = (&invoice.number_place, planned.day) {
                last = Some(LastNumber {
                    place: place.clone(),
                    issue_date,
                });
            }
            invoices.push((invoice, planned.request));
        }
        let mut given = invoices.iter().filter_map(|(invoice, _)| invoice.number.as_ref());
        let (first, last) = (given.next().map(ToString::to_string), given.next_back());
        let last = last.map(ToString::to_string).or_else(|| first.clone());
        self.store.insert_in_order(invoices).await?;
        *numbers = first.zip(last);
        Ok(())
    }

    /// The invoice that the file has at this place, after the number `last`.
    fn read(&mut self, planned: &Planned, last: Option<&LastNumber>) -> Result<Invoice, Failure> {
        let changed = || Failure::Transfer(TransferError::FileChanged(self.path.to_owned()));
        let mut chunk = Chunk {
            line: planned.line,
            offset: planned.offset,
            bytes: vec![0; planned.length],
        };
        let found = self.file.seek(SeekFrom::Start(chunk.offset));
        let found = found.and_then(|_| self.file.read_exact(&mut chunk.bytes));
        found.map_err(|_| changed())?;
        let record = self.reader.parse(&chunk).map_err(|_| changed())?;
        if fingerprint(&record) != planned.request.fingerprint {
            return Err(changed());
        }
        let numbering = Numbering {
            series: self.series,
            last,
            today: self.today,
        };
        // It was checked, and only the last number of the series can be another one by now.
        let request = planned.request.id;
        replay(&record, self.importer, request, numbering, Timestamp::now()).map_err(|_| Failure::Overtaken)
    }
}

/// Why a batch was not stored.
enum Failure {
    Transfer(TransferError),
    /// The numbers have gone on past its days.
    Overtaken,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Transfer(error.into())
    }
}

/// Whether the same batch can succeed later.
const fn is_passing(error: &StoreError) -> bool {
    match error {
        StoreError::NumberTaken | StoreError::Overloaded | StoreError::Unavailable(_) => true,
        StoreError::NotFound
        | StoreError::VersionConflict { .. }
        | StoreError::NotDraft { .. }
        | StoreError::Broken(_) => false,
    }
}

/// How many of these are written together, at least one.
fn batch_length(planned: &[Planned]) -> usize {
    let mut bytes = 0;
    let fitting = planned.iter().take(BATCH).take_while(|planned| {
        bytes += planned.length;
        bytes <= BATCH_BYTES
    });
    fitting.count().max(1)
}

fn count(planned: &[Planned]) -> u64 {
    u64::try_from(planned.len()).unwrap_or(u64::MAX)
}
