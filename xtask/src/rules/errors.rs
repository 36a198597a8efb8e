//! Errors keep their causes.

use super::{Finding, rust_code::RustCode, source::Tree};

/// Finds `#[error(transparent)]` on a `DbError`. It forwards `source()` too, so that the database's error itself is missing
/// from the chain in which `host::retry` looks for an outage.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        let code = RustCode::parse(&file.text);
        let mut is_transparent = false;
        for (line, text) in code.lines().filter(|(_, text)| !text.trim().is_empty()) {
            if is_transparent && text.contains("DbError") {
                let what = "a transparent DbError is not in the chain of causes: give the variant a text of its own, such \
                            as #[error(\"the order's rows cannot be read or written\")], and keep #[from]";
                findings.push(Finding::new(&file.path, line, what));
            }
            is_transparent = text.contains("#[error(transparent)]");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn found(text: &str) -> Vec<String> {
        let files = vec![SourceFile::new("services/order/src/error.rs", text)];
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_transparent_database_error_is_reported() {
        let findings = found("enum OrderError {\n    #[error(transparent)]\n    // Why.\n    Db(#[from] DbError),\n}");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("services/order/src/error.rs:4: "), "{findings:?}");
    }

    #[test]
    fn an_error_with_a_text_and_another_transparent_error_are_accepted() {
        assert!(found("#[error(\"the rows cannot be read\")]\nDb(#[from] DbError),").is_empty());
        assert!(found("#[error(transparent)]\nText(#[from] InvalidText),\nDb(#[from] DbError),").is_empty());
    }
}
