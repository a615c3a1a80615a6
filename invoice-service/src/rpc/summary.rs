//! SummarizeInvoices.

use rpc_error::Violations;
use tonic::{Request, Response, Status};

use proto::invoice::v1 as pb;

use super::{InvoiceService, caller, error, list, outward};
use crate::domain::state::State;
use crate::domain::summary::{CurrencySummary, DueAge, Group};

impl InvoiceService {
    /// `SummarizeInvoices`.
    pub(super) async fn summarize(
        &self,
        request: Request<pb::SummarizeInvoicesRequest>,
    ) -> Result<Response<pb::SummarizeInvoicesResponse>, Status> {
        let caller = caller(&request)?;
        let today = self.today(&caller).await?;
        let mut violations = Violations::new();
        let filter = list::filter(request.get_ref().filter.as_ref(), today, &mut violations);
        let (Some(filter), true) = (filter, violations.is_empty()) else {
            return Err(error::invalid(violations));
        };
        let summaries = self.invoices.summarize(&caller, filter, today).await;
        let summaries = summaries.map_err(|error| error::status(error, ""))?;
        Ok(Response::new(pb::SummarizeInvoicesResponse {
            currencies: summaries.iter().map(|(code, of)| currency(code, of)).collect(),
            today: today.to_string(),
        }))
    }
}

fn currency(code: &str, summary: &CurrencySummary) -> pb::CurrencySummary {
    let states = |by_state: &std::collections::BTreeMap<State, Group>| {
        let of_state = |(state, group): (&State, &Group)| by_one_state(*state, group);
        by_state.iter().map(of_state).collect()
    };
    let aged = |ages: &[DueAge]| {
        let groups = ages.iter().filter_map(|age| summary.ageing.get(age));
        Some(outstanding(
            &groups.fold(Group::default(), |all, group| all.with(*group)),
        ))
    };
    pb::CurrencySummary {
        currency_code: code.to_owned(),
        invoices: states(&summary.invoices),
        credit_notes: states(&summary.credit_notes),
        overdue: Some(outstanding(&summary.overdue())),
        ageing: Some(pb::AgeingSummary {
            not_due: aged(&[DueAge::NotDue]),
            days_0_to_30: aged(&[DueAge::Today, DueAge::UpTo30Days]),
            days_31_to_60: aged(&[DueAge::UpTo60Days]),
            days_61_to_90: aged(&[DueAge::UpTo90Days]),
            days_over_90: aged(&[DueAge::Over90Days]),
        }),
    }
}

fn by_one_state(state: State, group: &Group) -> pb::StateSummary {
    pb::StateSummary {
        state: outward::state(state).into(),
        count: count(group),
        gross_minor: sum(group.sums.gross),
        paid_minor: sum(group.sums.paid),
        credited_minor: sum(group.sums.credited),
        remaining_minor: sum(group.sums.remaining),
    }
}

fn outstanding(group: &Group) -> pb::OutstandingSummary {
    pb::OutstandingSummary {
        count: count(group),
        remaining_minor: sum(group.sums.remaining),
    }
}

/// No store holds more than 2^63 invoices.
fn count(group: &Group) -> i64 {
    i64::try_from(group.count).unwrap_or(i64::MAX)
}

/// The domain refuses what is beyond 2^53.
fn sum(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(i64::MAX)
}
