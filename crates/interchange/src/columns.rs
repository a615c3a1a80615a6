//! The columns of a CSV file: every field of an invoice, by the path that the API gives it.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as FieldKind, MessageDescriptor};
use serde_json::{Map, Value};

/// The field whose messages are rows.
const LINES: &str = "lines";

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: `buyer.address.city`, or `lines.unit_price` for what differs from row to row.
    pub name: String,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether it is about a line of the invoice, and not about the invoice.
    pub of_line: bool,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text, dates and decimals.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// The name of a value of the contract, such as `STATE_OPEN`, or the end of it, such as `OPEN`.
    Name(EnumDescriptor),
    /// JSON: a list, or pairs of keys and values. In the first row of an invoice only.
    Json,
}

/// Every column, those of lines last.
pub(crate) fn columns(invoice: &MessageDescriptor) -> Vec<Column> {
    let mut columns = Vec::new();
    add(invoice, "", false, &mut columns);
    // Stable: the order of the contract stays.
    columns.sort_by_key(|column| column.of_line);
    columns
}

fn add(message: &MessageDescriptor, at: &str, of_line: bool, columns: &mut Vec<Column>) {
    for field in message.fields() {
        let name = format!("{at}{}", field.name());
        match nested(&field) {
            Some(lines) if name == LINES => add(&lines, &format!("{name}."), true, columns),
            Some(inner) if !field.is_list() && !field.is_map() => {
                add(&inner, &format!("{name}."), of_line, columns);
            }
            Some(_) | None => columns.push(Column {
                name,
                kind: kind(&field),
                of_line,
            }),
        }
    }
}

/// The message of a field, but of those that JSON writes as a text.
fn nested(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = field.kind();
    let message = kind.as_message()?;
    (!message.full_name().starts_with("google.protobuf.")).then(|| message.clone())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the contract has no floats and no bytes; of the others, JSON writes numbers"
)]
fn kind(field: &FieldDescriptor) -> Kind {
    if field.is_list() || field.is_map() {
        return Kind::Json;
    }
    match field.kind() {
        FieldKind::String | FieldKind::Message(_) => Kind::Text,
        FieldKind::Bool => Kind::Bool,
        FieldKind::Enum(names) => Kind::Name(names),
        _ => Kind::Integer,
    }
}

impl Kind {
    /// What a cell that is not blank stands for in JSON.
    ///
    /// # Errors
    /// What it must be.
    pub(crate) fn read(&self, cell: &str) -> Result<Value, String> {
        match self {
            Self::Text => Ok(Value::String(cell.to_owned())),
            Self::Integer => cell
                .parse::<i64>()
                .map(|_| Value::String(cell.to_owned()))
                .map_err(|_| "must be a whole number".to_owned()),
            Self::Bool => match cell.to_ascii_lowercase().as_str() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err("must be true or false".to_owned()),
            },
            Self::Name(names) => name(names, cell),
            Self::Json => serde_json::from_str(cell).map_err(|error| format!("must be JSON: {error}")),
        }
    }
}

/// The cell for what stands in JSON.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => String::new(),
        Some(Value::Object(members)) if members.is_empty() => String::new(),
        Some(value) => value.to_string(),
    }
}

fn name(names: &EnumDescriptor, cell: &str) -> Result<Value, String> {
    let prefix = names
        .default_value()
        .name()
        .trim_end_matches("UNSPECIFIED")
        .to_owned();
    let upper = cell.to_ascii_uppercase();
    let known = [upper.clone(), format!("{prefix}{upper}")]
        .into_iter()
        .find(|name| names.get_value_by_name(name).is_some());
    known.map(Value::String).ok_or_else(|| {
        let names: Vec<_> = names
            .values()
            .filter(|value| value.number() != 0)
            .map(|value| value.name().trim_start_matches(&prefix).to_owned())
            .collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// What stands at the path of a column below `from`.
pub(crate) fn at<'a>(from: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(from, |value, name| value.get(name))
}

/// Puts `value` at the path of a column.
pub(crate) fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let inner = into.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
