//! Which methods change something.

/// Methods that change something.
pub(crate) const WRITES: &[&str] = &[
    "/invoiceapp.invoice.v1.CustomerService/CreateCustomer",
    "/invoiceapp.invoice.v1.CustomerService/DeleteCustomer",
    "/invoiceapp.invoice.v1.CustomerService/UpdateCustomer",
    "/invoiceapp.invoice.v1.InvoiceService/CreateCreditNote",
    "/invoiceapp.invoice.v1.InvoiceService/CreateInvoice",
    "/invoiceapp.invoice.v1.InvoiceService/DeleteInvoice",
    "/invoiceapp.invoice.v1.InvoiceService/DuplicateInvoice",
    "/invoiceapp.invoice.v1.InvoiceService/IssueInvoice",
    "/invoiceapp.invoice.v1.InvoiceService/MarkInvoiceUncollectible",
    "/invoiceapp.invoice.v1.InvoiceService/RecordPayment",
    "/invoiceapp.invoice.v1.InvoiceService/ReversePayment",
    "/invoiceapp.invoice.v1.InvoiceService/UpdateInvoice",
    "/invoiceapp.invoice.v1.InvoiceService/VoidInvoice",
    "/invoiceapp.invoice.v1.ProfileService/UpdateProfile",
];

#[cfg(test)]
mod tests {
    use super::WRITES;

    const READS: [&str; 10] = [
        "/invoiceapp.invoice.v1.CustomerService/GetCustomer",
        "/invoiceapp.invoice.v1.CustomerService/ListCustomers",
        "/invoiceapp.invoice.v1.InvoiceService/GetInvoice",
        "/invoiceapp.invoice.v1.InvoiceService/ListInvoiceEvents",
        "/invoiceapp.invoice.v1.InvoiceService/ListInvoices",
        "/invoiceapp.invoice.v1.InvoiceService/PreviewInvoice",
        "/invoiceapp.invoice.v1.InvoiceService/SummarizeInvoices",
        "/invoiceapp.invoice.v1.InvoiceService/VerifyInvoiceHistory",
        "/invoiceapp.invoice.v1.InvoiceService/WatchInvoices",
        "/invoiceapp.invoice.v1.ProfileService/GetProfile",
    ];

    #[test]
    fn of_every_method_it_is_said_whether_it_writes() {
        let methods = grpc_server::methods(&[proto::invoice::FILE_DESCRIPTOR_SET]);
        let mut declared: Vec<&str> = methods.iter().map(String::as_str).collect();
        declared.retain(|method| method.starts_with("/invoiceapp."));
        declared.sort_unstable();
        let mut said: Vec<&str> = WRITES.iter().chain(&READS).copied().collect();
        said.sort_unstable();
        assert_eq!(declared, said, "a new method belongs into one of the two lists");
    }
}
