//! `cargo xtask lint`: format, clippy with warnings denied, the design's rules, and the contracts for browsers.

use std::process::Command;

use crate::{
    process::{self, Failure, Interrupt},
    rules::{self, source::Tree},
};

/// Runs all of them, the cheap ones first, and fails if any does.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if let Some(arg) = args.first() {
        return Err(Failure::usage(format!("lint takes no {arg:?}: `cargo xtask lint` checks everything")));
    }
    let interrupt = Interrupt::listen()?;
    let keeps_rules = check_rules()?;
    let is_formatted = process::run(&mut format_check(), &interrupt)?.success();
    interrupt.check()?;
    let mut clippy = process::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    let is_clean = process::run(&mut clippy, &interrupt)?.success();
    interrupt.check()?;
    let goes_to_browsers = check_for_browsers(&interrupt)?;
    interrupt.check()?;
    let outcomes = [
        ("rules", keeps_rules),
        ("format (`cargo fmt --all`)", is_formatted),
        ("clippy", is_clean),
        ("contracts for browsers", goes_to_browsers),
    ];
    let failed: Vec<&str> = outcomes.into_iter().filter_map(|(name, is_good)| (!is_good).then_some(name)).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("to be mended: {}", failed.join(", ")))) }
}

/// Whether the contracts compile to WebAssembly, as the tablets will have them. Adds the target where it is missing.
fn check_for_browsers(interrupt: &Interrupt) -> Result<bool, Failure> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]);
    let mut check = process::cargo();
    check.args(["check", "--package", "contracts", "--target", TARGET]);
    Ok(process::run(&mut add, interrupt)?.success() && process::run(&mut check, interrupt)?.success())
}

/// `cargo fmt --all --check`.
pub(crate) fn format_check() -> Command {
    let mut command = process::cargo();
    command.args(["fmt", "--all", "--check"]);
    command
}

/// Prints each breach of the design's rules, and answers whether there is none.
pub(crate) fn check_rules() -> Result<bool, Failure> {
    let root = process::root();
    let tree = Tree::read(&root).map_err(|error| Failure::new(format!("cannot read the workspace: {error}")))?;
    let metadata = process::output(process::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata = serde_json::from_str(&metadata)
        .map_err(|error| Failure::new(format!("cargo metadata is not what we know: {error}")))?;
    let findings = rules::check(&tree, &rules::packages(&metadata));
    for finding in &findings {
        println!("{finding}");
    }
    println!("the design's rules: {} files read, {} to be mended", tree.files.len(), findings.len());
    Ok(findings.is_empty())
}
