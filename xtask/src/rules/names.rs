//! Names without meaning: `utils`, `helpers`, `manager`.

use super::{
    Finding,
    rust_code::{RustCode, words_of},
    source::Tree,
};

/// A module or type with such a name has no subject, so everything is put into it.
const EMPTY_WORDS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "impl"];
/// Keywords in front of a name that is declared.
const DECLARATIONS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "mod "];

/// Finds files, modules and types with an empty word in their name.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let empty = file.path.split(['/', '.']).find_map(empty_word);
        if let Some(word) = empty {
            findings.push(Finding::new(&file.path, 1, complaint(word)));
        }
        if file.is_rust() {
            for (line, text) in RustCode::parse(&file.text).lines() {
                if let Some(word) = declared(text).and_then(empty_word) {
                    findings.push(Finding::new(&file.path, line, complaint(word)));
                }
            }
        }
    }
    findings
}

fn complaint(word: &str) -> String {
    format!("`{word}` in a name means nothing: name it after what it knows or does")
}

/// The name that a line declares.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let name = DECLARATIONS.iter().find_map(|keyword| line.strip_prefix(keyword))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The empty word among the words of a name.
fn empty_word(name: &str) -> Option<&'static str> {
    let words = words_of(name);
    EMPTY_WORDS.into_iter().find(|empty| words.iter().any(|word| word == empty))
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn found(path: &str, text: &str) -> Vec<Finding> {
        check(&Tree { files: vec![SourceFile::new(path, text)] })
    }

    #[test]
    fn empty_words_are_found_in_files_modules_and_types() {
        assert_eq!(found("services/order/src/utils.rs", "").len(), 1);
        assert_eq!(found("services/order/src/model.rs", "pub(crate) struct OrderManager;").len(), 1);
        assert_eq!(found("services/order/src/model.rs", "mod price_helpers;").len(), 1);
    }

    #[test]
    fn impl_blocks_and_longer_words_that_contain_an_empty_one_are_accepted() {
        assert!(found("services/order/src/model.rs", "impl Order {}\nstruct Commoner;\nfn simple() {}").is_empty());
    }
}
