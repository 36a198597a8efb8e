//! The languages of the pages, and which of them a guest gets.

use std::{collections::BTreeMap, sync::LazyLock};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Indonesian,
}

/// The texts of one language, by name.
pub(crate) type Texts = BTreeMap<String, String>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../locales/en.json")));
static INDONESIAN: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../locales/id.json")));

fn read(json: &str) -> Texts {
    serde_json::from_str(json).unwrap_or_default()
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Indonesian];

    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }

    /// Its texts.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Indonesian => &INDONESIAN,
        }
    }

    /// The language chosen on the page, or else the one that the browser prefers; English if neither is ours.
    pub(crate) fn of_guest(chosen: Option<&str>, accept_language: Option<&str>) -> Self {
        let chosen = chosen.and_then(Self::from_tag);
        chosen.or_else(|| Self::preferred(accept_language?)).unwrap_or(Self::English)
    }

    fn preferred(accept_language: &str) -> Option<Self> {
        let offered = accept_language.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let language = Self::from_tag(parts.next()?)?;
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1000), thousandths)?;
            (weight > 0).then_some((weight, language))
        });
        // The first of equals: a browser lists what it prefers first.
        offered.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, language)| language)
    }

    /// `id`, `id-ID`; `in` is what old browsers call Indonesian.
    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("in") {
            return Some(Self::Indonesian);
        }
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }
}

/// `0.8` is 800.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = format!("{fraction:0<3}");
    Some(whole.parse::<u32>().ok()?.min(1) * 1000 + digits.get(..3)?.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_gets_the_language_that_the_browser_prefers() {
        let of = |accepts| Language::of_guest(None, Some(accepts));
        assert_eq!(of("id-ID,id;q=0.9,en-US;q=0.8"), Language::Indonesian);
        assert_eq!(of("en-US,en;q=0.9,id;q=0.8"), Language::English);
        assert_eq!(of("fr, en;q=0.3, id;q=0.7"), Language::Indonesian);
        assert_eq!(of("in"), Language::Indonesian);
        assert_eq!(of("id;q=0, fr"), Language::English);
        assert_eq!(of(";;q=x,,"), Language::English);
    }

    #[test]
    fn the_language_chosen_on_the_page_wins() {
        assert_eq!(Language::of_guest(Some("en"), Some("id")), Language::English);
        assert_eq!(Language::of_guest(Some("xx"), Some("id")), Language::Indonesian);
        assert_eq!(Language::of_guest(None, None), Language::English);
    }

    #[test]
    fn every_text_is_in_every_language() {
        let names = |language: Language| language.texts().keys().collect::<Vec<_>>();
        assert!(!names(Language::English).is_empty());
        assert_eq!(names(Language::English), names(Language::Indonesian));
    }
}
