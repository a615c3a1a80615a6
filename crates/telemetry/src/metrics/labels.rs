use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

/// What a call is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CallLabels {
    pub(crate) service: &'static str,
    pub(crate) rpc_method: Arc<str>,
    pub(crate) rpc_grpc_status_code: &'static str,
}

/// Which service of the process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ServiceLabel {
    pub(crate) service: &'static str,
}

/// What an operation of a store is counted under. An empty `error_type` is success.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OperationLabels {
    pub(crate) service: &'static str,
    pub(crate) db_system_name: &'static str,
    pub(crate) db_operation_name: &'static str,
    pub(crate) error_type: &'static str,
}
