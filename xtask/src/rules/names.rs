//! Names that say nothing.

use super::{Finding, rust::Rust, source::Tree};

/// A thing so called has no idea of its own, and grows.
const EMPTY_WORDS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "impl"];
/// What a name of ours stands behind.
const DECLARATIONS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "mod "];

/// Files, modules and types with an empty word in their name.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let empty = file.path.split(['/', '.']).find_map(empty_word);
        if let Some(word) = empty {
            findings.push(Finding::new(&file.path, 1, complaint(word)));
        }
        if file.is_rust() {
            for (line, text) in Rust::read(&file.text).lines() {
                if let Some(word) = declared(text).and_then(empty_word) {
                    findings.push(Finding::new(&file.path, line, complaint(word)));
                }
            }
        }
    }
    findings
}

fn complaint(word: &str) -> String {
    format!("`{word}` in a name says nothing: name it after what it knows or does")
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

/// The empty word among a name's words, whether it is `written_so` or `WrittenSo`.
fn empty_word(name: &str) -> Option<&'static str> {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() || !letter.is_alphanumeric() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    let words: Vec<&str> = spaced.split(|c: char| !c.is_alphanumeric()).collect();
    EMPTY_WORDS.into_iter().find(|empty| words.contains(empty))
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn found(path: &str, text: &str) -> Vec<Finding> {
        check(&Tree { files: vec![SourceFile::new(path, text)] })
    }

    #[test]
    fn files_modules_and_types_say_what_they_are() {
        assert_eq!(found("services/order/src/utils.rs", "").len(), 1);
        assert_eq!(found("services/order/src/model.rs", "pub(crate) struct OrderManager;").len(), 1);
        assert_eq!(found("services/order/src/model.rs", "mod price_helpers;").len(), 1);
    }

    #[test]
    fn an_impl_block_and_a_word_within_a_word_are_fine() {
        assert!(found("services/order/src/model.rs", "impl Order {}\nstruct Commoner;\nfn simple() {}").is_empty());
    }
}
