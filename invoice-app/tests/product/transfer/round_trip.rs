use proto::invoice::v1::{
    Invoice, IssueInvoiceRequest, MarkInvoiceUncollectibleRequest, RecordPaymentRequest,
    ReversePaymentRequest, VoidInvoiceRequest,
};

use super::{Books, comparable, stop};
use crate::binary::Running;
use crate::writers::{Invoices, invoices};
use harness::build;

/// Registers, and makes an invoice in every state, with what is easily lost in each.
async fn work(running: &Running) {
    let registered = super::register(running).await;
    let mut client = invoices(running.invoice, &registered.tokens.unwrap().access_token);
    for name in [
        "draft", "open", "part", "paid", "bounced", "void", "lost", "=over",
    ] {
        let invoice = Invoice {
            note: format!("{name} \"quoted\", and\na line"),
            buyer: Some(build::party(&format!("+{name} Ünïcode"), "DE")),
            lines: vec![
                build::line("2.5", "80.0001", "19"),
                build::line("-1", "0.01146", "7"),
            ],
            metadata: [("order".to_owned(), name.to_owned())].into(),
            ..build::invoice()
        };
        let created = client
            .create_invoice(build::create(invoice))
            .await
            .unwrap()
            .into_inner();
        if name != "draft" {
            live(&mut client, name, created.id).await;
        }
    }
}

async fn live(client: &mut Invoices, name: &str, invoice_id: String) {
    let issue = IssueInvoiceRequest {
        invoice_id: invoice_id.clone(),
        ..IssueInvoiceRequest::default()
    };
    client.issue_invoice(issue).await.unwrap();
    let reason = "because".to_owned();
    match name {
        "void" => {
            let void = VoidInvoiceRequest {
                invoice_id: invoice_id.clone(),
                reason,
                ..VoidInvoiceRequest::default()
            };
            client.void_invoice(void).await.unwrap();
        }
        "lost" => {
            pay(client, &invoice_id, Some(1)).await;
            let lost = MarkInvoiceUncollectibleRequest {
                invoice_id,
                reason,
                ..Default::default()
            };
            client.mark_invoice_uncollectible(lost).await.unwrap();
        }
        "part" => drop(pay(client, &invoice_id, Some(7)).await),
        "paid" => drop(pay(client, &invoice_id, None).await),
        "=over" => drop(pay(client, &invoice_id, Some(99_999_999)).await),
        "bounced" => {
            let paid = pay(client, &invoice_id, None).await;
            let payment_id = paid.payments[0].id.clone();
            let reverse = ReversePaymentRequest {
                invoice_id: invoice_id.clone(),
                payment_id,
                reason,
                ..Default::default()
            };
            client.reverse_payment(reverse).await.unwrap();
            pay(client, &invoice_id, Some(3)).await;
        }
        _ => {}
    }
}

async fn pay(client: &mut Invoices, invoice_id: &str, amount_minor: Option<i64>) -> Invoice {
    let pay = RecordPaymentRequest {
        invoice_id: invoice_id.to_owned(),
        amount_minor,
        allow_overpayment: true,
        paid_on: "2026-03-05".to_owned(),
        method: "bank transfer".to_owned(),
        reference: "-ref".to_owned(),
        ..RecordPaymentRequest::default()
    };
    client.record_payment(pay).await.unwrap().into_inner()
}

/// Works in `from`, exports beside the running service, imports into `to`, and compares.
async fn what_goes_out_comes_in_again(from: Books, to: Books) {
    let running = from.start().await;
    // The organization that the books began with stays empty.
    work(&running).await;
    let whole = from.run("export", &[]).await;
    whole.failed("there are several organizations; name one with --organization or --user: org_");
    let id = whole
        .log
        .rsplit("org_")
        .next()
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let organization = format!("org_{id}");
    let flags = ["--organization", organization.as_str()];
    let exported = from.export(&flags).await;
    let table = from.export(&[flags.as_slice(), &["--format=csv"]].concat()).await;
    stop(running).await;
    let mut before: Vec<serde_json::Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(before.len(), 8, "{exported}");
    before.sort_by_key(|invoice| invoice["number"].to_string());
    let before: Vec<_> = before.into_iter().map(comparable).collect();

    for (name, content) in [("a.csv", &table), ("a.jsonl", &exported)] {
        let file = to.file(name, content);
        let summary = "8 of 8 invoices (1 DRAFT, 3 OPEN, 2 PAID, 1 UNCOLLECTIBLE, 1 VOID)";
        to.import(&file, &["--dry-run"])
            .await
            .summed_up(0, &format!("would import {summary}"));
        if name == "a.jsonl" {
            let numbered = format!("imported {summary}, numbered INV-2026-0001 to INV-2026-0007");
            to.import(&file, &[]).await.summed_up(0, &numbered);
        }
    }
    let after: Vec<_> = to.invoices().await.into_iter().map(comparable).collect();
    assert_eq!(after, before);

    let again = to.file("again.jsonl", &exported);
    to.import(&again, &[])
        .await
        .summed_up(0, "imported 0 of 8 invoices; 8 there already");
    let own = to.file("own.csv", to.export(&["--format=csv"]).await);
    to.import(&own, &[])
        .await
        .summed_up(0, "imported 0 of 8 invoices; 8 there already");
}

#[tokio::test]
async fn what_goes_out_of_sqlite_comes_into_mongodb() {
    what_goes_out_comes_in_again(Books::of_one_organization().await, Books::in_mongodb().await).await;
}

#[tokio::test]
async fn what_goes_out_of_mongodb_comes_into_sqlite() {
    what_goes_out_comes_in_again(Books::in_mongodb().await, Books::of_one_organization().await).await;
}

#[tokio::test]
async fn a_table_comes_in_like_lines_of_json() {
    let [from, to] = [
        Books::of_one_organization().await,
        Books::of_one_organization().await,
    ];
    let lines = from.file("a.jsonl", concat!(
        r#"{"id":"inv_a","currencyCode":"JPY","buyer":{"name":"=1+1"},"lines":[{"quantity":"3","unitPrice":"333"},{}]}"#,
        "\n{\"currencyCode\":\"KWD\"}\n{\"currencyCode\":\"KWD\"}\n"
    ));
    from.import(&lines, &[])
        .await
        .summed_up(0, "imported 3 of 3 invoices (3 DRAFT)");
    let table = to.file("a.csv", from.export(&["--format", "csv"]).await);
    to.import(&table, &[])
        .await
        .summed_up(0, "imported 3 of 3 invoices (3 DRAFT)");
    let [from, to] = [from.export(&[]).await, to.export(&[]).await].map(|exported| {
        let parsed = exported
            .lines()
            .map(|line| comparable(serde_json::from_str(line).unwrap()));
        let mut invoices: Vec<_> = parsed
            .map(|invoice| invoice.to_string().replace("\"imported_id\":\"inv_a\"", ""))
            .collect();
        invoices.sort();
        invoices
    });
    assert_eq!(from, to);
}
