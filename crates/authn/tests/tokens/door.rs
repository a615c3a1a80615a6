//! A handler behind a validator, at which hostile tokens are tried.

use std::sync::Arc;

use crate::support::{Handler, Signer, call, claims, validator};
use authn::Authenticated;
use serde_json::Value;
use tonic::Code;

const METHOD: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";

pub(crate) struct Door {
    pub(crate) signer: Signer,
    handler: Handler,
    service: Authenticated<Handler>,
}

impl Door {
    pub(crate) fn new() -> Self {
        let signer = Signer::new();
        let handler = Handler::default();
        let validator = Arc::new(validator([signer.verifying_key()]));
        let service = Authenticated::new(handler.clone(), validator);
        Self {
            signer,
            handler,
            service,
        }
    }

    pub(crate) async fn refuses(&mut self, what: &str, headers: &[(&'static str, &str)], reason: &str) {
        let refusal = call(&mut self.service, METHOD, headers).await;
        let refusal = refusal.map(|_request| "let in");
        assert_eq!(refusal, Err((Code::Unauthenticated, reason.to_owned())), "{what}");
        assert_eq!(self.handler.entered(), 0, "{what}: the handler was entered");
    }

    pub(crate) async fn refuses_token(&mut self, what: &str, token: &str, reason: &str) {
        self.refuses(what, &[("authorization", &format!("Bearer {token}"))], reason)
            .await;
    }

    /// Refuses a rightly signed token with this header.
    pub(crate) async fn refuses_header(&mut self, header: &str) {
        let token = self.signer.sign(header, &claims().to_string());
        self.refuses_token(header, &token, "TOKEN_INVALID").await;
    }

    /// Refuses a rightly signed token whose claims were changed.
    pub(crate) async fn refuses_claims(&mut self, change: impl Fn(&mut Value), reason: &str) {
        let mut changed = claims();
        change(&mut changed);
        let token = self.signer.sign(&self.signer.header(), &changed.to_string());
        self.refuses_token(&changed.to_string(), &token, reason).await;
    }
}
