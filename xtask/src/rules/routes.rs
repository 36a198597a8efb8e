//! `/internal` is between services: no client reaches it, and the gateway never passes it on.

use super::{Finding, rust::Rust, source::Tree};

/// What services alone say to each other.
const INTERNAL: &str = "/internal";

/// Where the gateway decides what it passes on.
const PASSES_ON: [&str; 3] = ["src/http", "src/model", "src/lib.rs"];

/// Texts that name an internal route outside of services, and where the gateway decides what it passes on.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        let what = match file.in_service() {
            Some(("gateway", path)) if PASSES_ON.iter().any(|place| path.starts_with(place)) => {
                "the gateway never passes /internal on: name what it passes on, under /api"
            }
            Some(_) => continue,
            None if file.path.starts_with("xtask/") => continue,
            None => "/internal routes are between services: register or call it in one",
        };
        for (line, _) in Rust::read(&file.text).texts().filter(|(_, text)| text.starts_with(INTERNAL)) {
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
        assert_eq!(found("services/gateway/src/tests/passing.rs"), 0);
        assert_eq!(found("fnb/src/main.rs"), 1);
    }
}
