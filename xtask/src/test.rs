//! `cargo xtask test`: every test, with all its set-up.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    lint,
    postgres::{self, Postgres},
    process::{self, Failure, Interrupt},
};

/// Installed where there is none; any that is there already will do.
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
    let postgres = postgres::programs(&interrupt)?;
    let mut parts = Vec::new();
    let ended = run_parts(&wish, &postgres, &interrupt, &mut parts);
    summarise(&parts, &wish);
    ended?;
    if parts.iter().any(|part| part.outcome == Outcome::Failed) {
        return Err(Failure::new("not everything passed; see above"));
    }
    Ok(())
}

/// A failed part does not keep the next from running; one that could not run does.
fn run_parts(wish: &Wish, postgres: &Path, interrupt: &Interrupt, parts: &mut Vec<Part>) -> Result<(), Failure> {
    for (name, check) in checks(wish) {
        measure(name, parts, || check(interrupt).map(passed_if))?;
        interrupt.check()?;
    }
    measure("tests on SQLite", parts, || tests(&mut nextest(wish), interrupt))?;
    if wish.filters.is_empty() {
        let mut command = process::cargo();
        command.args(["test", "--workspace", "--doc", "--quiet"]);
        measure("doc tests", parts, || process::run(&mut command, interrupt).map(|s| passed_if(s.success())))?;
        interrupt.check()?;
    }
    measure("tests on PostgreSQL", parts, || {
        let postgres = Postgres::start(postgres, interrupt)?;
        let mut command = nextest(wish);
        command.args(["--profile", "postgres"]).env("FNB_TEST_POSTGRES", postgres.url());
        tests(&mut command, interrupt)
    })
}

/// What is checked before the tests.
fn checks(wish: &Wish) -> Vec<lint::Check> {
    match (wish.filters.is_empty(), process::is_ci()) {
        (false, _) => Vec::new(),
        (true, false) => lint::QUICK.into(),
        // Nobody runs lint by hand there.
        (true, true) => [lint::QUICK, lint::COMPILED].concat(),
    }
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
