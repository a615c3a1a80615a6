//! Numbers of JSON as plain decimals, digit by digit: they are never a float.

/// A larger exponent belongs to no quantity and no price; writing it out would only take memory.
const MOST_DIGITS: usize = 40;

/// The JSON number `token` without an exponent; `None` when it is no number, or has more digits than any amount.
pub(crate) fn plain_decimal(token: &str) -> Option<String> {
    let (sign, unsigned) = match token.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", token),
    };
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !is_digits(integer) || !is_digits(fraction) {
        return None;
    }
    let shift = usize::try_from(exponent.unsigned_abs()).ok()?;
    if digits.len() > MOST_DIGITS || shift > MOST_DIGITS {
        return None;
    }
    let (integer, fraction) = if exponent >= 0 {
        let padded = format!("{fraction:0<shift$}");
        let (moved, rest) = padded.split_at(shift);
        (format!("{integer}{moved}"), rest.to_owned())
    } else {
        let padded = format!("{integer:0>width$}", width = shift + 1);
        let (rest, moved) = padded.split_at(padded.len() - shift);
        (rest.to_owned(), format!("{moved}{fraction}"))
    };
    let integer = match integer.trim_start_matches('0') {
        "" => "0",
        integer => integer,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{integer}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::plain_decimal;

    #[test]
    fn a_number_keeps_its_digits_and_loses_its_exponent() {
        for (token, plain) in [
            ("1800.90", "1800.90"),
            ("0.1", "0.1"),
            ("-0.50", "-0.50"),
            ("156.10000000000002", "156.10000000000002"),
            ("1e3", "1000"),
            ("1.5E+3", "1500"),
            ("1.2345e2", "123.45"),
            ("15e-1", "1.5"),
            ("5e-3", "0.005"),
            ("12.5e-1", "1.25"),
            ("0", "0"),
            ("0e5", "0"),
        ] {
            assert_eq!(plain_decimal(token).as_deref(), Some(plain), "{token}");
        }
        for token in [
            "",
            "-",
            "1e",
            "1e99",
            "e5",
            "1.2.3",
            "0x1",
            "NaN",
            "1e-2147483648",
        ] {
            assert_eq!(plain_decimal(token), None, "{token}");
        }
    }
}
