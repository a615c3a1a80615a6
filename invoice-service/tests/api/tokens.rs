//! No call is served without a good token, at the service and through the gateway.

use grpc_server::{DrainPace, Shutdown};
use harness::{Bearer, Refusal, RunningProduct, channel};
use invoice_service::TrustConfig;
use proto::invoice::v1::ListInvoicesRequest;
use proto::invoice::v1::invoice_service_client::InvoiceServiceClient;
use tonic::Code;

#[tokio::test]
async fn a_call_without_a_token_is_refused() {
    let product = RunningProduct::start().await;
    for address in [product.addresses().invoice, product.addresses().gateway] {
        let mut invoices = InvoiceServiceClient::new(channel(address).await);
        let refusal = Refusal::in_result(invoices.list_invoices(ListInvoicesRequest::default()).await);
        assert_eq!(refusal, Refusal::new(Code::Unauthenticated, "TOKEN_MISSING"));
    }
}

#[tokio::test]
async fn a_token_altered_in_any_byte_is_refused() {
    let product = RunningProduct::start().await;
    let ann = product.person().await;
    let token = ann.access_token();
    let server = channel(product.addresses().invoice).await;
    for position in 0..token.len() {
        let mut altered = token.as_bytes().to_vec();
        altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let mut invoices = InvoiceServiceClient::with_interceptor(server.clone(), Bearer::new(&altered));
        let refusal = Refusal::in_result(invoices.list_invoices(ListInvoicesRequest::default()).await);
        assert_eq!(
            refusal,
            Refusal::new(Code::Unauthenticated, "TOKEN_INVALID"),
            "byte {position}"
        );
    }
    for cut in [
        "",
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("{token}."),
    ] {
        let mut invoices = InvoiceServiceClient::with_interceptor(server.clone(), Bearer::new(cut));
        let refusal = Refusal::in_result(invoices.list_invoices(ListInvoicesRequest::default()).await);
        assert_eq!(refusal.code, Code::Unauthenticated, "{cut}");
    }
}

/// Two services of their own processes' shape: auth-service can be stopped alone.
#[tokio::test]
async fn a_valid_token_goes_on_working_while_auth_service_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let auth = auth_service::Config {
        listen: any,
        ..auth_service::Config::default()
    };
    let auth = auth_service::App::build(auth, folder.path()).await.unwrap();
    let auth_address = auth.local_addr();
    let auth_shutdown = Shutdown::manual();
    let auth_served = tokio::spawn(auth.run(auth_shutdown.clone()));

    let trust = TrustConfig {
        auth_url: format!("http://{auth_address}"),
        ..TrustConfig::default()
    };
    let invoice = invoice_service::Config {
        listen: any,
        trust,
        ..invoice_service::Config::default()
    };
    let invoice = invoice_service::App::build(invoice, folder.path()).await.unwrap();
    while !invoice.has_keys() {
        tokio::task::yield_now().await;
    }
    let invoice_address = invoice.local_addr();
    let invoice_shutdown = Shutdown::manual();
    let invoice_served = tokio::spawn(invoice.run(invoice_shutdown.clone()));

    let registration = harness::build::registration();
    let tokens = harness::register(channel(auth_address).await, registration)
        .await
        .unwrap()
        .tokens
        .unwrap();
    auth_shutdown.begin(DrainPace::INTERACTIVE);
    auth_served.await.unwrap();

    let bearer = Bearer::new(&tokens.access_token);
    let mut invoices = InvoiceServiceClient::with_interceptor(channel(invoice_address).await, bearer);
    let created = invoices
        .create_invoice(harness::build::create(harness::build::invoice()))
        .await
        .unwrap();
    assert_eq!(created.into_inner().totals.unwrap().gross_minor, 23_800);
    invoice_shutdown.begin(DrainPace::INTERACTIVE);
    invoice_served.await.unwrap();
}
