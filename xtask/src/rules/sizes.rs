//! Files that have become too long to hold in mind.

use super::{Finding, rust::Rust, source::Tree};

/// A file is read whole before it is changed; this many lines are a quarter of an hour.
const CODE_LINES_MAX: usize = 500;
/// With its tests, which are read one by one.
const LINES_MAX: usize = 800;

/// Rust files that are longer than that.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let code = if file.is_tests() { 0 } else { Rust::read(&file.text).lines().count() };
        if code > CODE_LINES_MAX {
            let what =
                format!("{code} lines of code, over {CODE_LINES_MAX}: make it a folder with a file for each idea");
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
    fn a_file_stays_readable() {
        assert_eq!(found("services/order/src/store.rs", 500, 290), 0);
        assert_eq!(found("services/order/src/store.rs", 501, 0), 1);
        assert_eq!(found("services/order/src/store.rs", 400, 400), 1);
        assert_eq!(found("services/order/src/tests/placing.rs", 700, 0), 0);
    }
}
