//! The page on which a device is paired. Its script fills it; every text is in the page, so that the script has none.

use contracts::device::{DEVICE_NAME_CHARS_MAX, DeviceKind};

use super::{
    door::Door,
    pairing::PairingCode,
    template::{PageContext, filled},
};

const PAGE: &str = include_str!("../../pages/pair.html");

/// What the page shows.
pub(crate) struct PairPage<'a> {
    pub(crate) context: PageContext<'a>,
    /// The code of the address, which the QR holds.
    pub(crate) code: Option<PairingCode>,
}

impl PairPage<'_> {
    /// The page as HTML.
    pub(crate) fn html(&self) -> String {
        filled(PAGE, |name| self.value(name))
    }

    fn value(&self, name: &str) -> String {
        let code = self.code.as_ref().map_or("", PairingCode::digits);
        match name {
            "code" => code.to_owned(),
            "language_links" if code.is_empty() => self.context.language_links("/pair", ""),
            "language_links" => self.context.language_links("/pair", &format!("&amp;code={code}")),
            "name_chars_max" => DEVICE_NAME_CHARS_MAX.to_string(),
            "app.pos" => Door::after_pairing(DeviceKind::Pos).to_owned(),
            "app.kiosk" => Door::after_pairing(DeviceKind::Kiosk).to_owned(),
            "app.dispenser" => Door::after_pairing(DeviceKind::Dispenser).to_owned(),
            "picture.kiosk" => self.picture(include_str!("../../pages/picture_kiosk.html")),
            "picture.pos" => self.picture(include_str!("../../pages/picture_pos.html")),
            "picture.dispenser" => self.picture(include_str!("../../pages/picture_dispenser.html")),
            _ => self.context.value(name),
        }
    }

    fn picture(&self, template: &str) -> String {
        filled(template, |name| self.context.value(name))
    }
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

    fn shown(shop: &str, language: Language, code: Option<&str>) -> String {
        let context = PageContext { shop, language, address: Some("192.168.1.20:8443") };
        PairPage { context, code: code.and_then(PairingCode::parse) }.html()
    }

    #[test]
    fn the_page_is_in_the_language_of_who_connects_the_tablet() {
        assert!(shown("Kopi Pagi", Language::English, None).contains("Connect this tablet</h1>"));
        assert!(shown("Kopi Pagi", Language::Indonesian, None).contains("Sambungkan tablet ini</h1>"));
    }

    #[test]
    fn the_code_of_the_address_is_kept_when_the_language_changes() {
        let html = shown("Kopi Pagi", Language::English, Some("48271936"));
        assert!(html.contains("data-code=\"48271936\""), "{html}");
        assert!(html.contains("href=\"/pair?lang=id&amp;code=48271936\""), "{html}");
    }

    #[test]
    fn only_eight_digits_are_a_code() {
        for text in ["", "1234567", "123456789", "1234567a", "\"><script", "١٢٣٤", "-1234567"] {
            assert_eq!(PairingCode::parse(text), None, "{text}");
        }
        assert_eq!(PairingCode::parse("00000000").unwrap().digits(), "00000000");
    }

    #[test]
    fn a_shops_name_is_text_and_never_markup() {
        let html = shown("<b>\"Kopi\"</b> {{code}}", Language::English, Some("48271936"));
        assert!(html.contains("&lt;b&gt;&quot;Kopi&quot;&lt;/b&gt; {{code}}"), "{html}");
    }

    #[test]
    fn every_name_in_the_page_has_a_value() {
        let page = |language| PairPage {
            context: PageContext { shop: "Kopi Pagi", language, address: Some("192.168.1.20:8443") },
            code: PairingCode::parse("48271936"),
        };
        for language in Language::ALL {
            for name in names_in(PAGE) {
                assert!(!page(language).value(name).is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn the_page_has_every_element_and_text_that_its_script_uses() {
        const SCRIPT: &str = include_str!("../../pages/assets/pair.js");
        let arguments = |call: &str| -> Vec<&str> {
            SCRIPT.split(&format!("{call}(\"")).skip(1).map(|part| part.split('"').next().unwrap()).collect()
        };
        for id in arguments("element") {
            assert!(PAGE.contains(&format!("id=\"{id}\"")), "{id}");
        }
        let notices = arguments("notice").into_iter().flat_map(|name| [name.to_owned(), format!("{name}.title")]);
        let texts = arguments(" text").into_iter().chain(arguments("(text")).map(ToOwned::to_owned).chain(notices);
        for name in texts {
            assert!(PAGE.contains(&format!("data-text=\"{name}\"")), "{name}");
        }
        for kind in [DeviceKind::Pos, DeviceKind::Kiosk, DeviceKind::Dispenser] {
            assert!(PAGE.contains(&format!("<template data-kind=\"{kind}\"")), "{kind}");
        }
    }

    #[test]
    fn the_page_runs_and_loads_only_files_of_this_origin() {
        let html = shown("Kopi Pagi", Language::Indonesian, Some("48271936"));
        assert!(is_strict(&html), "{html}");
        assert_eq!(html.matches("<script").count(), 1);
    }
}
