use std::path::Path;

/// What a file of invoices looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One invoice per line, in the JSON of the API (proto3 JSON).
    Jsonl,
    /// RFC 4180: one row per line of an invoice, under a row of column names.
    Csv,
    /// The JSON of browser invoice apps: an array of invoices, or one after the other.
    Express,
}

/// What invoices can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// One invoice per line, in the JSON of the API (proto3 JSON). Loses nothing.
    Jsonl,
    /// RFC 4180: one row per line of an invoice, under a row of column names, for spreadsheets.
    Csv,
}

impl Format {
    /// The format that the name of a file stands for: `.jsonl` and `.ndjson`, `.csv`, and `.json` for the array of
    /// browser invoice apps. In any case of letters.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Express),
            _ => None,
        }
    }

    /// The name that the file has for the field at `path`, which the API calls `invoice.lines[1].unit_price`.
    pub fn name_of(self, path: &str) -> String {
        let path = path.strip_prefix("invoice.").unwrap_or(path);
        match self {
            Self::Jsonl => camel_case(path),
            Self::Csv => without_positions(path),
            Self::Express => crate::express::name_of(path),
        }
    }
}

/// `unit_price` as proto3 JSON has it: `unitPrice`. What is quoted is a key, and stays.
fn camel_case(path: &str) -> String {
    let (mut name, mut raise, mut quoted) = (String::with_capacity(path.len()), false, false);
    for character in path.chars() {
        quoted ^= character == '"';
        if character == '_' && !quoted {
            raise = true;
        } else if std::mem::take(&mut raise) {
            name.extend(character.to_uppercase());
        } else {
            name.push(character);
        }
    }
    name
}

/// The column of a field of a line; which line it is, the row tells.
fn without_positions(path: &str) -> String {
    let rest = path.strip_prefix("lines[").and_then(|rest| rest.split_once(']'));
    match rest {
        Some((_, rest)) => format!("lines{rest}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        for (name, format) in [
            ("a.jsonl", Some(Format::Jsonl)),
            ("a.NDJSON", Some(Format::Jsonl)),
            ("dir.json/a.csv", Some(Format::Csv)),
            ("a.json", Some(Format::Express)),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn a_field_is_called_what_the_file_calls_it() {
        let price = "invoice.lines[1].unit_price";
        assert_eq!(Format::Jsonl.name_of(price), "lines[1].unitPrice");
        assert_eq!(Format::Csv.name_of(price), "lines.unit_price");
        assert_eq!(Format::Express.name_of(price), "items[1].price");
        assert_eq!(
            Format::Jsonl.name_of("invoice.metadata[\"a_b\"]"),
            "metadata[\"a_b\"]"
        );
        assert_eq!(
            Format::Csv.name_of("invoice.buyer.address.country_code"),
            "buyer.address.country_code"
        );
    }
}
