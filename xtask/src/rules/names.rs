//! Names without meaning, such as `utils`, `helpers` and `manager`, and names of functions that are too long.

use super::{
    Finding,
    rust_code::{RustCode, words_of},
    source::{SourceFile, Tree},
};

/// A module or type with such a name has no subject, so everything is put into it.
const EMPTY_WORDS: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "impl"];
/// Keywords in front of a name that is declared.
const DECLARATIONS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "mod "];

/// The name of a test is a sentence; a longer one is two tests.
const FUNCTION_NAME_CHARS_MAX: usize = 80;

/// Finds files, modules and types with an empty word in their name, and functions with too long a name.
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
            findings.extend(long_function_names(file));
        }
    }
    findings
}

/// Also in tests, whose names are the longest.
fn long_function_names(file: &SourceFile) -> Vec<Finding> {
    let code = RustCode::parse(&file.text).code;
    let names = (1..).zip(&code).filter_map(|(line, text)| Some((line, function_name(text)?)));
    let too_long = names.filter(|(_, name)| name.len() > FUNCTION_NAME_CHARS_MAX);
    too_long
        .map(|(line, name)| {
            let what = format!("{name} has {} characters, over {FUNCTION_NAME_CHARS_MAX}: name one thing", name.len());
            Finding::new(&file.path, line, what)
        })
        .collect()
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_keyword = before.is_empty() || before.ends_with(' ');
    after.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|_| is_keyword)
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
    use super::*;

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
    fn a_function_name_has_at_most_80_characters_also_in_tests() {
        let test = |chars: usize| format!("#[cfg(test)]\nmod tests {{\n    fn {}() {{}}\n}}", "a".repeat(chars));
        assert!(found("services/order/src/model.rs", &test(80)).is_empty());
        assert_eq!(found("services/order/src/model.rs", &test(81))[0].line, 3);
    }

    #[test]
    fn impl_blocks_and_longer_words_that_contain_an_empty_one_are_accepted() {
        assert!(found("services/order/src/model.rs", "impl Order {}\nstruct Commoner;\nfn simple() {}").is_empty());
    }
}
