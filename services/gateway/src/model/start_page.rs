//! The start page: the doors into the shop, what to try first, and the state of the shop.

use std::time::Duration;

use contracts::time::BusinessDay;

use super::{
    door::Door,
    language::Language,
    template::{PageContext, escaped, filled},
};

const PAGE: &str = include_str!("../../pages/start.html");

/// Who looks at the doors, and so how they open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// Somebody who tests the demo shop: each door is a form that signs in.
    Demo,
    /// A browser that is paired with this shop: each door leads to what is behind it.
    Paired,
    /// Any other browser: each door leads to pairing.
    Unpaired,
}

/// What the page shows.
pub(crate) struct StartPage<'a> {
    pub(crate) context: PageContext<'a>,
    pub(crate) visitor: Visitor,
    pub(crate) day: BusinessDay,
    pub(crate) services: &'a [ServiceState],
    /// The kind of the databases: `SQLite`.
    pub(crate) database: &'a str,
    pub(crate) version: &'a str,
    /// For how long the program has run.
    pub(crate) uptime: Duration,
}

/// One service, and whether it can do its work.
pub(crate) struct ServiceState {
    pub(crate) name: &'static str,
    pub(crate) is_ready: bool,
}

impl StartPage<'_> {
    /// The page as HTML.
    pub(crate) fn html(&self) -> String {
        filled(PAGE, |name| self.value(name))
    }

    fn value(&self, name: &str) -> String {
        let text = |name: &str| self.context.text(name);
        match name {
            "language_links" => self.context.language_links("/", ""),
            "about" => self.about(),
            "state" => if self.is_ready() { "" } else { " off" }.to_owned(),
            "state_title" => text(if self.is_ready() { "ready" } else { "not_ready" }),
            "not_ready_notice" => {
                if self.is_ready() {
                    String::new()
                } else {
                    notice(&text("not_ready.text"))
                }
            }
            "door.kiosk" => self.door(Door::Kiosk),
            "door.pos" => self.door(Door::Pos),
            "door.dispenser" => self.door(Door::Dispenser),
            "first_steps" => self.first_steps(),
            "state_list" => self.state_list(),
            "owner_link" => self.owner_link(),
            _ => self.context.value(name),
        }
    }

    fn is_ready(&self) -> bool {
        self.services.iter().all(|service| service.is_ready)
    }

    /// The line under the shop's name.
    fn about(&self) -> String {
        let kind = (self.visitor == Visitor::Demo).then(|| self.context.text("demo_shop"));
        let parts = kind.into_iter().chain(self.context.address.map(escaped));
        parts.collect::<Vec<_>>().join(" · ")
    }

    /// The element that encloses a door's picture, as its opening tag, text and closing tag.
    fn door(&self, door: Door) -> String {
        let name = door.name();
        let picture = filled(picture(door), |name| self.context.value(name));
        let mode = match self.visitor {
            Visitor::Demo => "demo",
            Visitor::Paired => "paired",
            Visitor::Unpaired => "pair",
        };
        let (title, text) =
            (self.context.text(&format!("door.{name}")), self.context.text(&format!("door.{name}.{mode}")));
        let inside = format!(
            "{picture}<b class=\"door-title\">{title}<svg class=\"icon\" aria-hidden=\"true\">\
             <use href=\"/assets/icons.svg#arrow\"/></svg></b><span class=\"door-text\">{text}</span>"
        );
        let lang = self.context.language.tag();
        match self.visitor {
            Visitor::Demo => {
                format!(
                    "<form method=\"post\" action=\"/demo/{name}\"><button class=\"door door-{name}\">{inside}</button></form>"
                )
            }
            Visitor::Paired => format!("<a class=\"door door-{name}\" href=\"{}\">{inside}</a>", door.target()),
            Visitor::Unpaired => format!("<a class=\"door door-{name}\" href=\"/pair?lang={lang}\">{inside}</a>"),
        }
    }

    /// What one who is new here does first: tests the demo shop, or connects a tablet.
    fn first_steps(&self) -> String {
        let steps = if self.visitor == Visitor::Demo { "try" } else { "connect" };
        let step = |number: u8| {
            let text = self.context.text(&format!("{steps}.{number}"));
            format!("<li><span class=\"count-badge\" aria-hidden=\"true\">{number}</span><span>{text}</span></li>\n")
        };
        let title = self.context.text(&format!("{steps}.title"));
        format!("<h2>{title}</h2><ol class=\"steps\">{}</ol>", (1..=3).map(step).collect::<String>())
    }

    fn state_list(&self) -> String {
        let text = |name: &str| self.context.text(name);
        let services = self.services.iter().map(|service| {
            let state = text(if service.is_ready { "service.ready" } else { "service.unavailable" });
            state_item(service.is_ready, &self.service_name(service), &state)
        });
        let facts = [
            state_item(true, &text("data"), &escaped(self.database)),
            state_item(true, &text("version"), &escaped(self.version)),
            state_item(true, &text("uptime"), &self.uptime_in_words()),
            state_item(true, &text("today"), &self.day_in_words()),
        ];
        services.chain(facts).collect()
    }

    fn service_name(&self, service: &ServiceState) -> String {
        let text = self.context.text(&format!("service.name.{}", service.name));
        if text.is_empty() { escaped(service.name) } else { text }
    }

    /// The largest unit is enough: `2 min`, `5 h`, `3 d`.
    fn uptime_in_words(&self) -> String {
        let minutes = self.uptime.as_secs() / 60;
        let (number, unit) = match minutes {
            0..60 => (minutes, "unit.minutes"),
            60..1440 => (minutes / 60, "unit.hours"),
            _ => (minutes / 1440, "unit.days"),
        };
        format!("{number} {}", self.context.text(unit))
    }

    /// `<time>` with `22 November 2026`.
    fn day_in_words(&self) -> String {
        format!("<time datetime=\"{}\">{}</time>", self.day, escaped(&day_in_words(self.day, self.context.language)))
    }

    /// In the demo shop the settings are behind a door of their own.
    fn owner_link(&self) -> String {
        if self.visitor != Visitor::Demo {
            return String::new();
        }
        let (title, text) = (self.context.text("door.owner"), self.context.text("door.owner.demo"));
        let name = Door::Owner.name();
        format!(
            "<form method=\"post\" action=\"/demo/{name}\"><button class=\"link-row\">\
             <svg class=\"icon\" aria-hidden=\"true\"><use href=\"/assets/icons.svg#gear\"/></svg>\
             <span>{title}<small>{text}</small></span>\
             <svg class=\"icon\" aria-hidden=\"true\"><use href=\"/assets/icons.svg#right\"/></svg></button></form>"
        )
    }
}

