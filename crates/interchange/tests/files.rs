//! Whole files, as they are written and as others write them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::BTreeMap;

use interchange::{ExportFormat, ExpressOptions, Format, Options, Read, Reader, Writer};
use proto::invoice::v1::{
    Adjustment, ExtraTax, Invoice, Line, Party, Payment, TaxCategory, Totals, adjustment, invoice,
};
use proto::r#type::v1::Address;

fn options(format: Format) -> Options {
    Options {
        format,
        express: ExpressOptions {
            currency_code: "EUR".to_owned(),
            seller_name: String::new(),
            country_code: String::new(),
            tax_category: TaxCategory::OutsideScope,
            tax_rate: String::new(),
            exemption_reason: String::new(),
            prices_include_tax: false,
        },
    }
}

/// What a file holds: an id, or `line: reason` of each problem.
fn found(format: Format, file: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(file, options(format)).unwrap();
    let mut found = Vec::new();
    loop {
        match reader.next_record().unwrap() {
            Read::Record(chunk, record) => {
                assert_eq!(reader.parse(&chunk).unwrap(), *record);
                let start = usize::try_from(chunk.offset).unwrap();
                let again = &file[start..start + chunk.bytes.len()];
                let mut reread = chunk.clone();
                reread.bytes = again.to_vec();
                assert_eq!(
                    reader.parse(&reread).unwrap(),
                    *record,
                    "the same bytes of the file"
                );
                found.push(format!("{}@{}", record.id, chunk.line));
            }
            Read::Bad(problems) => {
                for problem in problems {
                    found.push(format!("{}: {} {}", problem.line, problem.at, problem.reason));
                }
            }
            Read::End => return found,
        }
    }
}

fn read(format: Format, file: &[u8]) -> Vec<Invoice> {
    let mut reader = Reader::new(file, options(format)).unwrap();
    let mut invoices = Vec::new();
    loop {
        match reader.next_record().unwrap() {
            Read::Record(_, record) => invoices.push(record.invoice),
            Read::Bad(problems) => panic!("{problems:?}"),
            Read::End => return invoices,
        }
    }
}

fn written(format: ExportFormat, invoices: &[Invoice]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, format).unwrap();
    for invoice in invoices {
        writer.write(invoice).unwrap();
    }
    writer.finish().unwrap();
    file
}

/// Every kind of field, with what breaks careless files in each.
fn rich() -> Invoice {
    let address = Address {
        line1: "1, \"High\" Street".to_owned(),
        city: "=SUM(A1:A9)".to_owned(),
        country_code: "GB".to_owned(),
        ..Address::default()
    };
    let line = |description: &str, quantity: &str| Line {
        description: description.to_owned(),
        detail: "first\nsecond\r\n\tthird".to_owned(),
        quantity: quantity.to_owned(),
        unit_price: "0.01146".to_owned(),
        tax_category: TaxCategory::Standard.into(),
        tax_rate: "9.975".to_owned(),
        extra_taxes: vec![ExtraTax {
            tax_category: TaxCategory::Zero.into(),
            tax_rate: String::new(),
        }],
        net_minor: -922_391,
        ..Line::default()
    };
    Invoice {
        id: "inv_1".to_owned(),
        state: invoice::State::Paid.into(),
        number: "INV-2026-0001".to_owned(),
        currency_code: "GBP".to_owned(),
        payment_terms_days: Some(0),
        seller: Some(Party {
            phone: "+49 30 1234".to_owned(),
            address: Some(address),
            ..Party::default()
        }),
        lines: vec![
            line("-Discount", "-1"),
            line("'quoted'", "804878.94"),
            line("Ünïcode ✓", "1"),
        ],
        adjustments: vec![Adjustment {
            kind: adjustment::Kind::Allowance.into(),
            value: Some(adjustment::Value::AmountMinor(99_999_999_999_999)),
            ..Adjustment::default()
        }],
        totals: Some(Totals {
            gross_minor: 99_999_999_999_999,
            ..Totals::default()
        }),
        prices_include_tax: true,
        cash_rounding_minor: 5,
        note: "@import\n\n\"x\"".to_owned(),
        metadata: BTreeMap::from([("a.b".to_owned(), "=1".to_owned())]),
        payments: vec![Payment {
            amount_minor: 1,
            paid_on: "2026-03-01".to_owned(),
            reversed: true,
            ..Payment::default()
        }],
        ..Invoice::default()
    }
}

#[test]
fn an_invoice_with_every_kind_of_field_comes_back_equal_from_both_formats() {
    let bare = Invoice {
        id: "inv_2".to_owned(),
        currency_code: "EUR".to_owned(),
        ..Invoice::default()
    };
    let invoices = [
        rich(),
        bare.clone(),
        Invoice {
            id: "inv_3".to_owned(),
            ..rich()
        },
    ];
    assert_eq!(
        read(Format::Jsonl, &written(ExportFormat::Jsonl, &invoices)),
        invoices
    );

    let table = written(ExportFormat::Csv, &invoices);
    let rows = String::from_utf8(table.clone()).unwrap();
    assert!(
        !rows.contains(",=") && !rows.contains(",@") && !rows.contains(",+"),
        "{rows}"
    );
    let mut back = read(Format::Csv, &table);
    // In a table, nothing and an address without anything are the same.
    for invoice in &mut back {
        for party in [&mut invoice.seller, &mut invoice.buyer] {
            if let Some(inner) = party {
                inner.address = inner
                    .address
                    .take()
                    .filter(|address| *address != Address::default());
            }
            *party = party.take().filter(|party| *party != Party::default());
        }
        invoice.totals = invoice
            .totals
            .take()
            .filter(|totals| *totals != Totals::default());
    }
    assert_eq!(back, invoices);
    assert_eq!(found(Format::Csv, &table), ["inv_1@2", "inv_2@17", "inv_3@18"]);
}

