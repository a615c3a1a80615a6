use std::time::Duration;

use prost::Message as _;
use prost_types::Any;
use tonic::Status;
use tonic_types::pb::{BadRequest, ErrorInfo, RequestInfo, ResourceInfo, RetryInfo};

use crate::error::{BAD_REQUEST, ERROR_INFO, REQUEST_INFO, RESOURCE_INFO, RETRY_INFO};

/// The `google.rpc` details of a status that came from one of our services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Why: reason, domain and metadata. At most one is ever sent.
    pub error_info: Option<ErrorInfo>,
    /// The fields that are wrong.
    pub bad_request: Option<BadRequest>,
    /// When to try again.
    pub retry_info: Option<RetryInfo>,
    /// What was not found.
    pub resource_info: Option<ResourceInfo>,
    /// Under which request id the cause is logged.
    pub request_info: Option<RequestInfo>,
}

impl Details {
    /// Reads the details of `status`. What is absent, unknown or not decodable is left out: an error is never a
    /// reason for a second one.
    pub fn of(status: &Status) -> Self {
        let mut details = Self::default();
        for any in decode(status.details()) {
            let value = any.value.as_slice();
            match any.type_url.as_str() {
                ERROR_INFO => details.error_info = ErrorInfo::decode(value).ok(),
                BAD_REQUEST => details.bad_request = BadRequest::decode(value).ok(),
                RETRY_INFO => details.retry_info = RetryInfo::decode(value).ok(),
                RESOURCE_INFO => details.resource_info = ResourceInfo::decode(value).ok(),
                REQUEST_INFO => details.request_info = RequestInfo::decode(value).ok(),
                _ => {}
            }
        }
        details
    }

    /// The reason of the `ErrorInfo`, or an empty text.
    pub fn reason(&self) -> &str {
        self.error_info.as_ref().map_or("", |info| &info.reason)
    }

    /// `(field path, reason)` of every violation, in the order sent.
    pub fn violations(&self) -> Vec<(&str, &str)> {
        let sent = self.bad_request.iter().flat_map(|bad| &bad.field_violations);
        sent.map(|violation| (violation.field.as_str(), violation.reason.as_str()))
            .collect()
    }

    /// How long to wait before trying again, when the sender said so.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_info?.retry_delay?.try_into().ok()
    }
}

/// `status` with a `RequestInfo` that names `request_id`, unless it carries one already. The message, the code, the
/// metadata and the other details stay as they are.
pub fn attach_request_id(status: &Status, request_id: &str) -> Status {
    let mut details = decode(status.details());
    if !details.iter().any(|any| any.type_url == REQUEST_INFO) {
        let info = RequestInfo {
            request_id: request_id.to_owned(),
            serving_data: String::new(),
        };
        details.push(Any {
            type_url: REQUEST_INFO.to_owned(),
            value: info.encode_to_vec(),
        });
    }
    let body = tonic_types::pb::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details,
    };
    Status::with_details_and_metadata(
        status.code(),
        status.message(),
        body.encode_to_vec().into(),
        status.metadata().clone(),
    )
}

fn decode(details: &[u8]) -> Vec<Any> {
    tonic_types::pb::Status::decode(details)
        .map(|status| status.details)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::{Code, Status};

    use super::{Details, attach_request_id};
    use crate::{DOMAIN, FieldPath, RpcError, Violations, reason};

    #[test]
    fn every_violation_of_a_request_arrives_with_path_reason_and_text() {
        let mut violations = Violations::new();
        let line = FieldPath::new("invoice").field("lines").index(1);
        violations.push(line.field("quantity"), "DECIMAL_MALFORMED", "write 1.5");
        violations.push(line.field("unit_price"), "DECIMAL_RANGE", "too large");
        let status = Status::from(violations.into_result().unwrap_err());

        assert_eq!(status.code(), Code::InvalidArgument);
        let details = Details::of(&status);
        assert_eq!(details.reason(), reason::FIELDS_INVALID);
        assert_eq!(
            details.violations(),
            [
                ("invoice.lines[1].quantity", "DECIMAL_MALFORMED"),
                ("invoice.lines[1].unit_price", "DECIMAL_RANGE")
            ]
        );
        assert_eq!(
            details.bad_request.unwrap().field_violations[0].description,
            "write 1.5"
        );
    }

    #[test]
    fn a_request_without_problems_passes() {
        assert!(Violations::new().into_result().is_ok());
    }

    #[test]
    fn more_problems_than_fit_a_header_are_counted_and_as_many_listed_as_fit() {
        let mut violations = Violations::new();
        for position in 0..500 {
            let path = FieldPath::new("invoice")
                .field("lines")
                .index(position)
                .field("unit_price");
            violations.push(
                path,
                "DECIMAL_MALFORMED",
                "must be a plain decimal such as \"12.50\"",
            );
        }
        let status = Status::from(violations.into_result().unwrap_err());
        let listed = Details::of(&status).violations().len();
        assert!((30..64).contains(&listed), "{listed}");
        assert_eq!(
            status.message(),
            format!("500 fields are invalid; the first {listed} are listed")
        );
        assert!(
            status.details().len() * 4 / 3 < 7500,
            "{}",
            status.details().len()
        );
    }

    #[test]
    fn unavailable_says_when_to_try_again_and_names_the_domain() {
        let error = RpcError::unavailable(reason::OVERLOADED, "busy", Duration::from_millis(1500));
        let details = Details::of(&error.metadata("in_flight", "512").into());
        assert_eq!(details.retry_delay(), Some(Duration::from_millis(1500)));
        let info = details.error_info.unwrap();
        assert_eq!(
            (info.domain.as_str(), info.metadata["in_flight"].as_str()),
            (DOMAIN, "512")
        );
    }

    #[test]
    fn a_request_id_is_attached_once_and_keeps_the_other_details() {
        let once = attach_request_id(&RpcError::internal().into(), "req-1");
        let twice = attach_request_id(&once, "req-2");
        let details = Details::of(&twice);
        assert_eq!(details.reason(), reason::INTERNAL);
        assert_eq!(details.request_info.unwrap().request_id, "req-1");
    }

    #[test]
    fn details_that_are_no_status_read_as_absent() {
        let status = Status::with_details(Code::Internal, "x", vec![0xff, 0xff].into());
        assert_eq!(Details::of(&status), Details::default());
    }
}
