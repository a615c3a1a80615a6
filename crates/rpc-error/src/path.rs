use std::fmt;

/// The path of a field in a request, as `FieldViolation.field` writes it: `invoice.lines[1].quantity`.
/// Positions count from 0, as in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldPath(String);

impl FieldPath {
    /// The request itself; its text is empty.
    pub fn root() -> Self {
        Self::default()
    }

    /// A top-level field of the request.
    pub fn new(field: &str) -> Self {
        Self(field.to_owned())
    }

    /// The field `name` of the message at this path.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self::new(name)
        } else {
            Self(format!("{}.{name}", self.0))
        }
    }

    /// The element at `position` of the repeated field at this path.
    #[must_use]
    pub fn index(&self, position: usize) -> Self {
        Self(format!("{}[{position}]", self.0))
    }

    /// The value under `key` of the map at this path: `invoice.metadata["order"]`. A key is the caller's own text,
    /// so it is quoted, escaped, and cut after 60 characters.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let key: String = key.chars().take(60).collect();
        Self(format!("{}[{key:?}]", self.0))
    }

    /// The path's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    #[test]
    fn a_path_reads_as_json_would_address_it() {
        let path = FieldPath::root()
            .field("invoice")
            .field("lines")
            .index(1)
            .field("quantity");
        assert_eq!(path.as_str(), "invoice.lines[1].quantity");
    }

    #[test]
    fn a_map_key_is_quoted_so_that_it_cannot_pose_as_a_path() {
        assert_eq!(
            FieldPath::new("metadata").key("a].b\"").as_str(),
            r#"metadata["a].b\""]"#
        );
    }
}
