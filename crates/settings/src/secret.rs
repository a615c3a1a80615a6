use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::str::FromStr;

use crate::Mistakes;

/// No secret is longer, in bytes. What is longer is another file.
const MAX_BYTES: u64 = 16 * 1024;

/// A setting that may hold a password, such as a store URL: neither its Debug nor its Display shows it. On a clap
/// argument that has a variable say `hide_env_values = true`, or `--help` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for SecretText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The secret that `flag` gives as text, or `FLAG-file` as the path of a file that holds it; `None` when neither does. One
/// line end at the end of the file is not part of it.
///
/// Both at once, and a file that cannot be read or holds no secret, are mistakes; none shows what the file holds.
pub fn secret_from(
    flag: &str,
    text: Option<&SecretText>,
    file: Option<&Path>,
    mistakes: &mut Mistakes,
) -> Option<SecretText> {
    let file_flag = format!("{flag}-file");
    match (text, file) {
        (None, None) => None,
        (Some(text), None) => Some(text.clone()),
        (None, Some(path)) => match read(path) {
            Ok(secret) => Some(secret),
            Err(error) => {
                mistakes.push(&file_flag, format_args!("cannot use {}: {error}", path.display()));
                None
            }
        },
        (Some(_), Some(_)) => {
            mistakes.push(
                &file_flag,
                format_args!("is given beside {flag}; give one of them"),
            );
            None
        }
    }
}

fn read(path: &Path) -> io::Result<SecretText> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_BYTES) {
        return Err(io::Error::other("it is too long"));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.trim().is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(SecretText(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "mongodb://ada:s3cret@host/books";

    fn from(text: Option<&str>, file: Option<&Path>) -> Result<Option<SecretText>, String> {
        let mut mistakes = Mistakes::new();
        let text = text.map(|text| SecretText::from(text.to_owned()));
        let secret = secret_from("--store-url", text.as_ref(), file, &mut mistakes);
        mistakes
            .unless_any(Some(secret))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_given_but_never_shown() {
        let secret: SecretText = URL.parse().unwrap();
        assert_eq!(secret.expose(), URL);
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    }

    #[test]
    fn a_secret_is_text_or_the_content_of_a_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        for content in [URL.to_owned(), format!("{URL}\n"), format!("{URL}\r\n")] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(from(None, Some(&file)), Ok(Some(SecretText(URL.to_owned()))));
        }
        assert_eq!(from(Some(URL), None), Ok(Some(SecretText(URL.to_owned()))));
        assert_eq!(from(None, None), Ok(None));
    }

    #[test]
    fn a_file_beside_the_text_and_a_file_that_holds_no_secret_are_mistakes_that_show_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let refused = |text| from(text, Some(&file)).unwrap_err();
        let shown = file.display().to_string();

        let absent = refused(None);
        assert!(
            absent.starts_with("--store-url-file: ") && absent.contains(&shown),
            "{absent}"
        );
        let secret = b"s3cret".as_slice();
        for content in [
            b"".as_slice(),
            b" \n",
            &[secret, &[0xff]].concat(),
            &secret.repeat(usize::try_from(MAX_BYTES).unwrap()),
        ] {
            std::fs::write(&file, content).unwrap();
            let refused = refused(None);
            assert!(
                refused.contains(&shown) && !refused.contains("s3cret"),
                "{refused}"
            );
        }
        std::fs::write(&file, URL).unwrap();
        let both = refused(Some(URL));
        assert!(
            both.contains("give one of them") && !both.contains("s3cret"),
            "{both}"
        );
        assert!(from(None, Some(folder.path())).is_err());
    }
}
