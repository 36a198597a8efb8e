//! Libraries whose types stay behind platform's ports.

use super::{
    Finding,
    rust_code::RustCode,
    source::{SourceFile, Tree},
};

/// Their types appear inside platform/ alone.
const BEHIND_A_PORT: [&str; 7] = ["rusqlite", "postgres", "tokio_postgres", "refinery", "lapin", "redis", "fred"];

/// Finds code outside platform/ that names types of a database, a broker or a cache.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !may_name_libraries(file)) {
        for (line, text) in RustCode::parse(&file.text).lines() {
            for library in BEHIND_A_PORT.iter().filter(|library| names_path(text, library)) {
                let what = format!("{library} stays inside platform/: use platform/'s port, or add what it lacks");
                findings.push(Finding::new(&file.path, line, what));
            }
        }
    }
    findings
}

/// platform/ holds the adapters; the benchmarks read the database files from outside.
fn may_name_libraries(file: &SourceFile) -> bool {
    ["platform/", "bench/", "xtask/"].iter().any(|folder| file.path.starts_with(folder))
}

/// Whether a path starts with `library::` here (`db::postgres::x` is a module of db).
fn names_path(text: &str, library: &str) -> bool {
    let path = format!("{library}::");
    let starts_path = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    text.match_indices(&path).any(|(at, _)| starts_path(at))
        || text.trim_start().starts_with(&format!("use {library};"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree { files: vec![SourceFile::new(path, text)] }).len()
    }

    #[test]
    fn a_library_behind_a_port_is_named_only_in_platform() {
        assert_eq!(found("services/order/src/store.rs", "use rusqlite::Row;"), 1);
        assert_eq!(found("fnb/src/main.rs", "let url = redis::parse();"), 1);
        assert_eq!(found("platform/db/src/sqlite.rs", "use rusqlite::Row;"), 0);
        assert_eq!(found("fnb/src/main.rs", "// rusqlite::Row\nlet bus = host::postgres::open(\"redis::x\");"), 0);
    }
}
