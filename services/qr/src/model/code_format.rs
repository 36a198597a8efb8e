//! The format of a code: `QR-20261122-` and 80 random bits in Crockford's base32.

use contracts::{qr::SCANNED_CHARS_MAX, time::BusinessDay};

/// 80 bits: to guess one of a million valid codes takes 2^60 scans.
pub(crate) const SECRET_BYTES: usize = 10;
/// Five bits in each character.
const SECRET_CHARS: usize = 16;
/// `YYYYMMDD`.
const DAY_CHARS: usize = 8;
const PREFIX: &str = "QR-";
/// Crockford's base32 has no I, L, O or U, because people confuse them with other characters.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code of this day with this secret.
pub(crate) fn format_code(day: BusinessDay, secret: [u8; SECRET_BYTES]) -> String {
    let bits = secret.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let secret = (0..SECRET_CHARS).rev().map(|place| {
        let five_bits = (bits >> (place * 5)) as usize & 31;
        char::from(ALPHABET[five_bits])
    });
    format!("{PREFIX}{}-{}", day.compact(), secret.collect::<String>())
}

/// The code that was scanned or typed, as it was issued. `None`: it is not a code of this format.
///
/// Accepts white space around it, lower case, and the letters that Crockford's alphabet leaves out (O for 0, I and L
/// for 1).
pub(crate) fn parse_code(scanned: &str) -> Option<String> {
    if scanned.len() > SCANNED_CHARS_MAX {
        return None;
    }
    let upper = scanned.trim().to_ascii_uppercase();
    let (day, secret) = upper.strip_prefix(PREFIX)?.split_once('-')?;
    let day: String = day.chars().map(without_confusion).collect();
    let secret: String = secret.chars().map(without_confusion).collect();
    let is_day = day.len() == DAY_CHARS && day.bytes().all(|byte| byte.is_ascii_digit());
    let is_secret = secret.len() == SECRET_CHARS && secret.bytes().all(|byte| ALPHABET.contains(&byte));
    (is_day && is_secret).then(|| format!("{PREFIX}{day}-{secret}"))
}

fn without_confusion(letter: char) -> char {
    match letter {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> BusinessDay {
        "2026-11-22".parse().unwrap()
    }

    #[test]
    fn a_code_names_its_day_and_holds_eighty_bits() {
        assert_eq!(format_code(day(), [0; 10]), "QR-20261122-0000000000000000");
        assert_eq!(format_code(day(), [0xff; 10]), "QR-20261122-ZZZZZZZZZZZZZZZZ");
        assert_eq!(format_code(day(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "QR-20261122-0000000000000001");
        assert_eq!(format_code(day(), [0b0000_1000, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "QR-20261122-1000000000000000");
    }

    #[test]
    fn every_code_is_parsed_as_it_was_formatted() {
        for byte in 0..=u8::MAX {
            let code = format_code(day(), [byte; 10]);
            assert_eq!(parse_code(&code), Some(code));
        }
    }

    #[test]
    fn a_scanner_may_add_line_ends_and_a_person_may_confuse_letters() {
        let code = Some("QR-20261122-01AB1CDE0FGH1JKM".to_owned());
        assert_eq!(parse_code("QR-20261122-01AB1CDE0FGH1JKM\r\n"), code);
        assert_eq!(parse_code("  \tQR-20261122-01AB1CDE0FGH1JKM\r"), code);
        assert_eq!(parse_code("qr-20261122-oiablcdeofghljkm"), code);
        assert_eq!(parse_code("QR-2O26LI22-01AB1CDE0FGH1JKM"), code);
    }

    #[test]
    fn any_other_text_is_not_a_code() {
        for other in [
            "",
            "QR-",
            "QR-20241213-ABC",
            "https://example.com/menu",
            "QR-20261122-01AB1CDE0FGH1JK",
            "QR-20261122-01AB1CDE0FGH1JKMM",
            "QR-20261122-01AB1CDE0FGH1JKU",
            "QR-2026112A-01AB1CDE0FGH1JKM",
            "QR-20261122-01AB1CDE0FGH1JK\u{e9}",
        ] {
            assert_eq!(parse_code(other), None, "{other:?}");
        }
        assert_eq!(parse_code(&"Q".repeat(SCANNED_CHARS_MAX + 1)), None);
    }
}
