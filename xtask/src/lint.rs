//! `cargo xtask lint`: format, clippy with warnings denied, the design's rules, licences, spelling, and the contracts for
//! browsers.

use std::process::Command;

use crate::{
    process::{self, Failure, Interrupt},
    python_tools,
    rules::{self, source::Tree},
};

/// A name, and a function that returns whether the check passed.
pub(crate) type Check = (&'static str, fn(&Interrupt) -> Result<bool, Failure>);

/// The checks that build nothing.
pub(crate) const QUICK: [Check; 4] = [
    ("design's rules", check_rules),
    ("format (`cargo fmt --all`)", check_format),
    ("spelling (`typos`)", check_spelling),
    ("licences, crates and their sources (`cargo deny`)", check_dependencies),
];
/// The checks that compile.
pub(crate) const COMPILED: [Check; 2] = [("clippy", check_clippy), ("contracts for browsers", check_for_browsers)];

/// Runs all of them, the cheap ones first, and fails if any does.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if let Some(arg) = args.first() {
        return Err(Failure::usage(format!("lint takes no {arg:?}: `cargo xtask lint` checks everything")));
    }
    let interrupt = Interrupt::listen()?;
    let mut failed = Vec::new();
    for (name, check) in QUICK.into_iter().chain(COMPILED) {
        if !check(&interrupt)? {
            failed.push(name);
        }
        interrupt.check()?;
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

fn check_clippy(interrupt: &Interrupt) -> Result<bool, Failure> {
    let mut clippy = process::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    Ok(process::run(&mut clippy, interrupt)?.success())
}

/// Whether the contracts compile to WebAssembly, as the tablets will use them. Adds the target if it is missing.
fn check_for_browsers(interrupt: &Interrupt) -> Result<bool, Failure> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]);
    let mut check = process::cargo();
    check.args(["check", "--package", "contracts", "--target", TARGET]);
    Ok(process::run(&mut add, interrupt)?.success() && process::run(&mut check, interrupt)?.success())
}

fn check_format(interrupt: &Interrupt) -> Result<bool, Failure> {
    let mut command = process::cargo();
    command.args(["fmt", "--all", "--check"]);
    Ok(process::run(&mut command, interrupt)?.success())
}

/// Spelling by typos.toml. Prints a notice if `typos` is missing; CI installs it.
fn check_spelling(interrupt: &Interrupt) -> Result<bool, Failure> {
    let Some(typos) = python_tools::find("typos", interrupt)? else {
        eprintln!("xtask: spelling is NOT checked: `typos` is missing (`cargo install typos-cli`)");
        return Ok(true);
    };
    let mut command = Command::new(typos);
    command.current_dir(process::root());
    Ok(process::run(&mut command, interrupt)?.success())
}

/// Licences, banned crates and sources by deny.toml. cargo-deny takes minutes to build, so nothing installs it.
fn check_dependencies(interrupt: &Interrupt) -> Result<bool, Failure> {
    let version = process::cargo().args(["deny", "--version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "xtask: licences, crates and sources are NOT checked: cargo-deny is missing (`cargo install cargo-deny`)"
        );
        return Ok(true);
    }
    let mut command = process::cargo();
    command.args(["deny", "--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    Ok(process::run(&mut command, interrupt)?.success())
}

/// Prints each breach of the design's rules, and returns whether there is none.
fn check_rules(_: &Interrupt) -> Result<bool, Failure> {
    let tree =
        Tree::read(&process::root()).map_err(|error| Failure::new(format!("cannot read the workspace: {error}")))?;
    let findings = rules::check(&tree, &rules::packages(&process::cargo_metadata()?));
    for finding in &findings {
        println!("{finding}");
    }
    println!("the design's rules: {} files checked, {} findings", tree.files.len(), findings.len());
    Ok(findings.is_empty())
}
