//! Histories: what an entry says, and that a change by hand is found.

use jiff::Timestamp;

use super::issuing::{complete, day, draft};
use crate::domain::{
    history::{Change, Deed, History, HistoryEntry, HistoryFull, Reason, Verdict, hash_of},
    ids::{SessionId, UserId},
    invoice::Invoice,
    number::Series,
    text::{Paragraph, Text},
};

fn deed(action: &'static str) -> Deed {
    Deed {
        action,
        user: UserId::parse("usr_1").unwrap(),
        session: SessionId::parse("ses_1").unwrap(),
        request_id: None,
        reason: Text::parse("why").unwrap(),
    }
}

fn revised(invoice: &Invoice, note: &str) -> Invoice {
    let mut content = invoice.content();
    content.header.note = Paragraph::parse(note).unwrap();
    let revised = invoice.revise(content, Timestamp::now()).unwrap();
    revised.recorded(Some(invoice), deed("UpdateInvoice")).unwrap()
}

/// Drafted, changed twice, issued, annulled.
fn annulled() -> Invoice {
    let drafted = draft(complete()).recorded(None, deed("CreateInvoice")).unwrap();
    let revised = revised(&revised(&drafted, "one"), "two");
    let now = Timestamp::now();
    let issued = revised.issue(
        day("2026-03-01"),
        &Series::standard(),
        None,
        day("2026-03-01"),
        now,
    );
    let issued = issued
        .unwrap()
        .recorded(Some(&revised), deed("IssueInvoice"))
        .unwrap();
    let void = issued.void(now).unwrap();
    void.recorded(Some(&issued), deed("VoidInvoice")).unwrap()
}

fn with_entries(invoice: &Invoice, edit: impl FnOnce(&mut Vec<HistoryEntry>)) -> Invoice {
    let mut entries = invoice.history.entries().to_vec();
    edit(&mut entries);
    Invoice {
        history: History::from_stored(entries),
        ..invoice.clone()
    }
}

