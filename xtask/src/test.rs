//! `cargo xtask test`: runs every test and prepares what they need.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    lint,
    openapi::{self, Checked},
    postgres::{self, Postgres},
    process::{self, Failure, Interrupt},
};

/// Installed if there is none; any version that is there already will do.
const NEXTEST_VERSION: &str = "0.9.143";
/// nextest's exit status if a test failed; every other one means that it could not run them.
const NEXTEST_TESTS_FAILED: i32 = 100;

/// One part of a run, for the summary.
struct Part {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// This machine lacks what it needs.
    Skipped,
    /// It did not run to its end.
    CutShort,
}

/// What the command line asks for.
struct Options {
    /// Also the soak and fault suites at full length, and the OpenAPI checks.
    is_long: bool,
    /// Go to nextest.
    filters: Vec<String>,
}

/// Runs the tests on SQLite, then those that touch rows on PostgreSQL, and prints how each part went.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let options = Options {
        is_long: process::is_ci() || args.iter().any(|arg| arg == "--long"),
        filters: args.iter().filter(|arg| *arg != "--long").cloned().collect(),
    };
    let interrupt = Interrupt::listen()?;
    ensure_nextest(&interrupt)?;
    let postgres = postgres::programs(&interrupt)?;
    let mut parts = Vec::new();
    let result = run_parts(&options, &postgres, &interrupt, &mut parts);
    summarise(&parts, &options);
    result?;
    if parts.iter().any(|part| part.outcome == Outcome::Failed) {
        return Err(Failure::new("not everything passed: see above"));
    }
    Ok(())
}

/// After a part that failed the next one runs; after one that could not run, none does.
fn run_parts(options: &Options, postgres: &Path, interrupt: &Interrupt, parts: &mut Vec<Part>) -> Result<(), Failure> {
    for (name, check) in checks(options) {
        measure(name, parts, || check(interrupt).map(passed_if))?;
        interrupt.check()?;
    }
    measure("tests on SQLite", parts, || tests(&mut nextest(options), interrupt))?;
    if options.filters.is_empty() {
        let mut command = process::cargo();
        command.args(["test", "--workspace", "--doc", "--quiet"]);
        measure("doc tests", parts, || process::run(&mut command, interrupt).map(|s| passed_if(s.success())))?;
        interrupt.check()?;
    }
    if options.is_long && options.filters.is_empty() {
        measure("OpenAPI documents", parts, || check_openapi(interrupt))?;
    }
    measure("tests on PostgreSQL", parts, || {
        let postgres = Postgres::start(postgres, interrupt)?;
        let mut command = nextest(options);
        command.args(["--profile", "postgres"]).env("FNB_TEST_POSTGRES", postgres.url());
        tests(&mut command, interrupt)
    })
}

/// The documents against the program that the tests before built.
fn check_openapi(interrupt: &Interrupt) -> Result<Outcome, Failure> {
    match openapi::check(interrupt)? {
        Checked::Done(is_good) => Ok(passed_if(is_good)),
        Checked::Skipped(why) => {
            eprintln!("xtask: the OpenAPI documents are NOT checked: {why}");
            Ok(Outcome::Skipped)
        }
    }
}

/// The checks before the tests.
fn checks(options: &Options) -> Vec<lint::Check> {
    match (options.filters.is_empty(), process::is_ci()) {
        (false, _) => Vec::new(),
        (true, false) => lint::QUICK.into(),
        // On CI nobody runs lint by hand.
        (true, true) => [lint::QUICK.as_slice(), &lint::COMPILED].concat(),
    }
}

fn measure(
    name: &'static str,
    parts: &mut Vec<Part>,
    part: impl FnOnce() -> Result<Outcome, Failure>,
) -> Result<(), Failure> {
    eprintln!("\nxtask: {name}");
    let started = Instant::now();
    let outcome = part();
    let shown = *outcome.as_ref().unwrap_or(&Outcome::CutShort);
    parts.push(Part { name, took: started.elapsed(), outcome: shown });
    outcome.map(|_| ())
}

fn passed_if(is_good: bool) -> Outcome {
    if is_good { Outcome::Passed } else { Outcome::Failed }
}

/// One command for both runs: the same packages and features, so that there is one compile.
fn nextest(options: &Options) -> Command {
    let mut command = process::cargo();
    command.args(["nextest", "run"]);
    // With `-p` among the filters cargo decides what is built.
    if !options.filters.iter().any(|filter| filter.starts_with("-p") || filter == "--package") {
        command.arg("--workspace");
    }
    command.args(&options.filters);
    if !options.filters.is_empty() {
        command.arg("--no-tests=warn");
    }
    if options.is_long {
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

fn ensure_nextest(interrupt: &Interrupt) -> Result<(), Failure> {
    let version = process::cargo().args(["nextest", "--version"]).output();
    if version.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    process::install_cargo_tool("cargo-nextest", NEXTEST_VERSION, interrupt)
}

fn summarise(parts: &[Part], options: &Options) {
    let length = if options.is_long { "long" } else { "short; --long runs the soak and fault suites for longer" };
    eprintln!("\nxtask: what ran ({length})");
    for Part { name, took, outcome } in parts {
        let outcome = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "SKIPPED",
            Outcome::CutShort => "CUT SHORT",
        };
        eprintln!("  {outcome:<9}  {:>4} s  {name}", took.as_secs());
    }
}
