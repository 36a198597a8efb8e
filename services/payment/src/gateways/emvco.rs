//! The EMVCo merchant-presented payload in a QRIS code: fields of tag, length and value, and a CRC at the end.
//!
//! Pure text. Real gateways answer a payload of their own; this one is what a merchant can make alone, for the mock
//! gateway and tests.

use contracts::money::Money;
use deunicode::deunicode_with_tofu;

/// The merchant category of eating places (ISO 18245).
const MERCHANT_CATEGORY: &str = "5812";
/// The rupiah's number (ISO 4217); QRIS knows no other currency.
const CURRENCY_RUPIAH: &str = "360";
/// The longest merchant name, tag 59.
const NAME_CHARS_MAX: usize = 25;
/// The longest city, tag 60.
const CITY_CHARS_MAX: usize = 15;
/// The longest bill number, in tag 62.
const BILL_CHARS_MAX: usize = 25;
/// The longest value of any field: its length has two digits.
const VALUE_CHARS_MAX: usize = 99;
/// Where Unicode's letterlike symbols, arrows and pictures begin, behind its letters and punctuation of Europe.
const FIRST_SYMBOL: char = '\u{2100}';

/// Who is paid, in the characters that the payload can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    name: String,
    city: String,
}

impl Merchant {
    /// The merchant of a shop's name and address. The address ends with the city, perhaps with a postcode.
    pub(crate) fn of(name: &str, address: &str) -> Self {
        let last_line = address.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let city: String = last_line.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        Self { name: printable(name, NAME_CHARS_MAX, "SHOP"), city: printable(&city, CITY_CHARS_MAX, "INDONESIA") }
    }
}

/// The payload of a dynamic QR code: it asks the guest to pay `amount` to `merchant` for the bill `bill_number`.
pub(crate) fn dynamic_payload(merchant: &Merchant, amount: Money, bill_number: &str) -> String {
    let acquirer = [("00", "ID.CO.EXAMPLE.WWW"), ("01", "936000000000000000"), ("02", "000000000"), ("03", "UME")];
    let national = [("00", "ID.CO.QRIS.WWW"), ("02", "ID1000000000000"), ("03", "UME")];
    let bill = printable(bill_number, BILL_CHARS_MAX, "0");
    let mut payload = fields(&[
        ("00", "01"),
        ("01", "12"),
        ("26", &fields(&acquirer)),
        ("51", &fields(&national)),
        ("52", MERCHANT_CATEGORY),
        ("53", CURRENCY_RUPIAH),
        ("54", &amount.amount().to_string()),
        ("58", "ID"),
        ("59", &merchant.name),
        ("60", &merchant.city),
        ("62", &fields(&[("01", &bill)])),
    ]);
    payload.push_str("6304");
    let crc = crc16(payload.as_bytes());
    payload.push_str(&format!("{crc:04X}"));
    payload
}

fn fields(tags_and_values: &[(&str, &str)]) -> String {
    tags_and_values.iter().map(|(tag, value)| field(tag, value)).collect()
}

fn field(tag: &str, value: &str) -> String {
    debug_assert!(value.is_ascii() && value.len() <= VALUE_CHARS_MAX, "{value}");
    format!("{tag}{:02}{value}", value.len())
}

/// `text` in ASCII, single-spaced and cut to `chars_max`; `fallback` if nothing can be written in ASCII. Letters are
/// transliterated ("Café Über" is "Cafe Uber"); emoji and other symbols are left out.
fn printable(text: &str, chars_max: usize, fallback: &str) -> String {
    let spaced = text.replace(|letter: char| letter.is_whitespace() || letter.is_control(), " ");
    let is_text = |letter: &char| letter.is_alphanumeric() || *letter < FIRST_SYMBOL;
    let letters: String = spaced.chars().filter(is_text).collect();
    let ascii = deunicode_with_tofu(&letters, "");
    let spaced = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = spaced[..spaced.len().min(chars_max)].trim_end();
    if short.is_empty() { fallback.to_owned() } else { short.to_owned() }
}

/// The QRIS CRC: CRC-16/CCITT-FALSE, polynomial 0x1021, initially 0xFFFF, not reflected, no final XOR.
fn crc16(bytes: &[u8]) -> u16 {
    let shifted = |crc: u16| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
    bytes.iter().fold(0xFFFF, |crc, byte| (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| shifted(crc)))
}

#[cfg(test)]
pub(crate) mod tests {
    use contracts::money::Currency;
    use proptest::prelude::*;

    use super::*;