#[test]
fn an_entry_says_what_changed_by_which_rpc_and_why() {
    let invoice = annulled();
    let [created, first, second, issued, void] = invoice.history.entries() else {
        panic!("{:?}", invoice.history)
    };
    assert_eq!(
        (created.sequence, created.version, created.changes.len()),
        (1, 1, 0)
    );
    let change = |field: &str, before: &str, after: &str| Change {
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    assert_eq!(first.changes, [change("note", "", "one")]);
    assert_eq!(second.changes, [change("note", "one", "two")]);
    for expected in [
        change("state", "DRAFT", "OPEN"),
        change("number", "", "INV-2026-0001"),
        change("due_date", "", "2026-03-31"),
    ] {
        assert!(issued.changes.contains(&expected), "{:?}", issued.changes);
    }
    assert_eq!(void.changes, [change("state", "OPEN", "VOID")]);
    assert_eq!(
        (void.action.as_str(), void.reason.as_str()),
        ("VoidInvoice", "why")
    );
    assert_eq!(invoice.history.verify(&invoice), Verdict::Intact);
}

#[test]
fn a_list_and_a_long_text_are_given_by_their_hash() {
    let drafted = draft(complete());
    let mut content = drafted.content();
    content.header.note = Paragraph::parse(&"x".repeat(65)).unwrap();
    content.lines.push(content.lines[0].clone());
    content.lines[1].id = None;
    let revised = drafted.revise(content, Timestamp::now()).unwrap();
    let revised = revised.recorded(Some(&drafted), deed("UpdateInvoice")).unwrap();
    let changes = &revised.history.entries()[0].changes;
    for field in ["note", "lines"] {
        let after = &changes.iter().find(|change| change.field == field).unwrap().after;
        assert!(after.starts_with("sha256:") && after.len() == 71, "{after}");
    }
}

type Edit = fn(&mut Vec<HistoryEntry>);

#[test]
fn an_edited_or_missing_entry_is_found_at_its_place() {
    let invoice = annulled();
    let edits: [(&str, Edit, u32); 10] = [
        ("user", |entries| entries[2].user = "usr_2".to_owned(), 3),
        ("session", |entries| entries[0].session = "ses_2".to_owned(), 1),
        ("reason", |entries| entries[4].reason.clear(), 5),
        (
            "action",
            |entries| entries[1].action = "VoidInvoice".to_owned(),
            2,
        ),
        ("request", |entries| entries[1].request_id = "x".to_owned(), 2),
        ("time", |entries| entries[3].time = Timestamp::UNIX_EPOCH, 4),
        ("change", |entries| entries[3].changes[0].before.push('x'), 4),
        ("gap", |entries| drop(entries.remove(2)), 3),
        ("cut", |entries| drop(entries.pop()), 5),
        ("all", Vec::clear, 1),
    ];
    for (name, edit, at) in edits {
        let edited = with_entries(&invoice, edit);
        assert_eq!(edited.history.verify(&edited), Verdict::BadFrom(at), "{name}");
    }
}

#[test]
fn an_edited_invoice_is_found() {
    let invoice = annulled();
    let edits: [fn(&mut Invoice); 6] = [
        |invoice| invoice.totals.gross = super::builders::minor(1),
        |invoice| invoice.header.buyer = None,
        |invoice| invoice.lines[0].content.description = Text::parse("Other").unwrap(),
        |invoice| invoice.number = Some(Text::parse("INV-2026-0002").unwrap()),
        |invoice| invoice.state = crate::domain::state::State::Open,
        |invoice| invoice.version = invoice.version.next(),
    ];
    for edit in edits {
        let mut edited = invoice.clone();
        edit(&mut edited);
        assert!(matches!(edited.history.verify(&edited), Verdict::BadFrom(5 | 6)));
    }
}

#[test]
fn an_invoice_from_before_begins_its_history_with_its_first_change() {
    let old = draft(complete());
    assert_eq!(old.history.verify(&old), Verdict::Intact);
    let changed = revised(
        &Invoice {
            version: crate::domain::ids::Version::new(9),
            ..old
        },
        "x",
    );
    assert_eq!(changed.history.entries()[0].sequence, 1);
    assert_eq!(changed.history.verify(&changed), Verdict::Intact);
}

#[test]
fn a_full_history_refuses_and_a_draft_leaves_room_for_its_life() {
    let mut invoice = draft(complete());
    for _ in 0..History::MOST_OF_DRAFT {
        invoice = invoice.recorded(None, deed("UpdateInvoice")).unwrap();
    }
    let full = HistoryFull {
        entries: History::MOST_OF_DRAFT,
    };
    assert_eq!(invoice.clone().recorded(None, deed("UpdateInvoice")), Err(full));
    let now = Timestamp::now();
    let issued = invoice.issue(
        day("2026-03-01"),
        &Series::standard(),
        None,
        day("2026-03-01"),
        now,
    );
    let mut issued = issued.unwrap();
    for _ in History::MOST_OF_DRAFT..History::MOST {
        issued = issued.recorded(None, deed("RecordPayment")).unwrap();
    }
    let full = HistoryFull {
        entries: History::MOST,
    };
    assert_eq!(issued.recorded(None, deed("RecordPayment")), Err(full));
}

#[test]
fn a_history_of_long_texts_is_full_by_its_size() {
    let wordy = Deed {
        reason: Reason::parse(&"🧾".repeat(500)).unwrap(),
        ..deed("UpdateInvoice")
    };
    let mut invoice = draft(complete());
    let full = loop {
        match invoice.clone().recorded(None, wordy.clone()) {
            Ok(recorded) => invoice = recorded,
            Err(full) => break full,
        }
    };
    assert!((400..500).contains(&full.entries), "{full:?}");
    let issued = invoice.issue(
        day("2026-03-01"),
        &Series::standard(),
        None,
        day("2026-03-01"),
        Timestamp::now(),
    );
    assert!(issued.unwrap().recorded(None, wordy).is_ok(), "room for its life");
}

/// The format of ADR 16, computed once: stored hashes must be computed the same for ever.
#[test]
fn the_hash_of_an_entry_stays_what_it_is() {
    let entry = HistoryEntry {
        sequence: 1,
        version: 2,
        time: Timestamp::UNIX_EPOCH,
        user: "usr_1".to_owned(),
        session: "ses_1".to_owned(),
        action: "IssueInvoice".to_owned(),
        request_id: String::new(),
        reason: "ü".to_owned(),
        changes: vec![Change {
            field: "state".to_owned(),
            before: "DRAFT".to_owned(),
            after: "OPEN".to_owned(),
        }],
        invoice_hash: "00".repeat(32),
        hash: String::new(),
    };
    assert_eq!(hash_of(&entry, ""), EXPECTED);
}

const EXPECTED: &str = "641589806201ec4ca5f33250cbd5534220ed29439eacf5d70ef416d11ae59b60";
