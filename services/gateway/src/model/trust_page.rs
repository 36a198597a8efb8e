//! The page that explains how a device learns to trust the shop's own authority. It has no script.

use std::net::IpAddr;

use contracts::time::BusinessDay;
use qrcode::{Color, EcLevel, QrCode};

use super::{
    start_page::day_in_words,
    template::{PageContext, escaped, filled},
};

const PAGE: &str = include_str!("../../pages/trust.html");
/// Where the page is on every port.
pub(crate) const TRUST_PATH: &str = "/trust";
/// The light border of a QR code, in modules (ISO 18004).
const QUIET_ZONE: usize = 4;
/// How much of a shop's name is in the name of the file.
const FILE_NAME_CHARS_MAX: usize = 40;
/// How many bytes of the fingerprint stand together: two such groups are compared at a glance.
const BYTES_IN_GROUP: usize = 4;

/// What the page shows.
pub(crate) struct TrustPage<'a> {
    pub(crate) context: PageContext<'a>,
    pub(crate) addresses: &'a ShopAddresses,
    pub(crate) authority: AuthorityView<'a>,
}

/// The authority as devices show it.
pub(crate) struct AuthorityView<'a> {
    /// Its name in a device's list.
    pub(crate) name: &'a str,
    /// `4F:21:9A:…`, 32 bytes.
    pub(crate) fingerprint: &'a str,
    /// The day of its end.
    pub(crate) valid_until: BusinessDay,
}

/// The addresses under which other machines reach the shop, without a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShopAddresses {
    /// Such as `http://192.168.1.20:8080`.
    pub(crate) plain: String,
    /// Such as `https://192.168.1.20:8443`.
    pub(crate) https: String,
}

impl ShopAddresses {
    /// The host that the browser `asked`. On the machine itself it is the loopback, which no other machine can use: then
    /// the address `on_network`.
    pub(crate) fn of(asked: &str, on_network: Option<IpAddr>, https_port: u16) -> Self {
        let (host, port) = match asked.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => (host, port.parse().ok()),
            Some(_) | None => (asked, None),
        };
        let host = match on_network {
            Some(IpAddr::V4(v4)) if is_loopback(host) => v4.to_string(),
            Some(IpAddr::V6(v6)) if is_loopback(host) => format!("[{v6}]"),
            Some(_) | None => host.to_owned(),
        };
        let with_port = |port: u16, usual: u16| if port == usual { host.clone() } else { format!("{host}:{port}") };
        Self {
            plain: format!("http://{}", with_port(port.unwrap_or(80), 80)),
            https: format!("https://{}", with_port(https_port, 443)),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || literal.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The name of the downloaded file: `kopi-pagi.crt`.
pub(crate) fn file_name(shop: &str) -> String {
    let ascii = deunicode::deunicode(shop).to_ascii_lowercase();
    let words = ascii.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(FILE_NAME_CHARS_MAX).collect();
    format!("{}.crt", if name.is_empty() { "shop" } else { name.trim_end_matches('-') })
}

impl TrustPage<'_> {
    /// The page as HTML.
    pub(crate) fn html(&self) -> String {
        filled(PAGE, |name| self.value(name))
    }

    fn value(&self, name: &str) -> String {
        match name {
            "language_links" => self.context.language_links(TRUST_PATH, ""),
            "plain_address" => escaped(&self.addresses.plain),
            "https_address" => escaped(&self.addresses.https),
            "page_qr" => self.qr(&format!("{}{TRUST_PATH}", self.addresses.plain), "trust.page_qr"),
            "https_qr" => self.qr(&self.addresses.https, "trust.https_qr"),
            "fingerprint" => self.fingerprint(),
            "trust.fingerprint" | "trust.until" => self.marked_up(name),
            "android_steps" => self.steps("android"),
            "ios_steps" => self.steps("ios"),
            "windows_steps" => self.steps("windows"),
            _ => self.context.value(name),
        }
    }

    fn steps(&self, device: &str) -> String {
        let names = (1..).map(|step| format!("trust.{device}.{step}"));
        let known = names.take_while(|name| self.context.language.texts().contains_key(name));
        known.map(|name| format!("<li><span>{}</span></li>", self.marked_up(&name))).collect()
    }

    /// A text with its facts; `*words*` are bold and `` `words` `` code.
    fn marked_up(&self, name: &str) -> String {
        let text = self.context.text(name);
        let html = between(&between(&text, '*', "b"), '`', "code");
        let until = day_in_words(self.authority.valid_until, self.context.language);
        html.replace("{file}", &file_name(self.context.shop))
            .replace("{authority}", &escaped(self.authority.name))
            .replace("{until}", &escaped(&until))
    }

    fn fingerprint(&self) -> String {
        let bytes: Vec<&str> = self.authority.fingerprint.split(':').collect();
        let groups = bytes.chunks(BYTES_IN_GROUP).map(|group| format!("<span>{}</span>", escaped(&group.join(":"))));
        groups.collect::<Vec<_>>().join(" ")
    }

    /// Nothing for a text that no QR code can hold.
    fn qr(&self, text: &str, label: &str) -> String {
        let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return String::new() };
        let (size, border) = (code.width(), QUIET_ZONE);
        format!(
            "<svg class=\"qr-code\" viewBox=\"-{border} -{border} {side} {side}\" role=\"img\" aria-label=\"{}: {}\" \
             shape-rendering=\"crispEdges\"><path d=\"{}\"/></svg>",
            self.context.text(label),
            escaped(text),
            path(&code.to_colors(), size),
            side = size + 2 * border,
        )
    }
}