#[test]
fn no_invoices_are_an_empty_file_or_a_table_with_a_head() {
    assert_eq!(written(ExportFormat::Jsonl, &[]), b"");
    let head = written(ExportFormat::Csv, &[]);
    assert!(head.starts_with(b"id,type,state,") && head.ends_with(b"\r\n"));
    assert_eq!(found(Format::Csv, &head), Vec::<String>::new());
    for format in [Format::Jsonl, Format::Csv, Format::Express] {
        assert_eq!(found(format, b""), Vec::<String>::new());
        assert_eq!(
            found(format, b"\xEF\xBB\xBF\r\n \r\n"),
            Vec::<String>::new(),
            "{format:?}"
        );
    }
}

#[test]
fn json_lines_tell_every_bad_line_and_go_on() {
    let file = b"\xEF\xBB\xBF{\"id\":\"a\",\"currency_code\":\"EUR\"}\r\n\r\n{\"id\":\"b\"\n\
        {\"id\":\"c\",\"lines\":[{},{\"unitPrice\":1.5}]}\n\
        {\"id\":\"d\",\"colour\":\"red\"}\n\xFF\xFE\n[]\n{\"payments\":[{\"amountMinor\":\"1.5\"}]}\n{\"id\":\"e\"}";
    assert_eq!(
        found(Format::Jsonl, file),
        [
            "a@1",
            "3:  JSON_MALFORMED",
            "4: lines[1].unitPrice TYPE",
            "5:  TYPE",
            "6:  UTF8",
            "7:  TYPE",
            "8: payments[0].amountMinor TYPE",
            "e@9",
        ]
    );
}

#[test]
fn a_line_without_an_end_is_not_read_into_memory() {
    let mut file = vec![b'x'; interchange::MAX_RECORD_BYTES + 1];
    file.extend_from_slice(b"\n{\"id\":\"a\"}");
    assert_eq!(found(Format::Jsonl, &file), ["1:  RECORD_TOO_LONG", "a@2"]);
    let mut open = b"id\n".to_vec();
    open.push(b'"');
    open.resize(interchange::MAX_RECORD_BYTES + 9, b'x');
    assert_eq!(found(Format::Csv, &open), ["2:  RECORD_TOO_LONG"]);
}

#[test]
fn tables_of_others_are_read_and_every_bad_cell_is_told() {
    let file = b"lines.quantity,id,state,lines.description,payment_terms_days,prices_include_tax\r\n\
        1,A,open,Tea,14,TRUE\r\n2,A,,Coffee,,\r\n\r\n3,A,open,Milk,14,TRUE\r\n\
        1,B,bought,Tea,soon,perhaps\n1,C\n1,\"D\"x,open,Tea,,\n1,E,open,\"two\nlines\",,\n2,E,open,Tea,15,\n";
    assert_eq!(
        found(Format::Csv, file),
        [
            "A@2",
            "6: state TYPE",
            "6: payment_terms_days TYPE",
            "6: prices_include_tax TYPE",
            "7:  CSV_CELLS",
            "8:  CSV_QUOTES",
            "11: payment_terms_days CSV_ROWS_DIFFER",
        ]
    );
    let first = file.windows(2).position(|bytes| bytes == b"1,").unwrap();
    let whole = file[first..]
        .windows(4)
        .position(|bytes| bytes == b"1,B,")
        .unwrap()
        + first;
    assert_eq!(read(Format::Csv, &file[..whole])[0].lines.len(), 3);
}

#[test]
fn a_table_whose_head_is_wrong_is_not_read() {
    for (file, expected) in [
        (
            "id;state\nA;open\n",
            vec!["1:  CSV_DELIMITER", "1: id CSV_COLUMN_MISSING"],
        ),
        (
            "id,colour,id\n",
            vec!["1: colour CSV_COLUMN_UNKNOWN", "1: id CSV_COLUMN_TWICE"],
        ),
        ("state\nopen\n", vec!["1: id CSV_COLUMN_MISSING"]),
        ("\"id\n", vec!["1:  CSV_QUOTES"]),
    ] {
        assert_eq!(found(Format::Csv, file.as_bytes()), expected, "{file:?}");
    }
}

#[test]
fn utf_16_is_refused_by_name() {
    for format in [Format::Jsonl, Format::Csv, Format::Express] {
        let error = Reader::new(&b"\xFF\xFE{\0"[..], options(format)).err().unwrap();
        assert!(format!("{error:?}").contains("UTF-16"), "{error:?}");
    }
}