    /// The fields of a payload whose CRC is right, as a bank's app reads it.
    pub(crate) fn read(payload: &str) -> Option<Vec<(String, String)>> {
        let covered = payload.get(..payload.len().checked_sub(4)?)?;
        let is_whole = format!("{:04X}", crc16(covered.as_bytes())) == payload[covered.len()..];
        is_whole.then(|| tags(payload))?
    }

    fn tags(mut payload: &str) -> Option<Vec<(String, String)>> {
        let mut tags = Vec::new();
        while !payload.is_empty() {
            let length: usize = payload.get(2..4)?.parse().ok()?;
            tags.push((payload.get(..2)?.to_owned(), payload.get(4..4 + length)?.to_owned()));
            payload = &payload[4 + length..];
        }
        Some(tags)
    }

    pub(crate) fn value<'a>(tags: &'a [(String, String)], tag: &str) -> &'a str {
        &tags.iter().find(|(known, _)| known == tag).unwrap().1
    }

    #[test]
    fn the_crc_is_the_one_that_every_bank_computes() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn a_payload_from_a_real_shop_can_be_read() {
        let payload = "00020101021226610016ID.CO.SHOPEE.WWW01189360091800216005230208216005230303UME\
                       51440014ID.CO.QRIS.WWW0215ID10243228429300303UME5204792953033605409100003.00\
                       5802ID5907Pakasir6012KAB. KEBUMEN61055439262230519SP25RZRATEQI2HQ65Q46304A079";
        let tags = read(payload).unwrap();
        assert_eq!(value(&tags, "59"), "Pakasir");
        assert_eq!(value(&tags, "54"), "100003.00");
        assert!(read(&payload.replace("100003.00", "100004.00")).is_none(), "a changed amount breaks the CRC");
    }

    #[test]
    fn the_qr_code_asks_for_the_orders_amount_under_the_orders_number() {
        let merchant = Merchant::of("Kopi Senja", "Jl. Braga 12\nBandung 40111\n");
        let payload = dynamic_payload(&merchant, Money::new(25_000, Currency::IDR), "A-0042");
        let tags = read(&payload).unwrap();
        let order: Vec<_> = tags.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(order, ["00", "01", "26", "51", "52", "53", "54", "58", "59", "60", "62", "63"]);
        assert_eq!(value(&tags, "01"), "12");
        assert_eq!(value(&tags, "53"), "360");
        assert_eq!(value(&tags, "54"), "25000");
        assert_eq!(value(&tags, "59"), "Kopi Senja");
        assert_eq!(value(&tags, "60"), "Bandung");
        assert_eq!(value(&tags, "62"), "0106A-0042");
    }

    #[test]
    fn a_shop_name_is_cut_to_what_a_bank_can_print() {
        let merchant = Merchant::of("Kafé ☕ Sangat Panjang Sekali Namanya", "");
        assert_eq!(merchant, Merchant { name: "Kafe Sangat Panjang Sekal".into(), city: "INDONESIA".into() });
        assert_eq!(Merchant::of("☕☕", "").name, "SHOP");
    }

    #[test]
    fn accents_and_other_scripts_are_transliterated() {
        let name = |text: &str| Merchant::of(text, "").name;
        assert_eq!(name("Café Über"), "Cafe Uber");
        assert_eq!(name("Cafe\u{301} U\u{308}ber"), "Cafe Uber", "as some keyboards write it");
        assert_eq!(name("Kopi\u{2019}s \u{201c}Ruang\u{201d}"), "Kopi's \"Ruang\"");
        assert_eq!(name("Straße\nÆrø"), "Strasse AEro");
        assert_eq!(name("Кофейня"), "Kofeinia");
        assert_eq!(Merchant::of("Kopi", "Jl. Raya 1\nMünchen 80331").city, "Munchen");
        assert_ne!(name("珈琲"), "SHOP");
    }

    proptest! {
        #[test]
        fn the_payload_of_every_shop_and_amount_can_be_read(
            name in ".{0,60}", address in "(?s).{0,60}", amount in 1_i64..1_000_000_000_000, bill in ".{0,40}",
        ) {
            let payload = dynamic_payload(&Merchant::of(&name, &address), Money::new(amount, Currency::IDR), &bill);
            let tags = read(&payload).unwrap();
            prop_assert_eq!(value(&tags, "54"), amount.to_string());
            prop_assert!(value(&tags, "59").len() <= NAME_CHARS_MAX && value(&tags, "60").len() <= CITY_CHARS_MAX);
        }
    }
}
