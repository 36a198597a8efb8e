//! What makes two requests with one Idempotency-Key the same: the path, and the meaning of the JSON.
//!
//! A client may write the same body in another way: other whitespace, other order of fields, `1.0` instead of `1`,
//! `\u0041` instead of `A`. So the hash is of a canonical form. Numbers are compared by their text and never as floats,
//! because two amounts of money may be one float.

use std::{borrow::Cow, ops::Range};

use sha2::{Digest, Sha256};

/// As deep as serde_json reads typed values.
const DEPTH_MAX: usize = 128;

/// The body is nested deeper than any request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is nested more than {DEPTH_MAX} levels deep")]
pub(super) struct TooDeep;

/// The hash of `path` and of the meaning of `json`, which was parsed before, in hexadecimal.
pub(super) fn fingerprint(path: &str, json: &[u8]) -> Result<String, TooDeep> {
    let canonical = canonical(json)?;
    Ok(sha256_hex([path.as_bytes(), &[0], &canonical].concat()))
}

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(bytes);
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let mut hex = String::with_capacity(64);
    hex.extend(halves.filter_map(|half| char::from_digit(half.into(), 16)));
    hex
}

/// `json` without whitespace, with the fields of each object sorted by name, each text and number in one form.
fn canonical(json: &[u8]) -> Result<Vec<u8>, TooDeep> {
    let mut canonicalizer = Canonicalizer { json, position: 0, depth: 0, written: Vec::with_capacity(json.len()) };
    canonicalizer.value()?;
    Ok(canonicalizer.written)
}

/// Reads valid JSON once, from left to right.
struct Canonicalizer<'a> {
    json: &'a [u8],
    position: usize,
    depth: usize,
    written: Vec<u8>,
}

impl<'a> Canonicalizer<'a> {
    fn value(&mut self) -> Result<(), TooDeep> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => {
                self.string();
                Ok(())
            }
            _ => {
                self.literal();
                Ok(())
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<(), TooDeep>) -> Result<(), TooDeep> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(TooDeep);
        }
        self.position += 1;
        read(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self) -> Result<(), TooDeep> {
        self.written.push(b'[');
        while let Some(byte) = self.peek() {
            match byte {
                b']' => break,
                b',' => {
                    self.position += 1;
                    self.written.push(b',');
                }
                _ => self.value()?,
            }
        }
        self.position += 1;
        self.written.push(b']');
        Ok(())
    }

    fn object(&mut self) -> Result<(), TooDeep> {
        self.written.push(b'{');
        let start = self.written.len();
        let mut fields: Vec<Field> = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => break,
                b',' => self.position += 1,
                _ => fields.push(self.field()?),
            }
        }
        self.position += 1;
        self.sort(start, &mut fields);
        self.written.push(b'}');
        Ok(())
    }

    fn field(&mut self) -> Result<Field, TooDeep> {
        let start = self.written.len();
        self.string();
        let name = start..self.written.len();
        if self.peek() == Some(b':') {
            self.position += 1;
        }
        self.written.push(b':');
        self.value()?;
        self.written.push(b',');
        Ok(Field { name, whole: start..self.written.len() })
    }

    /// Puts the fields written since `start` in the order of their names. Most clients send them in one order, but not
    /// in this one.
    fn sort(&mut self, start: usize, fields: &mut [Field]) {
        let written = &self.written;
        fields.sort_by(|one, other| written[one.name.clone()].cmp(&written[other.name.clone()]));
        let sorted: Vec<u8> = fields.iter().flat_map(|field| &written[field.whole.clone()]).copied().collect();
        self.written.truncate(start);
        self.written.extend_from_slice(&sorted);
    }

    fn string(&mut self) {
        let json = self.json;
        let start = self.position;
        self.position += 1;
        let mut has_escape = false;
        while let Some(byte) = json.get(self.position) {
            self.position += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    has_escape = true;
                    self.position += 1;
                }
                _ => {}
            }
        }
        let text = &json[start..self.position.min(json.len())];
        let canonical = if has_escape { unescaped(text) } else { Cow::Borrowed(text) };
        self.written.extend_from_slice(&canonical);
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) {
        let rest = &self.json[self.position.min(self.json.len())..];
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':') || byte.is_ascii_whitespace();
        // At least one byte, so that the end is reached whatever the text is.
        let length = rest.iter().position(is_end).unwrap_or(rest.len()).max(1).min(rest.len());
        let text = &rest[..length];
        self.position += length.max(1);
        match Decimal::parse(text) {
            Some(number) => number.write(&mut self.written),
            None => self.written.extend_from_slice(text),
        }
    }

    /// The next byte that is not whitespace.
    fn peek(&mut self) -> Option<u8> {
        while self.json.get(self.position).is_some_and(u8::is_ascii_whitespace) {
            self.position += 1;
        }
        self.json.get(self.position).copied()
    }
}

