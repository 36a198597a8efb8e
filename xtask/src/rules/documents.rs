//! Documents name files that exist.

use super::{
    Finding,
    source::{FOLDERS, SourceFile, Tree},
};

/// Finds files in backticks that do not exist, in every Markdown document. A path is from the root of the repository, or, as
/// in docs/ORDER-FLOW.md, from `services/`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, text) in (1..).zip(document.text.lines()) {
            for path in quoted(text).filter(|path| is_path_of_ours(tree, path) && !exists(tree, path)) {
                let what = format!("there is no file {path}: name the one that does this now");
                findings.push(Finding::new(&document.path, line, what));
            }
        }
    }
    findings
}

/// The texts in backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether this is the path of a file in one of our folders.
fn is_path_of_ours(tree: &Tree, path: &str) -> bool {
    let is_file = [".rs", ".sql", ".json", ".py"].iter().any(|ending| path.ends_with(ending));
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let Some((folder, rest)) = path.split_once('/') else { return false };
    let is_service =
        |folder: &str| tree.files.iter().filter_map(SourceFile::in_service).any(|(service, _)| service == folder);
    is_file && is_plain && (FOLDERS.contains(&folder) || (rest.starts_with("src/") && is_service(folder)))
}

fn exists(tree: &Tree, path: &str) -> bool {
    let in_services = format!("services/{path}");
    tree.files.iter().any(|file| file.path == path || file.path == in_services)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let files = vec![
            SourceFile::new("docs/GLOSSARY.md", text),
            SourceFile::new("services/order/src/store.rs", ""),
            SourceFile::new("contracts/src/time.rs", ""),
        ];
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_file_that_does_not_exist_is_reported_with_its_line() {
        let expected = "docs/GLOSSARY.md:2: there is no file contracts/src/clock.rs: name the one that does this now";
        assert_eq!(found("a day\n`contracts/src/clock.rs`"), [expected]);
        assert_eq!(found("`order/src/model.rs`, `services/order/src/http.rs`").len(), 2);
    }

    #[test]
    fn files_that_exist_and_other_quoted_texts_are_accepted() {
        assert!(found("`contracts/src/time.rs`: `BusinessDay`, `order/src/store.rs`").is_empty());
        assert!(
            found("`commands/add_note.rs`, `shop.json`, `/api/Order`, `services/order/migrations/V2__….sql`")
                .is_empty()
        );
    }
}
