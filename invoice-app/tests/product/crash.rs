//! kill -9 in the middle of everything: what was answered is there afterwards, once, and what was not can be repeated.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use harness::{Bearer, Refusal, build};
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{GetMeRequest, LoginRequest, RefreshTokenRequest, RegisterRequest, RegisterResponse};
use proto::invoice::v1::ListInvoicesRequest;
use tokio::sync::Notify;
use tonic::{Code, Status};

use crate::binary::{Home, Running};
use crate::writers::{
    Invoices, Writer, assert_exactly_what_was_answered, assert_old_etags_are_stale, invoices, lazy,
};

const WRITERS: usize = 16;
/// The process is killed when this many more writes have been answered.
const WRITES_BEFORE_EACH_KILL: [usize; 3] = [40, 150, 300];

async fn registered(address: SocketAddr, request: RegisterRequest) -> RegisterResponse {
    harness::register(harness::channel(address).await, request)
        .await
        .unwrap()
}

/// The client has lost its server, in whatever words its transport has for that: a status that carries an error of the
/// transport, and none of our details.
pub(crate) fn assert_cut_off(status: &Status) {
    let is_transport = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
    assert!(is_transport && status.details().is_empty(), "{status:?}");
}

/// Counts writes that were answered, and says when there are enough.
#[derive(Default)]
struct Answered {
    count: AtomicUsize,
    enough: Notify,
}

impl Answered {
    fn one_more(&self, wanted: usize) {
        if self.count.fetch_add(1, Ordering::SeqCst) + 1 == wanted {
            self.enough.notify_one();
        }
    }
}

/// Repeats what is in doubt, then writes until the process dies.
async fn write_until_killed(writer: &mut Writer, client: &mut Invoices, answered: &Answered, wanted: usize) {
    loop {
        let write = writer.in_doubt.take().unwrap_or_else(|| writer.next());
        match write.send(client).await {
            Ok(invoice) => {
                writer.answered(&write, invoice);
                answered.one_more(wanted);
            }
            Err(status) => {
                assert_cut_off(&status);
                writer.in_doubt = Some(write);
                return;
            }
        }
    }
}

/// All writers write through the gateway until enough is answered; then kill -9.
async fn write_and_kill(running: Running, access_token: &str, writers: &mut [Writer], wanted: usize) {
    let answered = Answered::default();
    let gateway = running.gateway;
    let writing = join_all(writers.iter_mut().map(async |writer| {
        let mut client = invoices(gateway, access_token);
        write_until_killed(writer, &mut client, &answered, wanted).await;
    }));
    let killing = async {
        answered.enough.notified().await;
        running.kill().await;
    };
    futures::join!(writing, killing);
}

#[tokio::test]
async fn nothing_answered_is_lost_or_doubled_when_the_process_is_killed_under_sixteen_writers() {
    let home = Home::new();
    let mut running = home.start().await;
    let ann = registered(running.gateway, build::registration()).await;
    let access_token = ann.tokens.unwrap().access_token;
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let mut in_doubt = 0;
    for wanted in WRITES_BEFORE_EACH_KILL {
        write_and_kill(running, &access_token, &mut writers, wanted).await;
        in_doubt += writers.iter().filter(|writer| writer.in_doubt.is_some()).count();
        running = home.start().await;
    }
    assert_eq!(
        in_doubt,
        WRITERS * WRITES_BEFORE_EACH_KILL.len(),
        "every writer was interrupted each time"
    );
    let mut client = invoices(running.gateway, &access_token);
    for writer in &mut writers {
        writer.settle(&mut client).await;
    }
    let answered: usize = writers.iter().map(|writer| writer.versions.len()).sum();
    assert!(answered >= WRITES_BEFORE_EACH_KILL.iter().sum(), "{answered}");
    assert_exactly_what_was_answered(&mut client, &writers).await;
    assert_old_etags_are_stale(&mut client, &writers).await;
}

#[tokio::test]
async fn users_sessions_and_keys_survive_a_kill() {
    let home = Home::new();
    let running = home.start().await;
    let registration = build::registration();
    let ann = registered(running.gateway, registration.clone()).await;
    let first = ann.tokens.clone().unwrap();
    let mut auth = AuthServiceClient::new(harness::channel(running.gateway).await);
    let refresh = |token: &str| RefreshTokenRequest {
        refresh_token: token.to_owned(),
    };
    let second = auth.refresh_token(refresh(&first.refresh_token)).await.unwrap();
    let second = second.into_inner().tokens.unwrap();
    running.kill().await;

    let running = home.start().await;
    let channel = harness::channel(running.gateway).await;
    let mut auth = AuthServiceClient::new(channel.clone());
    for access_token in [&first.access_token, &second.access_token] {
        let bearer = Bearer::new(access_token);
        let mut signed = AuthServiceClient::with_interceptor(channel.clone(), bearer);
        let me = signed.get_me(GetMeRequest {}).await.unwrap().into_inner();
        assert_eq!(
            (me.user, me.organization),
            (ann.user.clone(), ann.organization.clone())
        );
        let listed = invoices(running.gateway, access_token)
            .list_invoices(ListInvoicesRequest::default())
            .await;
        listed.unwrap();
    }
    let third = auth.refresh_token(refresh(&second.refresh_token)).await.unwrap();
    let third = third.into_inner().tokens.unwrap();
    assert_eq!(third.session_id, first.session_id);
    let login = LoginRequest {
        email: registration.email.clone(),
        password: registration.password.clone(),
        client_label: String::new(),
        device_token: String::new(),
    };
    let signed_in = auth.login(login).await.unwrap().into_inner();
    assert_eq!(signed_in.user, ann.user);
    let again = harness::register(channel, registration).await;
    assert_eq!(
        Refusal::in_result(again),
        Refusal::new(Code::AlreadyExists, "EMAIL_TAKEN")
    );
}

#[tokio::test]
async fn a_registration_cut_off_by_a_kill_has_happened_or_can_be_repeated() {
    let home = Home::new();
    let mut running = home.start().await;
    let mut people: Vec<RegisterRequest> = Vec::new();
    for _ in 0..2 {
        let newcomers: Vec<_> = (0..4).map(|_| build::registration()).collect();
        people.extend(newcomers.clone());
        let first_answer = Notify::new();
        let gateway = running.gateway;
        let registering = join_all(newcomers.into_iter().map(async |request| {
            let registered = harness::register(lazy(gateway), request).await;
            first_answer.notify_one();
            if let Err(status) = registered {
                assert_cut_off(&status);
            }
        }));
        let killing = async {
            first_answer.notified().await;
            running.kill().await;
        };
        futures::join!(registering, killing);
        running = home.start().await;
    }
    let channel = harness::channel(running.gateway).await;
    for request in people {
        let (email, password) = (request.email.clone(), request.password.clone());
        if let Err(status) = harness::register(channel.clone(), request).await {
            let taken = Refusal::new(Code::AlreadyExists, "EMAIL_TAKEN");
            assert_eq!(Refusal::of(&status), taken);
        }
        let login = LoginRequest {
            email,
            password,
            client_label: String::new(),
            device_token: String::new(),
        };
        AuthServiceClient::new(channel.clone())
            .login(login)
            .await
            .unwrap();
    }
}