/// A rectangle for each run of dark modules in a row.
fn path(modules: &[Color], size: usize) -> String {
    let mut path = String::new();
    for (y, row) in modules.chunks(size).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(PartialEq::eq) {
            if run.first() == Some(&Color::Dark) {
                path.push_str(&format!("M{x} {y}h{width}v1h-{width}z", width = run.len()));
            }
            x += run.len();
        }
    }
    path
}

/// Each second part of what `mark` separates is inside the element.
fn between(text: &str, mark: char, element: &str) -> String {
    let parts = text.split(mark).enumerate().map(|(index, part)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<{element}>{part}</{element}>"),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            language::Language,
            template::{is_strict, names_in},
        },
        *,
    };

    const FINGERPRINT: &str =
        "4F:21:9A:C0:7D:35:E8:16:B2:5C:03:91:DA:6E:47:F8:82:1B:D4:60:39:AE:75:0C:C7:52:EF:18:64:9D:B3:2A";

    fn addresses(asked: &str) -> (String, String) {
        let of = ShopAddresses::of(asked, Some([192, 168, 1, 20].into()), 8443);
        (of.plain, of.https)
    }

    fn page(shop: &str, language: Language) -> String {
        let addresses = ShopAddresses::of("192.168.1.20:8080", None, 8443);
        let authority = AuthorityView {
            name: "Kopi Pagi CA",
            fingerprint: FINGERPRINT,
            valid_until: "2036-11-23".parse().unwrap(),
        };
        let context = PageContext { shop, language, address: None };
        TrustPage { context, addresses: &addresses, authority }.html()
    }

    #[test]
    fn the_addresses_are_those_that_another_machine_can_use() {
        let lan = ("http://192.168.1.20:8080".to_owned(), "https://192.168.1.20:8443".to_owned());
        for asked in ["192.168.1.20:8080", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert_eq!(addresses(asked), lan, "{asked}");
        }
        assert_eq!(addresses("kopi.local"), ("http://kopi.local".to_owned(), "https://kopi.local:8443".to_owned()));
        assert_eq!(addresses("[fd00::5]:8080").1, "https://[fd00::5]:8443");
        let own = ShopAddresses::of("kopi.example:80", None, 443);
        assert_eq!((own.plain.as_str(), own.https.as_str()), ("http://kopi.example", "https://kopi.example"));
    }

    #[test]
    fn the_file_is_named_after_the_shop() {
        assert_eq!(file_name("Kopi Pagi"), "kopi-pagi.crt");
        assert_eq!(file_name("Caf\u{e9} \u{201c}Nol\u{201d} & Co."), "cafe-nol-co.crt");
        assert_eq!(file_name("\"; rm -rf /\r\n"), "rm-rf.crt");
        assert_eq!(file_name(""), "shop.crt");
        assert!(file_name(&"a".repeat(500)).len() < 50);
    }

    #[test]
    fn the_page_shows_the_fingerprint_in_groups_and_the_end_of_the_authority() {
        let english = page("Kopi Pagi", Language::English);
        assert!(english.contains("<span>4F:21:9A:C0</span> <span>7D:35:E8:16</span>"), "{english}");
        assert!(english.contains("23 November 2036") && english.contains("<b>Kopi Pagi CA</b>"), "{english}");
        assert!(english.contains("href=\"https://192.168.1.20:8443\""), "{english}");
        let indonesian = page("Kopi Pagi", Language::Indonesian);
        assert!(
            indonesian.contains("Percayai toko ini") && indonesian.contains("<b>kopi-pagi.crt</b>"),
            "{indonesian}"
        );
        for device in ["android", "ios", "windows"] {
            assert!(Language::ALL.iter().all(|language| language.texts().contains_key(&format!("trust.{device}.4"))));
        }
    }

    #[test]
    fn a_shops_name_is_text_and_never_markup() {
        let html = page("<script>alert('x')</script> *b*", Language::English);
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; *b*") && !html.contains("<script"),
            "{html}"
        );
    }

    #[test]
    fn the_page_runs_nothing_and_has_a_text_for_every_name_in_it() {
        assert!(is_strict(PAGE) && !PAGE.contains("<script"));
        let html = page("Kopi Pagi", Language::English);
        assert!(!html.contains("{{") && !html.contains("{file}") && !html.contains("></b>"), "{html}");
        for name in names_in(PAGE) {
            let facts = [
                "plain_address",
                "https_address",
                "page_qr",
                "https_qr",
                "fingerprint",
                "language_links",
                "brand_mark",
                "lang",
                "shop",
            ];
            let is_steps = name.ends_with("_steps");
            assert!(facts.contains(&name) || is_steps || Language::English.texts().contains_key(name), "{name}");
        }
    }

    #[test]
    fn each_dark_run_of_a_qr_code_is_one_rectangle() {
        use Color::{Dark, Light};
        assert_eq!(
            path(&[Dark, Dark, Light, Light, Light, Dark, Dark, Light, Dark], 3),
            "M0 0h2v1h-2zM2 1h1v1h-1zM0 2h1v1h-1zM2 2h1v1h-1z"
        );
    }
}
