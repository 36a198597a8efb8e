//! A page as a text with `{{names}}`, which are filled with what they stand for.

use super::language::Language;

const BRAND_MARK: &str = include_str!("../../pages/brand_mark.html");

/// What every page shows.
#[derive(Clone, Copy)]
pub(crate) struct PageContext<'a> {
    /// The name above the door, as the owner wrote it.
    pub(crate) shop: &'a str,
    pub(crate) language: Language,
    /// The address that the browser asked, such as `192.168.1.20:8443`. Absent: it sent none.
    pub(crate) address: Option<&'a str>,
}

impl PageContext<'_> {
    /// What every page knows by this name, as HTML: the fact, or the text of the language. Nothing for an unknown name.
    pub(super) fn value(&self, name: &str) -> String {
        match name {
            "lang" => self.language.tag().to_owned(),
            "shop" => escaped(self.shop),
            "address" => escaped(self.address.unwrap_or_default()),
            "brand_mark" => BRAND_MARK.to_owned(),
            _ => self.text(name),
        }
    }

    /// The text of this name in the page's language, as HTML.
    pub(super) fn text(&self, name: &str) -> String {
        self.language.texts().get(name).map_or_else(String::new, |text| escaped(text))
    }

    /// A link to `path` in each language; the one of the page is marked. `query` is added as it is.
    pub(super) fn language_links(&self, path: &str, query: &str) -> String {
        let link = |language: Language| {
            let tag = language.tag();
            let current = if language == self.language { " aria-current=\"true\"" } else { "" };
            let name = language.texts().get("language").map_or("", String::as_str);
            format!(
                "<a href=\"{path}?lang={tag}{query}\" lang=\"{tag}\" hreflang=\"{tag}\"{current}>{}\
                 <span class=\"visually-hidden\"> {}</span></a>",
                tag.to_uppercase(),
                escaped(name)
            )
        };
        Language::ALL.into_iter().rev().map(link).collect()
    }
}

/// The template with each `{{name}}` replaced by its value, which is HTML already. Values are not searched for names.
pub(super) fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut html = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        html.push_str(before);
        html.push_str(&value(name.trim()));
        rest = after;
    }
    html + rest
}

/// Text as HTML shows it, inside an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, char| {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}

/// Every `{{name}}` of a template.
#[cfg(test)]
pub(super) fn names_in(template: &str) -> Vec<&str> {
    template.split("{{").skip(1).filter_map(|part| Some(part.split_once("}}")?.0.trim())).collect()
}

/// Whether a page runs and loads only files of this origin: no script, style or event in the page itself.
#[cfg(test)]
pub(super) fn is_strict(html: &str) -> bool {
    let elsewhere = ["http:", "https:", "=\"//", "javascript:", "<style", " style=", "<base"];
    let is_event = |part: &&str| part.split('=').next().is_some_and(|name| name.chars().all(char::is_alphabetic));
    let has_event = html.split(" on").skip(1).any(|part| is_event(&part) && part.contains("=\""));
    let inline =
        html.split("<script").skip(1).any(|tag| !tag.split('>').next().is_some_and(|tag| tag.contains("src=\"/")));
    !elsewhere.iter().any(|part| html.contains(part)) && !has_event && !inline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once() {
        assert_eq!(filled("a {{ b }} c {{d", |name| format!("[{name} {{{{d}}}}]")), "a [b {{d}}] c {{d");
    }

    #[test]
    fn a_page_with_a_script_of_its_own_is_not_strict() {
        assert!(is_strict("<script type=\"module\" src=\"/assets/pair.js\"></script><p class=\"on\">on it</p>"));
        assert!(!is_strict("<script>alert(1)</script>"));
        assert!(!is_strict("<p onclick=\"alert(1)\">"));
        assert!(!is_strict("<p style=\"color: red\">"));
        assert!(!is_strict("<script src=\"//elsewhere/x.js\"></script>"));
    }

    #[test]
    fn the_language_of_the_page_is_marked_in_its_switch() {
        let page = PageContext { shop: "", language: Language::English, address: None };
        let links = page.language_links("/pair", "&amp;code=48271936");
        assert!(links.contains("href=\"/pair?lang=id&amp;code=48271936\" lang=\"id\""), "{links}");
        assert!(
            links.contains("aria-current=\"true\">EN<span class=\"visually-hidden\"> English</span></a>"),
            "{links}"
        );
    }
}