/// The position of a field in the output.
struct Field {
    name: Range<usize>,
    whole: Range<usize>,
}

/// The text with one spelling of each escape.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    let parsed = serde_json::from_slice::<String>(text).and_then(|text| serde_json::to_vec(&text));
    parsed.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// `digits` times ten to the power of `exponent`; `digits` neither begins nor ends with 0.
struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// `None` if the text is no number.
    fn parse(text: &[u8]) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
        let mantissa_end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let mantissa = &text[..mantissa_end];
        let mut exponent: i64 = match text.get(mantissa_end + 1..) {
            Some(exponent) => std::str::from_utf8(exponent).ok()?.parse().ok()?,
            None => 0,
        };
        if !mantissa.first()?.is_ascii_digit() {
            return None;
        }
        if let Some(point) = mantissa.iter().position(|byte| *byte == b'.') {
            exponent = exponent.checked_sub(i64::try_from(mantissa.len() - point - 1).ok()?)?;
        }
        let mut digits: Vec<u8> = mantissa.iter().copied().filter(|byte| *byte != b'.').collect();
        let leading_zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading_zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        let is_zero = digits.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, digits, exponent: if is_zero { 0 } else { exponent } })
    }

    fn write(&self, written: &mut Vec<u8>) {
        if self.is_negative {
            written.push(b'-');
        }
        written.extend_from_slice(&self.digits);
        written.push(b'e');
        written.extend_from_slice(self.exponent.to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(fingerprint("/", one.as_bytes()), fingerprint("/", other.as_bytes()), "{one} {other}");
    }

    #[track_caller]
    fn different(one: &str, other: &str) {
        assert_ne!(fingerprint("/", one.as_bytes()), fingerprint("/", other.as_bytes()), "{one} {other}");
    }

    #[test]
    fn the_order_of_fields_and_whitespace_do_not_matter() {
        same(r#"{"a":1,"b":[{"x":1,"y":null}]}"#, " { \"b\" : [ {\"y\":null,\t\"x\":1} ] ,\n\"a\": 1 } ");
        same(r#"{"\u0061":"\u0041\/"}"#, r#"{"a":"A/"}"#);
        same("[]", " [ ] ");
        same("{}", "{ }");
    }

    #[test]
    fn what_means_something_else_differs() {
        different(r#"{"a":1}"#, r#"{"a":2}"#);
        different("[1,2]", "[2,1]");
        different("[12]", "[1,2]");
        different(r#"{"a":"1"}"#, r#"{"a":1}"#);
        different(r#"{"a":null}"#, "{}");
        different(r#"{"a":"b,\"c\":1"}"#, r#"{"a":"b","c":1}"#);
        different("true", "false");
        different(r#"["a b"]"#, r#"["ab"]"#);
    }

    #[test]
    fn numbers_are_compared_by_value_and_never_as_floats() {
        for (one, other) in [("1", "1.0"), ("25000", "2.5e4"), ("0.10", "1E-1"), ("0", "-0.00"), ("1e+2", "100")] {
            same(one, other);
        }
        different("90071992547409.92", "90071992547409.93");
        different("1", "-1");
        different("10", "1");
    }

    #[test]
    fn a_body_nested_too_deep_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(fingerprint("/", nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(fingerprint("/", nested(DEPTH_MAX + 1).as_bytes()), Err(TooDeep));
        assert_eq!(fingerprint("/", nested(100_000).as_bytes()), Err(TooDeep));
    }

    #[test]
    fn another_path_is_another_request() {
        assert_ne!(fingerprint("/a", b"{}"), fingerprint("/b", b"{}"));
    }
}