fn picture(door: Door) -> &'static str {
    match door {
        Door::Kiosk => include_str!("../../pages/picture_kiosk.html"),
        Door::Pos => include_str!("../../pages/picture_pos.html"),
        Door::Dispenser => include_str!("../../pages/picture_dispenser.html"),
        Door::Owner => "",
    }
}

fn notice(text: &str) -> String {
    format!(
        "<p class=\"notice notice-warning\" role=\"status\"><svg class=\"icon\" aria-hidden=\"true\">\
         <use href=\"/assets/icons.svg#warn\"/></svg><b>{text}</b></p>"
    )
}

fn state_item(is_good: bool, name: &str, state: &str) -> String {
    let class = if is_good { "" } else { " class=\"warn\"" };
    format!("<li{class}>{name} <small>{state}</small></li>\n")
}

/// `22 November 2026`: both languages write it in this order.
pub(super) fn day_in_words(day: BusinessDay, language: Language) -> String {
    let iso = day.to_string();
    let mut parts = iso.split('-').map(|part| part.trim_start_matches('0'));
    let (Some(year), Some(month), Some(date)) = (parts.next(), parts.next(), parts.next()) else { return iso };
    match language.texts().get(&format!("month.{month}")) {
        Some(month) => format!("{date} {month} {year}"),
        None => iso,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::template::{is_strict, names_in},
        *,
    };

    fn shown(shop: &str, is_ready: bool, language: Language, visitor: Visitor) -> String {
        let services = [ServiceState { name: "order", is_ready: true }, ServiceState { name: "payment", is_ready }];
        let context = PageContext { shop, language, address: Some("127.0.0.1:8080") };
        let day = "2026-08-01".parse().unwrap();
        let uptime = Duration::from_secs(2 * 3600 + 59);
        StartPage { context, visitor, day, services: &services, database: "SQLite", version: "0.1.0", uptime }.html()
    }

    #[test]
    fn the_page_is_in_the_guests_language() {
        let english = shown("Kopi Pagi", true, Language::English, Visitor::Unpaired);
        assert!(english.contains("<html lang=\"en\"") && english.contains("1 August 2026"), "{english}");
        assert!(english.contains("Kopi Pagi") && english.contains("All running"));
        let indonesian = shown("Kopi Pagi", true, Language::Indonesian, Visitor::Unpaired);
        assert!(indonesian.contains("<html lang=\"id\"") && indonesian.contains("1 Agustus 2026"), "{indonesian}");
        assert!(indonesian.contains("Semua menyala"));
    }

    #[test]
    fn a_service_that_is_unavailable_is_shown() {
        let html = shown("Kopi Pagi", false, Language::English, Visitor::Unpaired);
        assert!(html.contains("Not ready yet") && html.contains("role=\"status\""), "{html}");
        assert!(html.contains("<li class=\"warn\">Payments <small>unavailable</small>"), "{html}");
        assert!(html.contains("<li>Orders <small>ready</small>"), "{html}");
    }

    #[test]
    fn the_state_of_the_shop_has_only_what_is_known() {
        let html = shown("Kopi Pagi", true, Language::English, Visitor::Unpaired);
        assert!(html.contains("<li>Data <small>SQLite</small>") && html.contains("<small>0.1.0</small>"), "{html}");
        assert!(html.contains("<li>Running for <small>2 h</small>"), "{html}");
    }

    #[test]
    fn in_the_demo_shop_each_door_signs_in_with_one_click() {
        let html = shown("Kopi Pagi", true, Language::English, Visitor::Demo);
        for door in Door::ALL {
            assert!(html.contains(&format!("<form method=\"post\" action=\"/demo/{}\"", door.name())), "{door:?}");
        }
        assert!(html.contains("demo shop · 127.0.0.1:8080"), "{html}");
    }

    #[test]
    fn in_a_real_shop_a_door_leads_to_pairing_and_then_to_what_is_behind_it() {
        let unpaired = shown("Kopi Pagi", true, Language::English, Visitor::Unpaired);
        assert_eq!(unpaired.matches("class=\"door door-").count(), 3);
        let links =
            unpaired.split("class=\"door door-").skip(1).filter(|door| door.contains(" href=\"/pair?lang=en\">"));
        assert_eq!(links.count(), 3, "{unpaired}");
        let paired = shown("Kopi Pagi", true, Language::English, Visitor::Paired);
        assert!(paired.contains("<a class=\"door door-kiosk\" href=\"/docs/\">"), "{paired}");
        assert!(!unpaired.contains("/demo/") && !paired.contains("/demo/"));
    }

    #[test]
    fn a_shops_name_is_text_and_never_markup() {
        let html = shown("<script>alert('x')</script> & \"Co\" {{day}}", true, Language::English, Visitor::Demo);
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;Co&quot; {{day}}"),
            "{html}"
        );
        assert!(!html.contains("<script"));
    }

    #[test]
    fn every_name_in_the_page_has_a_value_in_each_language_and_for_each_visitor() {
        for language in Language::ALL {
            for visitor in [Visitor::Demo, Visitor::Paired, Visitor::Unpaired] {
                let html = shown("Kopi Pagi", false, language, visitor);
                for empty in [
                    "<b class=\"door-title\"><",
                    "<span class=\"door-text\"></span>",
                    "<span></span>",
                    "<h2></h2>",
                    "<small></small>",
                ] {
                    assert!(!html.contains(empty), "{visitor:?} {empty}: {html}");
                }
                assert!(is_strict(&html) && !html.contains("<script"), "{html}");
            }
        }
        let facts = [
            "language_links",
            "about",
            "state",
            "state_title",
            "not_ready_notice",
            "first_steps",
            "state_list",
            "owner_link",
        ];
        let general = ["lang", "shop", "brand_mark", "door.kiosk", "door.pos", "door.dispenser"];
        for name in names_in(PAGE) {
            let is_fact = facts.contains(&name) || general.contains(&name);
            assert!(is_fact || Language::English.texts().contains_key(name), "{name}");
        }
    }
}
