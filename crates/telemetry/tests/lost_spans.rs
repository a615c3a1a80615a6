//! A collector that is not there. One test, because a process has one exporter.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use http::HeaderMap;
use telemetry::{LogConfig, Metrics, TraceConfig};
use tonic::Code;

/// More than may wait.
const CALLS: u64 = 5000;

fn lost(metrics: &Metrics) -> u64 {
    let text = metrics.to_text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("trace_spans_lost_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_collector_that_never_answers_costs_calls_nothing_and_the_end_two_seconds() {
    // Takes the connection and says nothing, so that the exporter is stuck in its first request.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let traces = TraceConfig {
        otlp_endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
    };
    telemetry::init("test", &LogConfig::default(), &traces).unwrap();
    let metrics = Metrics::new();
    let server = metrics.server("test", ["/p.S/Get".to_owned()]);

    let begun = Instant::now();
    for _ in 0..CALLS {
        server.begin("/p.S/Get", &HeaderMap::new(), "id").end(Code::Ok);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // 2,048 wait and 512 may be in the request that is never answered.
    assert!(
        (CALLS - 2048 - 512..=CALLS - 2048).contains(&lost(&metrics)),
        "{}",
        lost(&metrics)
    );

    let ending = Instant::now();
    telemetry::end_traces(Duration::from_mins(1));
    let waited = ending.elapsed();
    assert!(
        (Duration::from_secs(1)..Duration::from_millis(2500)).contains(&waited),
        "{waited:?}"
    );
    telemetry::exit_code(Ok(()));
    assert!(
        ending.elapsed() < waited + Duration::from_secs(1),
        "only the first end waits"
    );
}
