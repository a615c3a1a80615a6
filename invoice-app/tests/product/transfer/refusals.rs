use std::fmt::Write as _;
use std::path::Path;

use super::{Books, register, stop};
use crate::writers::invoices;
use harness::build;
use proto::invoice::v1::IssueInvoiceRequest;

/// A JSON line of an issued invoice.
fn issued(id: &str, number: &str, day: &str) -> String {
    let party = |name| format!(r#"{{"name":"{name}","address":{{"countryCode":"DE"}}}}"#);
    format!(
        r#"{{"id":"{id}","state":"STATE_OPEN","number":"{number}","currencyCode":"EUR","issueDate":"{day}","paymentTermsDays":14,"seller":{},"buyer":{},"lines":[{{"description":"Tea","quantity":"1","unitPrice":"10","taxCategory":"TAX_CATEGORY_ZERO"}}]}}"#,
        party("Seller"),
        party("Buyer")
    ) + "\n"
}

#[tokio::test]
async fn one_bad_invoice_keeps_the_whole_file_out_and_every_problem_is_told() {
    let books = Books::of_one_organization().await;
    let good = issued("A1", "", "2026-01-01");
    let bad = concat!(
        "{\"id\":\"A2\",\"state\":\"STATE_OPEN\",\"currencyCode\":\"EUX\",\"lines\":[{\"quantity\":\"1e5\"}]}\n",
        "{\"id\":\"A3\",\"state\":\"STATE_OPEN\",\"currencyCode\":\"EUR\",\"issueDate\":\"2026-02-30\"}\n",
        "{\"id\":\"A4\",\"state\":\"STATE_OPEN\",\"currencyCode\":\"EUR\",\"issueDate\":\"2026-02-03\"}\n",
        "{\"id\":\"A1\",\"currencyCode\":\"EUR\"}\n",
        "{\"id\":\"A5\",\"state\":\"STATE_VOID\",\"type\":\"TYPE_CREDIT_NOTE\"}\n",
        "not json\n",
    );
    let stated_paid = issued("A6", "", "2026-01-01").replace(
        "STATE_OPEN",
        "STATE_OPEN\",\"payments\":[{\"amountMinor\":\"1000\",\"paidOn\":\"2026-01-02\"}],\"note\":\"",
    );
    let file = books.file("a.jsonl", [good.as_str(), bad, &stated_paid].concat());
    let refused = books.import(&file, &[]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    for line in [
        "a.jsonl:2: A2: currencyCode: ",
        "a.jsonl:2: A2: lines[0].quantity: ",
        "a.jsonl:3: A3: issueDate: must be a day that exists",
        "a.jsonl:4: A4: seller.name: ",
        "a.jsonl:4: A4: buyer.address.countryCode: ",
        "a.jsonl:4: A4: lines: must have at least one line",
        "a.jsonl:5: A1: id: must not be the id of an earlier invoice, which begins on line 1",
        "a.jsonl:6: A5: type: ",
        "a.jsonl:7: cannot be read",
        "a.jsonl:8: A6: state: must be PAID",
    ] {
        assert!(
            refused.printed.contains(line),
            "no {line:?} in {}",
            refused.printed
        );
    }
    assert!(
        refused
            .printed
            .contains("imported nothing of 8 invoices; 7 with problems; "),
        "{refused:?}"
    );
    assert_eq!(books.export(&[]).await, "");
}

#[tokio::test]
async fn files_from_anywhere_are_read_or_refused_in_words() {
    let books = Books::of_one_organization().await;
    for (name, content, code, saying) in [
        (
            "empty.jsonl",
            b"".as_slice(),
            1,
            "there is none in it (FILE_EMPTY)",
        ),
        ("blank.csv", b"\r\n", 1, "FILE_EMPTY"),
        (
            "cut.json",
            b"[{\"id\":\"A\",\"status\":\"draft\"}",
            1,
            "the file is cut off (FILE_MALFORMED)",
        ),
        (
            "bom.jsonl",
            b"\xEF\xBB\xBF{\"currencyCode\":\"EUR\"}\r\n",
            0,
            "would import 1 of 1",
        ),
        (
            "latin.jsonl",
            b"{\"currencyCode\":\"EUR\",\"note\":\"\xFC\"}",
            1,
            "must be text in UTF-8 (UTF8)",
        ),
        ("excel.csv", b"id;state\nA;OPEN\n", 1, "separated by commas"),
    ] {
        let file = books.file(name, content);
        let ended = books.import(&file, &["--dry-run", "--currency=EUR"]).await;
        assert!(
            ended.code == code && ended.printed.contains(saying),
            "{name}: {ended:?}"
        );
    }
    books
        .import(Path::new("/no/such/file.jsonl"), &[])
        .await
        .failed("/no/such/file.jsonl cannot be read");
    let utf_16 = books.file("wide.jsonl", b"\xFF\xFE{\0");
    books.import(&utf_16, &[]).await.failed("UTF-16");
    let unnamed = books.file("unnamed", b"");
    books.import(&unnamed, &[]).await.failed("--format");
    let nobody = books.file("a.jsonl", b"");
    books
        .import(&nobody, &["--user=nobody@example.com"])
        .await
        .failed("no user with this e-mail address");
    books
        .import(&nobody, &["--organization=org_x"])
        .await
        .failed("there is no organization org_x");
}

#[tokio::test]
async fn of_many_problems_a_hundred_are_told_and_the_others_counted() {
    let books = Books::of_one_organization().await;
    let file = books.file("a.jsonl", "{}\n".repeat(250));
    let refused = books.import(&file, &[]).await;
    refused.summed_up(
        1,
        "imported nothing of 250 invoices; 250 with problems; 250 problems",
    );
    assert_eq!(refused.printed.lines().count(), 102, "{refused:?}");
    assert!(refused.printed.contains("… and 150 more problems"), "{refused:?}");
}

#[tokio::test]
async fn days_before_the_last_invoice_are_refused_and_numbers_run_with_the_calendar() {
    let books = Books::of_one_organization().await;
    let mut first = String::new();
    for (id, number, day) in [
        ("C", "R-9", "2026-01-03"),
        ("A", "R-10", "2026-01-02"),
        ("B", "R-2", "2026-01-02"),
    ] {
        let _ = write!(first, "{}", issued(id, number, day));
    }
    let first = books.file("first.jsonl", first);
    let imported = books.import(&first, &[]).await;
    imported.summed_up(
        0,
        "imported 3 of 3 invoices (3 OPEN), numbered INV-2026-0001 to INV-2026-0003",
    );
    assert!(
        imported
            .printed
            .contains("first.jsonl:3: R-2 becomes INV-2026-0001 (RENUMBERED)"),
        "{imported:?}"
    );
    let kept: Vec<_> = books
        .invoices()
        .await
        .iter()
        .map(|invoice| invoice["metadata"].to_string())
        .collect();
    assert_eq!(
        kept,
        [("R-2", "B"), ("R-10", "A"), ("R-9", "C")]
            .map(|(number, id)| format!(r#"{{"imported_id":"{id}","imported_number":"{number}"}}"#))
    );
    let late = books.file(
        "late.jsonl",
        issued("D", "", "2026-01-04") + &issued("E", "", "2026-01-02"),
    );
    let refused = books.import(&late, &[]).await;
    refused.summed_up(1, "imported nothing of 2 invoices; 1 with problems; 1 problems");
    let line = "late.jsonl:2: E: issueDate: must not be before 2026-01-03";
    assert!(refused.printed.contains(line), "{refused:?}");
    assert_eq!(books.invoices().await.len(), 3);
}

#[tokio::test]
async fn beside_a_running_service_sqlite_is_exported_and_checked_but_not_imported_into() {
    let books = Books::of_one_organization().await;
    let file = books.file("a.jsonl", issued("A", "", "2026-01-01"));
    let running = books.start().await;
    books.import(&file, &[]).await.failed("stop that process first");
    books
        .import(&file, &["--dry-run"])
        .await
        .summed_up(0, "would import 1 of 1 invoices (1 OPEN)");
    assert_eq!(books.export(&[]).await, "");
    stop(running).await;
}

#[tokio::test]
async fn beside_a_running_service_mongodb_is_imported_into_and_the_service_goes_on_from_there() {
    let books = Books::in_mongodb().await;
    let running = books.start().await;
    let ann = register(&running).await;
    let mut client = invoices(running.invoice, &ann.tokens.unwrap().access_token);
    let user = ann.user.unwrap().email;
    let file = books.file(
        "a.jsonl",
        issued("A", "", "2026-01-01") + &issued("B", "", "2026-01-01"),
    );
    let imported = books.import(&file, &["--user", &user]).await;
    imported.summed_up(
        0,
        "imported 2 of 2 invoices (2 OPEN), numbered INV-2026-0001 to INV-2026-0002",
    );
    let draft = client
        .create_invoice(build::create(build::invoice()))
        .await
        .unwrap()
        .into_inner();
    let issue = IssueInvoiceRequest {
        invoice_id: draft.id,
        ..IssueInvoiceRequest::default()
    };
    let issued = client.issue_invoice(issue).await.unwrap().into_inner();
    assert_eq!(issued.number, "INV-2026-0003");
    stop(running).await;
}
