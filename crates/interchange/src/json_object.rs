//! An object of JSON, read member by member, with numbers as they are written.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::json_number::plain_decimal;
use crate::record::Problems;

/// The members of an object that have not been taken yet, and where it is: `clientAddress.`, or blank.
pub(crate) struct Object<'a> {
    at: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Object<'a> {
    /// Reads an object; `None` after its problem was recorded.
    pub(crate) fn read(json: &'a str, at: &str, problems: &mut Problems) -> Option<Self> {
        match serde_json::from_str(json) {
            Ok(members) => Some(Self {
                at: if at.is_empty() {
                    String::new()
                } else {
                    format!("{at}.")
                },
                members,
            }),
            Err(error) => {
                let text = if error.is_data() {
                    "must be an object".to_owned()
                } else {
                    // Lines are counted from 1 in what was parsed, which begins on the record's.
                    let line = u64::try_from(error.line()).unwrap_or_default();
                    problems.line += line.saturating_sub(1);
                    format!("must be JSON: {error}")
                };
                problems.push(at, "JSON_MALFORMED", text);
                None
            }
        }
    }

    /// The name of the member `name`, from the record on.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.at)
    }

    /// A text; a number is taken as it is written, null and nothing as blank.
    pub(crate) fn text(&mut self, name: &str, problems: &mut Problems) -> String {
        let Some(value) = self.members.remove(name) else {
            return String::new();
        };
        match value.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(value.get()).unwrap_or_default(),
            Some(b'-' | b'0'..=b'9') => value.get().to_owned(),
            Some(b'n') | None => String::new(),
            Some(_) => {
                problems.push(self.name(name), "TYPE", "must be a text");
                String::new()
            }
        }
    }

    /// A decimal, from a number or a text; null and nothing are blank.
    pub(crate) fn decimal(&mut self, name: &str, problems: &mut Problems) -> String {
        let Some(value) = self.members.remove(name) else {
            return String::new();
        };
        match value.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => {
                // One that is too long is refused where decimals are judged.
                plain_decimal(value.get()).unwrap_or_else(|| value.get().to_owned())
            }
            Some(b'"') => {
                let text: String = serde_json::from_str(value.get()).unwrap_or_default();
                text.trim().to_owned()
            }
            Some(b'n') | None => String::new(),
            Some(_) => {
                problems.push(self.name(name), "TYPE", "must be a number");
                String::new()
            }
        }
    }

    /// An object; null and nothing are one without members.
    pub(crate) fn object(&mut self, name: &str, problems: &mut Problems) -> Self {
        let at = self.name(name);
        let empty = || Self {
            at: format!("{at}."),
            members: BTreeMap::new(),
        };
        match self.members.remove(name) {
            Some(value) if value.get() != "null" => {
                Self::read(value.get(), &at, problems).unwrap_or_else(empty)
            }
            Some(_) | None => empty(),
        }
    }

    /// The objects of an array; null and nothing are none.
    pub(crate) fn objects(&mut self, name: &str, problems: &mut Problems) -> Vec<Self> {
        let at = self.name(name);
        let Some(value) = self.members.remove(name).filter(|value| value.get() != "null") else {
            return Vec::new();
        };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            problems.push(at, "TYPE", "must be an array");
            return Vec::new();
        };
        let items = items.into_iter().enumerate();
        items
            .filter_map(|(position, item)| Self::read(item.get(), &format!("{at}[{position}]"), problems))
            .collect()
    }

    /// The names of what was not taken.
    pub(crate) fn rest(self) -> impl Iterator<Item = String> {
        let at = self.at;
        self.members.into_keys().map(move |name| format!("{at}{name}"))
    }
}
