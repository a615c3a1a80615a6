//! What a process really writes: the test runs itself as a child and reads the child's standard error.

use std::process::Command;

const CHILD: &str = "TELEMETRY_TEST_CHILD";

/// Not a test of its own: the body of the child process.
#[test]
fn child_process() {
    if option_env_at_run_time().is_none() {
        return;
    }
    telemetry::init("test-child", &telemetry::LogConfig::default()).unwrap();
    tracing::info!("ready");
    tracing::debug!("below the default filter");
    assert!(telemetry::init("test-child", &telemetry::LogConfig::default()).is_err());
    std::thread::spawn(|| panic!("first line\nsecond line"))
        .join()
        .unwrap_err();
}

#[expect(
    clippy::disallowed_methods,
    reason = "how the parent test tells its child what it is"
)]
fn option_env_at_run_time() -> Option<String> {
    std::env::var(CHILD).ok()
}

#[test]
fn a_process_without_a_terminal_logs_json_lines_and_a_panic_is_one_of_them() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture"])
        .env(CHILD, "1")
        .env_remove("INVOICE_APP_LOG")
        .output()
        .unwrap();

    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<serde_json::Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert_eq!(lines[0]["message"], "ready");
    assert_eq!(lines[0]["service"], "test-child");
    assert_eq!(lines[1]["level"], "ERROR");
    assert_eq!(lines[1]["cause"], "first line second line");
    assert!(lines[1]["place"].as_str().unwrap().contains("process.rs"));
}

#[test]
fn an_unreadable_filter_is_refused_with_the_name_of_its_flag() {
    let config = telemetry::LogConfig {
        filter: "info,gateway=loud".to_owned(),
        ..telemetry::LogConfig::default()
    };
    let error = telemetry::init("test", &config).unwrap_err();
    assert!(error.to_string().contains("INVOICE_APP_LOG"), "{error}");
}
