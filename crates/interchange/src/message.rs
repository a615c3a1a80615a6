//! Invoices as JSON, by the description of the contract: what the contract gains, files gain.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use proto::invoice::v1 as pb;
use serde_json::Value;

const INVOICE: &str = "invoiceapp.invoice.v1.Invoice";

/// The contract has no invoices: a fault of the build.
#[derive(Debug, thiserror::Error)]
#[error("the contract of this build has no message {INVOICE}")]
pub struct ContractError;

/// What an invoice looks like in JSON.
#[derive(Debug, Clone)]
pub(crate) struct InvoiceJson {
    descriptor: MessageDescriptor,
}

/// A text that is no invoice, and where in it that shows.
#[derive(Debug)]
pub(crate) struct JsonError {
    /// The member, as `lines[1].unitPrice`; blank: the whole.
    pub(crate) at: String,
    /// Why.
    pub(crate) error: serde_json::Error,
}

impl InvoiceJson {
    pub(crate) fn new() -> Result<Self, ContractError> {
        let pool = DescriptorPool::decode(proto::invoice::FILE_DESCRIPTOR_SET).map_err(|_| ContractError)?;
        let descriptor = pool.get_message_by_name(INVOICE).ok_or(ContractError)?;
        Ok(Self { descriptor })
    }

    /// The message that describes an invoice.
    pub(crate) const fn descriptor(&self) -> &MessageDescriptor {
        &self.descriptor
    }

    /// An invoice in proto3 JSON. Members that the contract does not have are refused: they would be lost.
    pub(crate) fn read(&self, text: &str) -> Result<pb::Invoice, JsonError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let invoice = self.of(&mut json)?;
        json.end().map_err(|error| JsonError {
            at: String::new(),
            error,
        })?;
        Ok(invoice)
    }

    /// As [`InvoiceJson::read`], of what has been parsed.
    pub(crate) fn read_value(&self, value: Value) -> Result<pb::Invoice, JsonError> {
        self.of(value)
    }

    fn of<'de, D>(&self, json: D) -> Result<pb::Invoice, JsonError>
    where
        D: serde::Deserializer<'de, Error = serde_json::Error>,
    {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(json, &mut track);
        let read = DynamicMessage::deserialize_with_options(self.descriptor.clone(), tracked, &options);
        let invoice = read.and_then(|message| {
            // Of the same contract, so it fits.
            message.transcode_to().map_err(serde::ser::Error::custom)
        });
        invoice.map_err(|error| JsonError {
            at: match track.path().to_string() {
                // Of what is no JSON, the place is not known; of the whole it is a point.
                _ if !error.is_data() => String::new(),
                whole if whole == "." => String::new(),
                path => path,
            },
            error,
        })
    }

    /// An invoice as one line of proto3 JSON.
    pub(crate) fn write(&self, invoice: &pb::Invoice) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::Serializer::new(Vec::new());
        let message = self.dynamic(invoice)?;
        message.serialize_with_options(&mut line, &SerializeOptions::new())?;
        Ok(line.into_inner())
    }

    /// An invoice as JSON under the names of the contract, values that are 0 or blank included.
    pub(crate) fn write_value(&self, invoice: &pb::Invoice) -> Result<Value, serde_json::Error> {
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(false);
        self.dynamic(invoice)?
            .serialize_with_options(serde_json::value::Serializer, &options)
    }

    fn dynamic(&self, invoice: &pb::Invoice) -> Result<DynamicMessage, serde_json::Error> {
        DynamicMessage::decode(self.descriptor.clone(), invoice.encode_to_vec().as_slice())
            .map_err(serde::ser::Error::custom)
    }
}
