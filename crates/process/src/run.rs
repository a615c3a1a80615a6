use std::process::ExitCode;

use tokio::runtime::Builder;

/// Runs `main` on a runtime with a thread per core, and returns as soon as it has ended: give the result to the operating
/// system at once.
///
/// `#[tokio::main]` would wait for every blocking call that is under way. A name that is being resolved is one
/// (`getaddrinfo`), and with a name server that does not answer it takes as long as the resolver has patience, past the
/// time after which a process is killed.
pub fn run(main: impl Future<Output = ExitCode>) -> ExitCode {
    match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(main);
            runtime.shutdown_background();
            code
        }
        Err(error) => telemetry::exit_code(Err(format!("cannot start threads: {error}").into())),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::run;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "stands for the resolver, which blocks a thread of the runtime"
    )]
    fn a_blocking_call_that_hangs_holds_no_process_up() {
        let (let_go, hanging) = mpsc::channel::<()>();
        let begun = Instant::now();
        let code = run(async move {
            let (began, begins) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                began.send(()).unwrap();
                let _let_go = hanging.recv_timeout(Duration::from_secs(15));
            });
            begins.await.unwrap();
            ExitCode::from(7)
        });
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(code, ExitCode::from(7));
        drop(let_go);
    }
}
