//! `/internal` routes are between services: no client reaches them, and the gateway never forwards them.

use super::{Finding, rust_code::RustCode, source::Tree};

/// The prefix of routes between services.
const INTERNAL: &str = "/internal";

/// Where the gateway decides which requests it forwards.
const FORWARDING_FILES: [&str; 3] = ["src/http", "src/model", "src/lib.rs"];

/// Finds strings that name an internal route outside services, and where the gateway decides what it forwards.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        let what = match file.in_service() {
            Some(("gateway", path)) if FORWARDING_FILES.iter().any(|file| path.starts_with(file)) => {
                "the gateway never forwards /internal: forward only routes under /api"
            }
            Some(_) => continue,
            None if file.path.starts_with("xtask/") => continue,
            None => "/internal routes are between services: register or call it in one",
        };
        for (line, _) in RustCode::parse(&file.text).strings().filter(|(_, string)| string.starts_with(INTERNAL)) {
            findings.push(Finding::new(&file.path, *line, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn found(path: &str) -> usize {
        let text = "// \"/internal/cards\"\nfn f() { route(\"/internal/cards\") }";
        check(&Tree { files: vec![SourceFile::new(path, text)] }).len()
    }

    #[test]
    fn services_have_internal_routes_and_the_gateway_and_the_program_have_none() {
        assert_eq!(found("services/product/src/http.rs"), 0);
        assert_eq!(found("services/gateway/src/http.rs"), 1);
        assert_eq!(found("services/gateway/src/commands.rs"), 0);
        assert_eq!(found("services/gateway/src/tests/forwarding.rs"), 0);
        assert_eq!(found("fnb/src/main.rs"), 1);
    }
}
