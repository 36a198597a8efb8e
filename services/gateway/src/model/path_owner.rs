//! Which service owns which path of the one origin.

/// The first parts of paths and the services that answer everything under them.
const OWNERS: [(&str, &str); 10] = [
    ("Order", "order"),
    ("Payment", "payment"),
    ("Product", "product"),
    ("Category", "product"),
    ("Inventory", "inventory"),
    ("StockMovement", "inventory"),
    ("Recipe", "inventory"),
    ("QrCode", "qr"),
    ("v1", "analytics"),
    ("Shop", crate::NAME),
];

/// The service that owns `path`. `None`: nobody's, as is everything that services say to each other.
pub(crate) fn owner_of(path: &str) -> Option<&'static str> {
    let part = path.strip_prefix("/api/")?.split('/').next()?;
    OWNERS.iter().find(|(owned, _)| *owned == part).map(|(_, service)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_of_the_api_has_its_service() {
        assert_eq!(owner_of("/api/Order"), Some("order"));
        assert_eq!(owner_of("/api/Order/"), Some("order"));
        assert_eq!(owner_of("/api/QrCode/QR-20261122-0/image.svg"), Some("qr"));
        assert_eq!(owner_of("/api/v1/reports/summary"), Some("analytics"));
        assert_eq!(owner_of("/api/Recipe/7"), Some("inventory"));
        assert_eq!(owner_of("/api/Shop"), Some("gateway"));
    }

    #[test]
    fn nobody_reaches_what_services_say_to_each_other() {
        for path in [
            "/internal/Product/cards",
            "/",
            "/api",
            "/api/",
            "/api/internal",
            "/api/Orders",
            "/api//Order",
            "/API/Order",
        ] {
            assert_eq!(owner_of(path), None, "{path}");
        }
    }
}
