//! The start page: a text with `{{names}}`, filled from the translations and the state of the services.

use contracts::time::BusinessDay;

use super::language::Language;

const PAGE: &str = include_str!("../../pages/start.html");

/// What the page shows.
pub(crate) struct StartPage<'a> {
    /// The name above the door, as the owner wrote it.
    pub(crate) shop: &'a str,
    pub(crate) day: BusinessDay,
    pub(crate) services: &'a [ServiceState],
}

/// One service, and whether it can do its work.
pub(crate) struct ServiceState {
    pub(crate) name: &'static str,
    pub(crate) is_ready: bool,
}

impl StartPage<'_> {
    /// The page as HTML, in this language.
    pub(crate) fn html(&self, language: Language) -> String {
        let mut html = String::with_capacity(PAGE.len() * 2);
        let mut rest = PAGE;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            html.push_str(before);
            html.push_str(&self.value(name.trim(), language));
            rest = after;
        }
        html + rest
    }

    fn value(&self, name: &str, language: Language) -> String {
        let text = |name: &str| language.texts().get(name).map_or_else(String::new, |text| escaped(text));
        let (state, about) = if self.is_ready() { ("ready", "ready.text") } else { ("not_ready", "not_ready.text") };
        match name {
            "lang" => language.tag().to_owned(),
            "other_lang" => other(language).tag().to_owned(),
            "shop" => escaped(self.shop),
            "day" => escaped(&day_in_words(self.day, language)),
            "day_iso" => self.day.to_string(),
            "state" => state.to_owned(),
            "state_title" => text(state),
            "state_text" => text(about),
            "service_list" => self.services.iter().map(|service| service_item(service, language)).collect(),
            _ => text(name),
        }
    }

    fn is_ready(&self) -> bool {
        self.services.iter().all(|service| service.is_ready)
    }
}

fn service_item(service: &ServiceState, language: Language) -> String {
    let name = if service.is_ready { "service.ready" } else { "service.unavailable" };
    let state = language.texts().get(name).map_or("", String::as_str);
    let class = if service.is_ready { "ready" } else { "not_ready" };
    format!("<li class=\"chip {class}\">{} <small>{}</small></li>\n", escaped(service.name), escaped(state))
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Indonesian,
        Language::Indonesian => Language::English,
    }
}

/// `22 November 2026`: both languages write it in this order.
fn day_in_words(day: BusinessDay, language: Language) -> String {
    let iso = day.to_string();
    let mut parts = iso.split('-').map(|part| part.trim_start_matches('0'));
    let (Some(year), Some(month), Some(date)) = (parts.next(), parts.next(), parts.next()) else { return iso };
    match language.texts().get(&format!("month.{month}")) {
        Some(month) => format!("{date} {month} {year}"),
        None => iso,
    }
}

/// Text as HTML shows it, inside an element or an attribute.
fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(shop: &str, is_ready: bool, language: Language) -> String {
        let services = [ServiceState { name: "order", is_ready: true }, ServiceState { name: "payment", is_ready }];
        StartPage { shop, day: "2026-08-01".parse().unwrap(), services: &services }.html(language)
    }

    #[test]
    fn the_page_is_in_the_guests_language() {
        let english = page("Kopi Pagi", true, Language::English);
        assert!(english.contains("lang=\"en\"") && english.contains("1 August 2026"), "{english}");
        assert!(english.contains("Kopi Pagi") && english.contains("ready to take orders"));
        let indonesian = page("Kopi Pagi", true, Language::Indonesian);
        assert!(indonesian.contains("lang=\"id\"") && indonesian.contains("1 Agustus 2026"), "{indonesian}");
        assert!(indonesian.contains("siap menerima pesanan"));
    }

    #[test]
    fn a_service_that_is_unavailable_is_shown() {
        let html = page("Kopi Pagi", false, Language::English);
        assert!(html.contains("Not ready yet"), "{html}");
        assert!(html.contains("payment <small>unavailable</small>"), "{html}");
        assert!(html.contains("order <small>ready</small>"), "{html}");
    }

    #[test]
    fn a_shops_name_is_text_and_never_markup() {
        let html = page("<script>alert('x')</script> & \"Co\" {{day}}", true, Language::English);
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;Co&quot; {{day}}"),
            "{html}"
        );
        assert!(!html.contains("<script"));
    }

    #[test]
    fn the_page_has_a_text_for_every_name_in_it_and_loads_nothing_from_elsewhere() {
        let named = PAGE.split("{{").skip(1).map(|part| part.split("}}").next().unwrap().trim());
        let facts =
            ["lang", "other_lang", "shop", "day", "day_iso", "state", "state_title", "state_text", "service_list"];
        for name in named {
            assert!(facts.contains(&name) || Language::English.texts().contains_key(name), "{name}");
        }
        assert!(!PAGE.contains("http:") && !PAGE.contains("https:") && !PAGE.contains("<script"));
    }
}
