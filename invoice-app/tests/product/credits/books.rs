//! Creditors at the same time that know what they were answered, and what must be stored afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harness::{build, unless_busy};
use proto::invoice::v1::create_credit_note_request::{Line, line::Extent};
use proto::invoice::v1::invoice::Type;
use proto::invoice::v1::{
    CreateCreditNoteRequest, GetInvoiceRequest, Invoice, IssueInvoiceRequest, VerifyInvoiceHistoryRequest,
};
use tonic::{Request, Status};

use crate::writers::{Invoices, everything};

/// A hundredth of the invoice's net of 200.00.
const AMOUNT: i64 = 200;

/// Invoices that can be credited.
pub(super) async fn open_invoices(client: &mut Invoices, count: usize) -> Vec<Invoice> {
    let mut open = Vec::new();
    for _ in 0..count {
        let draft = client.create_invoice(build::create(build::invoice())).await;
        let issue = IssueInvoiceRequest {
            invoice_id: draft.unwrap().into_inner().id,
            ..IssueInvoiceRequest::default()
        };
        open.push(client.issue_invoice(issue).await.unwrap().into_inner());
    }
    open
}

/// One of those who credit at the same time.
pub(super) struct Creditor {
    invoice_id: String,
    line_id: String,
    /// Every note that was answered, by id.
    pub(super) notes: BTreeMap<String, Invoice>,
    /// Sent, and not answered.
    in_doubt: Option<CreateCreditNoteRequest>,
}

impl Creditor {
    pub(super) fn of(invoice: &Invoice) -> Self {
        Self {
            invoice_id: invoice.id.clone(),
            line_id: invoice.lines[0].id.clone(),
            notes: BTreeMap::new(),
            in_doubt: None,
        }
    }

    fn next(&self) -> CreateCreditNoteRequest {
        CreateCreditNoteRequest {
            invoice_id: self.invoice_id.clone(),
            lines: vec![Line {
                line_id: self.line_id.clone(),
                extent: Some(Extent::AmountMinor(AMOUNT)),
            }],
            issue_date: "2026-03-02".to_owned(),
            request_id: build::request_id(),
            ..CreateCreditNoteRequest::default()
        }
    }

    /// Repeats what is in doubt, or credits a little more.
    pub(super) async fn credit(&mut self, client: &mut Invoices, timeout: Duration) -> Result<(), Status> {
        let credit = self.in_doubt.take().unwrap_or_else(|| self.next());
        let mut request = Request::new(credit.clone());
        request.set_timeout(timeout);
        match client.create_credit_note(request).await {
            Ok(answer) => {
                let note = answer.into_inner().credit_note.unwrap();
                let id = note.id.clone();
                assert!(self.notes.insert(id, note).is_none(), "a note came twice");
                Ok(())
            }
            Err(status) => {
                self.in_doubt = Some(credit);
                Err(status)
            }
        }
    }

    /// Repeats what is in doubt; it must succeed now.
    pub(super) async fn settle(&mut self, client: &Invoices) {
        let Some(credit) = self.in_doubt.take() else {
            return;
        };
        let repeat = || {
            let (mut client, credit) = (client.clone(), credit.clone());
            async move { client.create_credit_note(credit).await }
        };
        let answer = unless_busy(repeat).await.unwrap().into_inner();
        let note = answer.credit_note.unwrap();
        assert!(
            self.notes.insert(note.id.clone(), note).is_none(),
            "a note came twice"
        );
    }
}

async fn assert_intact(client: &Invoices, id: &str) {
    let request = VerifyInvoiceHistoryRequest {
        invoice_id: id.to_owned(),
    };
    let verify = || {
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.verify_invoice_history(request).await }
    };
    let verdict = unless_busy(verify).await.unwrap().into_inner();
    assert!(verdict.intact, "{id}: {verdict:?}");
}

/// The stored notes are those that were answered, numbered 1..n; every invoice names its notes and no others, and is credited
/// with what they come to.
pub(super) async fn assert_the_books_balance(client: &mut Invoices, creditors: &[Creditor]) {
    let stored = everything(client).await;
    let (notes, invoices): (Vec<Invoice>, Vec<Invoice>) = stored
        .into_iter()
        .partition(|invoice| invoice.r#type() == Type::CreditNote);
    let ids: BTreeSet<&str> = notes.iter().map(|note| note.id.as_str()).collect();
    let answered = creditors.iter().flat_map(|creditor| creditor.notes.keys());
    assert_eq!(ids, answered.map(String::as_str).collect());
    let mut numbers: Vec<&str> = notes.iter().map(|note| note.number.as_str()).collect();
    numbers.sort_unstable();
    let expected: Vec<String> = (1..=notes.len())
        .map(|count| format!("CN-2026-{count:04}"))
        .collect();
    assert_eq!(numbers, expected);
    let mut named = BTreeSet::new();
    for invoice in &invoices {
        let request = GetInvoiceRequest {
            invoice_id: invoice.id.clone(),
        };
        let get = || {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.get_invoice(request).await }
        };
        let whole = unless_busy(get).await.unwrap().into_inner();
        for reference in &whole.credit_notes {
            let note = notes.iter().find(|note| note.id == reference.id).unwrap();
            assert_eq!(
                (&note.preceding_invoice_id, &note.number),
                (&whole.id, &reference.number)
            );
            assert_eq!(note.totals.unwrap().credited_minor, reference.amount_minor);
            assert!(named.insert(note.id.clone()), "{} is named twice", note.number);
        }
        let totals = whole.totals.unwrap();
        let credited: i64 = whole.credit_notes.iter().map(|note| note.amount_minor).sum();
        assert_eq!(totals.credited_minor, credited);
        assert!(credited <= totals.gross_minor, "{credited}");
        let count = i64::try_from(whole.credit_notes.len()).unwrap();
        assert_eq!(whole.lines[0].credited_minor, AMOUNT * count);
        assert_intact(client, &whole.id).await;
    }
    assert_eq!(named.len(), notes.len(), "a note that no invoice names");
    for note in notes.iter().step_by(10) {
        assert_intact(client, &note.id).await;
    }
}
