//! `cargo xtask test`: every test, with all its set-up.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    lint,
    postgres::Postgres,
    process::{self, Failure, Interrupt},
    rules::source::Tree,
};

/// Installed where it is missing. Pinned, so that a new release cannot change what a test run means.
const NEXTEST_VERSION: &str = "0.9.143";
/// nextest's status when a test failed, as opposed to everything that means that it could not run them.
const NEXTEST_TESTS_FAILED: i32 = 100;

/// What was run, for the summary.
struct Part {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// It could not be run to its end.
    CutShort,
}

struct Wish {
    is_long: bool,
    filters: Vec<String>,
}

/// Runs the tests on SQLite, then those that touch rows on PostgreSQL, and says how each part went.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let wish = Wish {
        is_long: process::is_ci() || args.iter().any(|arg| arg == "--long"),
        filters: args.iter().filter(|arg| *arg != "--long").cloned().collect(),
    };
    let interrupt = Interrupt::listen()?;
    need_nextest(&interrupt)?;
    let mut parts = Vec::new();
    let ended = run_parts(&wish, &interrupt, &mut parts);
    summarise(&parts, &wish);
    ended?;
    if parts.iter().any(|part| part.outcome == Outcome::Failed) {
        return Err(Failure::new("not everything passed; see above"));
    }
    Ok(())
}

/// A failed part does not keep the next from running; one that could not run does.
fn run_parts(wish: &Wish, interrupt: &Interrupt, parts: &mut Vec<Part>) -> Result<(), Failure> {
    if wish.filters.is_empty() {
        measure("design's rules", parts, || lint::check_rules().map(passed_if))?;
        measure("format", parts, || {
            process::run(&mut lint::format_check(), interrupt).map(|s| passed_if(s.success()))
        })?;
    }
    measure("tests on SQLite", parts, || tests(&mut nextest(wish), interrupt))?;
    if wish.filters.is_empty() && has_doc_tests() {
        let mut command = process::cargo();
        command.args(["test", "--workspace", "--doc"]);
        measure("doc tests", parts, || process::run(&mut command, interrupt).map(|s| passed_if(s.success())))?;
        interrupt.check()?;
    }
    measure("tests on PostgreSQL", parts, || {
        let postgres = Postgres::start(interrupt)?;
        let mut command = nextest(wish);
        command.args(["--profile", "postgres"]).env("FNB_TEST_POSTGRES", postgres.url());
        tests(&mut command, interrupt)
    })
}

fn measure(
    name: &'static str,
    parts: &mut Vec<Part>,
    part: impl FnOnce() -> Result<Outcome, Failure>,
) -> Result<(), Failure> {
    eprintln!("\nxtask: {name}");
    let begun = Instant::now();
    let outcome = part();
    let shown = *outcome.as_ref().unwrap_or(&Outcome::CutShort);
    parts.push(Part { name, took: begun.elapsed(), outcome: shown });
    outcome.map(|_| ())
}

fn passed_if(is_good: bool) -> Outcome {
    if is_good { Outcome::Passed } else { Outcome::Failed }
}

/// One command for both runs: the same packages and features, so that there is one compile.
fn nextest(wish: &Wish) -> Command {
    let mut command = process::cargo();
    command.args(["nextest", "run"]);
    // With `-p` among the filters cargo decides what is built.
    if !wish.filters.iter().any(|filter| filter.starts_with("-p") || filter == "--package") {
        command.arg("--workspace");
    }
    command.args(&wish.filters);
    if !wish.filters.is_empty() {
        command.arg("--no-tests=warn");
    }
    if wish.is_long {
        command.env("FNB_TEST_LONG", "1");
    }
    if process::is_ci() {
        command.arg("--locked").env("INSTA_UPDATE", "no");
    }
    command.env_remove("FNB_TEST_POSTGRES");
    command
}

fn tests(command: &mut Command, interrupt: &Interrupt) -> Result<Outcome, Failure> {
    let status = process::run(command, interrupt)?;
    interrupt.check()?;
    match status.code() {
        Some(0) => Ok(Outcome::Passed),
        Some(NEXTEST_TESTS_FAILED) => Ok(Outcome::Failed),
        _ => Err(Failure::new(format!("the tests could not be built or run: {status}"))),
    }
}

/// Whether any doc comment holds code that rustdoc would run.
fn has_doc_tests() -> bool {
    Tree::read(&process::root()).is_ok_and(|tree| tree.files.iter().any(|file| has_doc_test(&file.path, &file.text)))
}

fn has_doc_test(path: &str, text: &str) -> bool {
    let in_library = path.ends_with(".rs") && path.contains("src/") && !path.starts_with("xtask");
    let mut is_inside = false;
    in_library
        && text.lines().any(|line| {
            let line = line.trim_start();
            let Some(doc) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else { return false };
            let Some(fence) = doc.trim_start().strip_prefix("```") else { return false };
            is_inside = !is_inside;
            is_inside && matches!(fence.trim(), "" | "rust" | "no_run" | "should_panic" | "compile_fail")
        })
}

fn need_nextest(interrupt: &Interrupt) -> Result<(), Failure> {
    let is_there = process::cargo().args(["nextest", "--version"]).output().is_ok_and(|said| said.status.success());
    if is_there {
        return Ok(());
    }
    eprintln!("xtask: cargo-nextest is missing; installing {NEXTEST_VERSION} (some minutes, once)");
    let mut command = process::cargo();
    // Outside of the workspace, whose Cargo.lock is not the tool's.
    command.current_dir(std::env::temp_dir());
    command.args(["install", "cargo-nextest", "--locked", "--version", NEXTEST_VERSION]);
    process::must(&mut command, interrupt)
}

fn summarise(parts: &[Part], wish: &Wish) {
    let length = if wish.is_long { "long" } else { "short; --long runs the soak and fault suites for longer" };
    eprintln!("\nxtask: what ran ({length})");
    for Part { name, took, outcome } in parts {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::CutShort => "CUT SHORT",
        };
        eprintln!("  {word:<9}  {:>4} s  {name}", took.as_secs());
    }
}

#[cfg(test)]
mod tests {
    use super::has_doc_test;

    #[test]
    fn only_a_fence_that_rustdoc_runs_is_a_doc_test() {
        assert!(has_doc_test("contracts/src/lib.rs", "/// So:\n/// ```\n/// one()\n/// ```\n"));
        assert!(!has_doc_test("contracts/src/lib.rs", "/// So:\n/// ```text\n/// one()\n/// ```\n"));
        assert!(!has_doc_test("contracts/src/lib.rs", "// ```\n"));
    }
}
