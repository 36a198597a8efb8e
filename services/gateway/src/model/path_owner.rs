//! Which service owns which path of the origin.

/// The first parts of paths and the services that answer everything under them.
const OWNERS: [(&str, &str); 15] = [
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
    ("Staff", crate::NAME),
    ("Session", crate::NAME),
    ("Approval", crate::NAME),
    ("Device", crate::NAME),
    ("Audit", crate::NAME),
];

/// The service that owns `path`. `None` for every other path, among them the internal ones.
pub(crate) fn service_of(path: &str) -> Option<&'static str> {
    let part = path.strip_prefix("/api/")?.split('/').next()?;
    OWNERS.iter().find(|(owned, _)| *owned == part).map(|(_, service)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_of_the_api_has_its_service() {
        assert_eq!(service_of("/api/Order"), Some("order"));
        assert_eq!(service_of("/api/Order/"), Some("order"));
        assert_eq!(service_of("/api/QrCode/QR-20261122-0/image.svg"), Some("qr"));
        assert_eq!(service_of("/api/v1/reports/summary"), Some("analytics"));
        assert_eq!(service_of("/api/Recipe/7"), Some("inventory"));
        assert_eq!(service_of("/api/Shop"), Some("gateway"));
        assert_eq!(service_of("/api/Session/staff"), Some("gateway"));
        assert_eq!(service_of("/api/Audit/verification"), Some("gateway"));
    }

    #[test]
    fn internal_and_unknown_paths_have_no_service() {
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
            assert_eq!(service_of(path), None, "{path}");
        }
    }
}
