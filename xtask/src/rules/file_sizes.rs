//! Files that are too long to read in one go.

use super::{Finding, rust_code::RustCode, source::Tree};

/// A reader of the whole file needs a quarter of an hour for this many lines.
const CODE_LINES_MAX: usize = 500;
/// With the tests inside the file, which are read one by one.
const LINES_MAX: usize = 800;

/// Finds Rust files that are longer.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let code = if file.is_tests() { 0 } else { RustCode::parse(&file.text).lines().count() };
        if code > CODE_LINES_MAX {
            let what =
                format!("{code} lines of code, over {CODE_LINES_MAX}: make it a folder with a file for each subject");
            findings.push(Finding::new(&file.path, CODE_LINES_MAX, what));
        } else if lines > LINES_MAX {
            let what = format!("{lines} lines, over {LINES_MAX}: move tests into a file for each subject");
            findings.push(Finding::new(&file.path, LINES_MAX, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn found(path: &str, code: usize, tests: usize) -> usize {
        let text = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "a\n".repeat(code), "b\n".repeat(tests));
        check(&Tree { files: vec![SourceFile::new(path, &text)] }).len()
    }

    #[test]
    fn a_file_has_at_most_500_lines_of_code_and_800_in_all() {
        assert_eq!(found("services/order/src/store.rs", 500, 290), 0);
        assert_eq!(found("services/order/src/store.rs", 501, 0), 1);
        assert_eq!(found("services/order/src/store.rs", 400, 400), 1);
        assert_eq!(found("services/order/src/tests/placing.rs", 700, 0), 0);
    }
}
