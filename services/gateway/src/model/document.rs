//! The settings and their version, as `ETag` and `If-Match` carry it (RFC 9110).

use contracts::shop::ShopSettings;

/// The settings at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Grows with every change.
    pub(crate) version: i64,
    /// The whole document.
    pub(crate) settings: ShopSettings,
}

impl Document {
    /// `"7"`
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// Which versions the client allows to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Whatever is there: no `If-Match`, or `*`.
    Any,
    /// The versions of these tags. What was never a tag of ours matches nothing.
    OneOf(Vec<i64>),
}

impl Expected {
    /// What an `If-Match` header asks for.
    pub(crate) fn from_header(if_match: Option<&str>) -> Self {
        match if_match.map(str::trim) {
            None | Some("*") => Self::Any,
            Some(tags) => Self::OneOf(tags.split(',').filter_map(version_of).collect()),
        }
    }

    /// Whether the client agrees that this version is replaced.
    pub(crate) fn allows(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

fn version_of(tag: &str) -> Option<i64> {
    tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_says_nothing_replaces_whatever_is_there() {
        assert!(Expected::from_header(None).allows(7));
        assert!(Expected::from_header(Some(" * ")).allows(7));
    }

    #[test]
    fn a_client_that_names_a_version_replaces_only_that_one() {
        let expected = Expected::from_header(Some("\"6\", \"7\""));
        assert!(expected.allows(7));
        assert!(!expected.allows(8));
    }

    #[test]
    fn a_tag_that_was_never_ours_matches_nothing() {
        for tag in ["7", "W/\"7\"", "\"seven\"", "", "\"\""] {
            assert!(!Expected::from_header(Some(tag)).allows(7), "{tag}");
        }
    }
}
