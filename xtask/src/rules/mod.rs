//! The design's rules as checks: each takes what the tree holds and says what breaks it, where, and what to do.

mod arrows;
mod dialect;
mod names;
mod parts;
mod rooms;
mod routes;
mod rust;
mod sizes;
pub(crate) mod source;

use std::fmt;

use arrows::Package;
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

/// Every breach of every rule, by file and line.
pub(crate) fn check(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = arrows::check(packages);
    findings.extend(rooms::check(tree));
    findings.extend(names::check(tree));
    findings.extend(parts::check(tree));
    findings.extend(routes::check(tree));
    findings.extend(sizes::check(tree));
    findings.extend(dialect::check(tree));
    findings.sort();
    findings.dedup();
    findings
}

/// The packages of the workspace, from `cargo metadata`'s answer.
pub(crate) fn packages(metadata: &serde_json::Value) -> Vec<Package> {
    arrows::packages(metadata)
}
