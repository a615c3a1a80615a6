//! Rpcs found by name in the descriptors of the contract.

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

/// The process that answers an rpc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// auth-service
    Auth,
    /// invoice-service
    Invoice,
}

/// An rpc of the contract.
#[derive(Debug, Clone)]
pub(crate) struct Rpc(MethodDescriptor);

impl Rpc {
    /// The rpc called `Method`, `Service/Method` or `package.Service/Method`.
    ///
    /// # Errors
    /// A sentence, when there is none, or more than one.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).map_err(|error| error.to_string())?;
        let services: Vec<_> = pool.services().collect();
        let mut found = services
            .iter()
            .flat_map(prost_reflect::ServiceDescriptor::methods)
            .filter(|method| is_called(method, name));
        match (found.next(), found.next()) {
            (Some(method), None) => Ok(Self(method)),
            (Some(_), Some(_)) => Err(format!("more than one rpc is called {name}: add its service")),
            (None, _) => Err(format!(
                "no rpc is called {name}, as GetInvoice or InvoiceService/GetInvoice"
            )),
        }
    }

    /// `Method`.
    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    /// `/package.Service/Method`.
    pub(crate) fn path(&self) -> String {
        path(&self.0)
    }

    /// Its request.
    pub(crate) fn input(&self) -> MessageDescriptor {
        self.0.input()
    }

    /// Who answers it.
    pub(crate) fn owner(&self) -> Owner {
        if self
            .0
            .parent_service()
            .package_name()
            .starts_with("invoiceapp.auth.")
        {
            Owner::Auth
        } else {
            Owner::Invoice
        }
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn is_called(method: &MethodDescriptor, name: &str) -> bool {
    let path = path(method);
    let beginning = path.strip_suffix(name);
    beginning.is_some_and(|beginning| beginning.ends_with(['/', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rpc_is_found_by_its_name_with_or_without_its_service() {
        for name in [
            "GetInvoice",
            "InvoiceService/GetInvoice",
            "invoiceapp.invoice.v1.InvoiceService/GetInvoice",
        ] {
            let rpc = Rpc::named(name).unwrap();
            assert_eq!(rpc.path(), "/invoiceapp.invoice.v1.InvoiceService/GetInvoice");
            assert_eq!(rpc.input().name(), "GetInvoiceRequest");
            assert_eq!(rpc.owner(), Owner::Invoice);
        }
        assert_eq!(Rpc::named("TokenService/GetJwks").unwrap().owner(), Owner::Auth);
    }

    #[test]
    fn a_part_of_a_name_is_no_name() {
        for name in ["Invoice", "", "Service/GetInvoice", "InvoiceService"] {
            assert!(Rpc::named(name).is_err(), "{name}");
        }
    }
}
