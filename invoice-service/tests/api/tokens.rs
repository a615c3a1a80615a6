//! No call is served without a good token, at the service and through the gateway.

use harness::{Bearer, Refusal, RunningProduct, channel};
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
