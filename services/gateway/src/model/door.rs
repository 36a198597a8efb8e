//! The doors of the start page, and where each leads.

use contracts::device::DeviceKind;

/// One way into the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Kiosk,
    Pos,
    Dispenser,
    Owner,
}

/// Where a door leads as long as its app does not exist: to every route of the API, with a form to try it.
const API_BROWSER: &str = "/docs/";
/// Where a tablet goes after it was paired, as long as its app does not exist.
const START_PAGE: &str = "/";

impl Door {
    /// Every door.
    pub(crate) const ALL: [Self; 4] = [Self::Kiosk, Self::Pos, Self::Dispenser, Self::Owner];

    /// The path of the app behind the door. `None`: there is no app yet. The issue that brings one changes its line here
    /// and the texts `door.*` of the door.
    const fn app(self) -> Option<&'static str> {
        match self {
            Self::Kiosk | Self::Pos | Self::Dispenser | Self::Owner => None,
        }
    }

    /// Where one who enters comes out.
    pub(crate) fn target(self) -> &'static str {
        self.app().unwrap_or(API_BROWSER)
    }

    /// Where a device goes after it was paired.
    pub(crate) fn after_pairing(kind: DeviceKind) -> &'static str {
        Self::of(kind).app().unwrap_or(START_PAGE)
    }

    /// Its name in paths and texts: `/demo/kiosk`, `door.kiosk`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kiosk => "kiosk",
            Self::Pos => "pos",
            Self::Dispenser => "dispenser",
            Self::Owner => "owner",
        }
    }

    /// The door with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.name() == name)
    }

    fn of(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Kiosk => Self::Kiosk,
            DeviceKind::Pos => Self::Pos,
            DeviceKind::Dispenser => Self::Dispenser,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_leads_to_a_path_of_this_origin() {
        for door in Door::ALL {
            assert!(door.target().starts_with('/') && !door.target().starts_with("//"), "{door:?}");
        }
    }

    #[test]
    fn a_door_leads_into_the_api_browser_until_its_app_exists() {
        for door in Door::ALL.into_iter().filter(|door| door.app().is_none()) {
            assert_eq!(door.target(), "/docs/", "{door:?}");
        }
    }
}
