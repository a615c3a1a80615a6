//! The API contract of invoice-app, compiled: messages, clients and servers of every package, and their descriptors.
//!
//! The `.proto` files under `proto/invoiceapp` are the documentation; their comments come along into the generated
//! code and into [`FILE_DESCRIPTOR_SET`].

/// Every file of the contract and what it imports, as an encoded `google.protobuf.FileDescriptorSet` with comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// `invoiceapp.auth`: users, sessions and tokens.
pub mod auth {
    /// As [`FILE_DESCRIPTOR_SET`](crate::FILE_DESCRIPTOR_SET), with the services of this package alone.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/auth.bin"));

    /// Version 1.
    #[allow(clippy::all)] // generated
    pub mod v1 {
        tonic::include_proto!("invoiceapp.auth.v1");
    }
}

/// `invoiceapp.invoice`: invoices.
pub mod invoice {
    /// As [`FILE_DESCRIPTOR_SET`](crate::FILE_DESCRIPTOR_SET), with the services of this package alone.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/invoice.bin"));

    /// Version 1.
    #[allow(clippy::all)] // generated
    pub mod v1 {
        tonic::include_proto!("invoiceapp.invoice.v1");
    }
}

/// `invoiceapp.type`: messages that more than one package uses.
pub mod r#type {
    /// Version 1.
    #[allow(clippy::all)] // generated
    pub mod v1 {
        tonic::include_proto!("invoiceapp.r#type.v1");
    }
}
