//! The parts that stay behind platform's ports.

use super::{
    Finding,
    rust::Rust,
    source::{SourceFile, Tree},
};

/// Each crate's types appear inside platform/ alone.
const BEHIND_A_PORT: [&str; 7] = ["rusqlite", "postgres", "tokio_postgres", "refinery", "lapin", "redis", "fred"];

/// Code that names a database's, a broker's or a cache's own types outside of platform/.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !may_look_inside(file)) {
        for (line, text) in Rust::read(&file.text).lines() {
            for part in BEHIND_A_PORT.iter().filter(|part| names_path(text, part)) {
                let what = format!("{part} stays inside platform/: use platform/'s port, or add to it what is missing");
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
    findings
}

/// platform/ holds the adapters; the benchmarks look at the files from outside.
fn may_look_inside(file: &SourceFile) -> bool {
    ["platform/", "bench/", "xtask/"].iter().any(|folder| file.path.starts_with(folder))
}

/// Whether `part::` begins a path here (`db::postgres::x` is db's own module).
fn names_path(text: &str, part: &str) -> bool {
    let path = format!("{part}::");
    let begins = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    text.match_indices(&path).any(|(at, _)| begins(at)) || text.trim_start().starts_with(&format!("use {part};"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree { files: vec![SourceFile::new(path, text)] }).len()
    }

    #[test]
    fn a_library_behind_a_port_is_named_in_platform_alone() {
        assert_eq!(found("services/order/src/store.rs", "use rusqlite::Row;"), 1);
        assert_eq!(found("fnb/src/main.rs", "let url = redis::parse();"), 1);
        assert_eq!(found("platform/db/src/sqlite.rs", "use rusqlite::Row;"), 0);
        assert_eq!(found("fnb/src/main.rs", "// rusqlite::Row\nlet bus = host::postgres::open(\"redis::x\");"), 0);
    }
}
