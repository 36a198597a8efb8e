//! The design's rules as checks: each reads the files and reports what breaks it, where, and what to do.

mod cycles;
mod dependencies;
mod documents;
mod errors;
mod file_sizes;
mod internal_routes;
mod names;
mod ports;
mod rooms;
mod rust_code;
mod shared_sql;
mod skeleton;
pub(crate) mod source;
mod vocabulary;

use std::fmt;

use dependencies::Package;
use source::Tree;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the workspace's root.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do.
    pub(crate) what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Every breach of every rule, sorted by file and line.
pub(crate) fn check(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = dependencies::check(packages);
    findings.extend(cycles::check(tree));
    findings.extend(rooms::check(tree));
    findings.extend(skeleton::check(tree));
    findings.extend(names::check(tree));
    findings.extend(vocabulary::check(tree));
    findings.extend(errors::check(tree));
    findings.extend(ports::check(tree));
    findings.extend(internal_routes::check(tree));
    findings.extend(file_sizes::check(tree));
    findings.extend(shared_sql::check(tree));
    findings.extend(documents::check(tree));
    findings.sort();
    findings.dedup();
    findings
}

/// The packages of the workspace, from the output of `cargo metadata`.
pub(crate) fn packages(metadata: &serde_json::Value) -> Vec<Package> {
    dependencies::packages(metadata)
}
