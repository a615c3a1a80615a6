use std::path::Path;

use crate::Addresses;

/// What is printed when the product serves: where it listens, where its data and its console are, and calls to paste.
pub fn banner(addresses: Addresses, data_dir: &Path, has_console: bool) -> String {
    let Addresses {
        gateway,
        auth,
        invoice,
        encrypted,
    } = addresses;
    let scheme = |encrypted: bool| if encrypted { "https" } else { "http" };
    let [of_gateway, of_auth, of_invoice] =
        [encrypted.gateway, encrypted.auth, encrypted.invoice].map(scheme);
    // With TLS, grpcurl trusts the public authorities; those of your own need `-cacert FILE` here.
    let grpcurl = if encrypted.gateway {
        "grpcurl"
    } else {
        "grpcurl -plaintext"
    };
    let data = data_dir.display();
    let console = if has_console {
        format!("{of_gateway}://{gateway}/")
    } else {
        "none (--console-dir)".to_owned()
    };
    format!(
        r#"gateway          {of_gateway}://{gateway}
auth-service     {of_auth}://{auth}
invoice-service  {of_invoice}://{invoice}
data             {data}
console          {console}

Try it, in another terminal:

  {grpcurl} -d '{{"email": "ann@example.com", "password": "tulip harbour violin", "display_name": "Ann"}}' \
    {gateway} invoiceapp.auth.v1.AuthService/Register

  TOKEN=$({grpcurl} -d '{{"email": "ann@example.com", "password": "tulip harbour violin"}}' \
    {gateway} invoiceapp.auth.v1.AuthService/Login | sed -n 's/.*"accessToken": "\(.*\)".*/\1/p')

  {grpcurl} -H "authorization: Bearer $TOKEN" -d '{{"invoice": {{"currency_code": "EUR", "lines": [
    {{"description": "Design", "quantity": "2.5", "unit_price": "80", "tax_category": "TAX_CATEGORY_STANDARD",
     "tax_rate": "19"}}]}}}}' {gateway} invoiceapp.invoice.v1.InvoiceService/CreateInvoice

Ctrl-C ends it.
"#
    )
}
