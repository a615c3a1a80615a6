//! One stream after another.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proto::auth::v1::WatchRevocationsRequest;
use proto::auth::v1::token_service_client::TokenServiceClient;
use telemetry::chain;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::Shared;
use super::apply::Message;
use super::pace::BackOff;
use crate::replicas::Replicas;

/// Opens streams until it is dropped, or at once returns when there is no replica.
pub(super) async fn keep_following(auth: Replicas, shared: Arc<Shared>) {
    let mut back_off = BackOff::new(shared.pace);
    let mut replicas = auth.in_turn();
    let mut failed_before = false;
    while let Some(channel) = replicas.next_channel() {
        let ended = follow(channel, &shared).await;
        if ended.had_snapshot {
            shared.streams_lost.fetch_add(1, Ordering::Relaxed);
            back_off.reset();
        }
        if ended.status.code() == Code::Unimplemented && !shared.has_snapshot() {
            shared.live_without_feed();
        }
        let (code, cause) = (ended.status.code(), ended.status.source().map(chain));
        // Once for each gap; that it goes on is told by `log_silence` and by the metrics.
        if ended.had_snapshot || !failed_before {
            tracing::warn!(
                ?code,
                cause,
                "the revocation feed is not connected; it will be opened again"
            );
        } else {
            tracing::debug!(?code, cause, "the revocation feed could not be opened");
        }
        failed_before = true;
        sleep(back_off.pause()).await;
    }
}

impl Shared {
    /// An auth-service of an earlier release pushes nothing, and no wait will change that.
    fn live_without_feed(&self) {
        if !self.has_no_feed.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                "this auth-service cannot tell which sessions are ended: their tokens are accepted until they expire; \
                 upgrade it"
            );
        }
    }
}

/// How a stream ended.
struct Ended {
    /// Whether it had said all that was revoked when it began.
    had_snapshot: bool,
    status: Status,
}

async fn follow(channel: Channel, shared: &Shared) -> Ended {
    let mut had_snapshot = false;
    let Err(status) = take_messages(channel, shared, &mut had_snapshot).await;
    Ended { had_snapshot, status }
}

async fn take_messages(
    channel: Channel,
    shared: &Shared,
    had_snapshot: &mut bool,
) -> Result<std::convert::Infallible, Status> {
    let silent = |_| Status::deadline_exceeded("no message for too long");
    let patience = shared.pace.give_up_after;
    let mut client = TokenServiceClient::new(channel);
    let opening = client.watch_revocations(WatchRevocationsRequest {});
    let mut stream = timeout(patience, opening).await.map_err(silent)??.into_inner();
    loop {
        let message = timeout(patience, stream.message()).await.map_err(silent)??;
        let message = message.ok_or_else(|| Status::unavailable("the stream ended"))?;
        match shared.apply(message) {
            Message::SnapshotComplete if !*had_snapshot => {
                *had_snapshot = true;
                let entries = shared.read(super::Revocations::len);
                tracing::info!(entries, "the revocation feed is connected");
            }
            Message::SnapshotComplete | Message::Other => {}
        }
        // Before its snapshot is whole, a stream says nothing of what was missed.
        if *had_snapshot {
            shared.heard.send_replace(Instant::now());
        }
    }
}
