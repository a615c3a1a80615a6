//! Nothing that people say or are is logged, counted or traced: canaries are planted in every field that holds it, and
//! then looked for in all that the real binary gives out, at the most talkative level.

mod cookies;
mod credit;
mod planted;

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::binary::{Home, Running};
use crate::collector::Collector;
use cookies::Browser;
use credit::credit_invoices;
use planted::{Caller, Way, look_after_the_account, sign_in_and_fail_to, work_on_invoices};

/// In everything that is planted, whatever the case of its letters.
const CANARY: &str = "canary";
const INTERACTIVE: Duration = Duration::from_secs(5);

/// What the admin port of the process that wrote `log` says.
async fn metrics(log: &str) -> String {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let admin = lines.filter(|line| line["message"] == "admin port listens");
    let admin = admin
        .map(|line| line["address"].as_str().unwrap().to_owned())
        .next();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let url = format!("http://{}/metrics", admin.unwrap());
    let body = client.get(url.parse().unwrap()).await.unwrap().into_body();
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Ends the process and returns everything that it gave out, each with its name.
async fn given_out(home: &Home, running: Running, collector: &Collector) -> [(&'static str, String); 4] {
    let metrics = metrics(&home.log()).await;
    let printed = running.printed.clone();
    running.interrupt();
    running.ends_with_success(INTERACTIVE).await;
    [
        ("standard output", printed),
        ("the log", home.log()),
        ("/metrics", metrics),
        ("the spans", collector.text()),
    ]
}

/// The first line of `text` that holds `secret`, whatever the case of its letters.
fn line_with<'a>(text: &'a str, secret: &str) -> Option<&'a str> {
    let secret = secret.to_lowercase();
    text.lines().find(|line| line.to_lowercase().contains(&secret))
}

#[tokio::test]
async fn nothing_that_people_say_or_are_is_logged_counted_or_traced() {
    let collector = Collector::start().await;
    let home = Home::new();
    let endpoint = collector.url();
    let flags = [
        "--log",
        "trace",
        "--admin-listen",
        "127.0.0.1:0",
        "--otlp-endpoint",
        &endpoint,
    ];
    let running = home.start_with(&flags).await;
    let mut secrets = vec![CANARY.to_owned()];
    let mut calls = 0;
    for way in [Way::Native, Way::Web] {
        let mut caller = Caller {
            gateway: running.gateway,
            way,
            token: None,
            calls: 0,
        };
        let mut given_out = sign_in_and_fail_to(&mut caller).await;
        given_out.push(look_after_the_account(&mut caller).await);
        for tokens in given_out {
            // A token is as good without its last letters as with them.
            let given = [tokens.access_token, tokens.refresh_token, tokens.device_token];
            let given = given.iter().filter(|token| !token.is_empty());
            secrets.extend(given.map(|token| token[..40].to_owned()));
        }
        work_on_invoices(&mut caller).await;
        credit_invoices(&mut caller).await;
        calls += caller.calls;
    }
    let mut browser = Browser {
        gateway: running.gateway,
        calls: 0,
    };
    let in_cookies = browser.live_by_cookie().await;
    secrets.extend(in_cookies.iter().map(|token| token[..40].to_owned()));
    calls += browser.calls;
    let given_out = given_out(&home, running, &collector).await;

    let [_, (_, log), (_, metrics), (_, spans)] = &given_out;
    let logged = log
        .lines()
        .filter(|line| line.contains(r#""server":"gateway","method":"/invoiceapp."#));
    assert_eq!(logged.count(), calls, "one line per call at the gateway");
    assert!(log.contains(r#""level":"TRACE""#) && log.contains(r#""target":"h2::"#));
    for text in [metrics, spans] {
        assert!(text.contains("invoiceapp.invoice.v1.InvoiceService/UpdateInvoice"));
    }
    for (name, text) in &given_out {
        for secret in &secrets {
            assert_eq!(line_with(text, secret), None, "{secret} in {name}");
        }
    }
}

#[tokio::test]
async fn the_password_in_a_store_url_is_not_shown_whether_it_is_wrong_or_nobody_is_there() {
    let home = Home::new();
    let nobody = "mongodb://ada:canary-secret@127.0.0.1:1/auth?serverSelectionTimeoutMS=100";
    let file = home.data_dir().with_file_name("url");
    std::fs::write(&file, nobody).unwrap();
    for flags in [
        ["--auth-store-url-file", file.to_str().unwrap()],
        ["--invoice-store-url", nobody],
    ] {
        let flags = ["--log", "trace", flags[0], flags[1]];
        home.kill_once_it_logs(&flags, "waiting for MongoDB").await;
        assert_eq!(line_with(&home.log(), CANARY), None, "{flags:?}");
    }
    for flags in [
        [
            "--invoice-store-url",
            "mongo://ada:canary-secret@127.0.0.1:1/invoices",
        ],
        ["--auth-store-url", "mongodb://ada:canary-secret"],
    ] {
        let output = home.run(&["--log", "trace", flags[0], flags[1]]).await;
        assert!(!output.status.success(), "{flags:?}");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(text.contains(flags[0]), "{text}");
        assert_eq!(line_with(&text, CANARY), None, "{flags:?}");
    }
}
