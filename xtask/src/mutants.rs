//! `cargo xtask mutants`: changes the rules one place at a time and reports the changes that no test notices.
//!
//! Outside CI: each mutant is a compile and a run of its crate's tests, so the whole takes hours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{self, Failure, Interrupt};

/// Installed if there is none; any version that is there already will do.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";
/// The rules: the shared ones, and the model room of every service.
const RULES: [&str; 3] = ["contracts/src/**/*.rs", "services/*/src/model.rs", "services/*/src/model/**/*.rs"];
/// At least this many of a hundred viable mutants make a test fail. The others are equivalent to the original, or nearly.
const CAUGHT_PERCENT_MIN: usize = 97;
/// The tests of one crate take seconds; a mutant that loops for ever is caught by this.
const TIMEOUT_SECONDS: &str = "120";

/// How many mutants had which end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    caught: usize,
    /// Their tests did not end in time, which a person would notice too.
    timed_out: usize,
    /// They do not compile, so they count neither way.
    unviable: usize,
    survivors: Vec<String>,
}

impl Counts {
    fn viable(&self) -> usize {
        self.caught + self.timed_out + self.survivors.len()
    }

    fn killed(&self) -> usize {
        self.caught + self.timed_out
    }

    fn is_enough(&self) -> bool {
        self.killed() * 100 >= self.viable() * CAUGHT_PERCENT_MIN
    }
}

/// Runs cargo-mutants over the rules, prints what survived, and fails if too much did. `args` go to cargo-mutants.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    ensure_cargo_mutants(&interrupt)?;
    let output = process::target_folder()?.join("mutants");
    fs::create_dir_all(&output)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", output.display())))?;
    // A failing exit status can also mean survivors. The lists that it writes name them.
    process::run(&mut cargo_mutants(args, &output), &interrupt)?;
    interrupt.check()?;
    let counts = read_counts(&output.join("mutants.out"))?;
    println!("{}", summary(&counts));
    if counts.viable() == 0 {
        return Err(Failure::new("no mutant was tested: see above"));
    }
    if counts.is_enough() {
        return Ok(());
    }
    Err(Failure::new(format!("fewer than {CAUGHT_PERCENT_MIN} % were killed: write a test for each survivor")))
}

fn cargo_mutants(args: &[String], output: &Path) -> Command {
    let mut command = process::cargo();
    command
        .args(["mutants", "--test-tool", "nextest", "--no-shuffle", "--timeout", TIMEOUT_SECONDS, "--output"])
        .arg(output);
    // `-f` or `-p` among the arguments narrow the run; otherwise it is every rule.
    if !args.iter().any(|arg| arg.starts_with("-f") || arg == "--file") {
        command.args(RULES.iter().flat_map(|files| ["--file", files]));
    }
    command.args(args);
    // A mutant is tested by its own crate's tests, on SQLite.
    command.env_remove("FNB_TEST_POSTGRES").env("INSTA_UPDATE", "no");
    command
}

/// Reads the lists that cargo-mutants writes, one mutant a line.
fn read_counts(folder: &Path) -> Result<Counts, Failure> {
    let lines = |name: &str| -> Result<Vec<String>, Failure> {
        let file: PathBuf = folder.join(name);
        let text = fs::read_to_string(&file)
            .map_err(|error| Failure::new(format!("cargo-mutants left no {}: {error}", file.display())))?;
        Ok(text.lines().map(String::from).collect())
    };
    Ok(Counts {
        caught: lines("caught.txt")?.len(),
        timed_out: lines("timeout.txt")?.len(),
        unviable: lines("unviable.txt")?.len(),
        survivors: lines("missed.txt")?,
    })
}

fn summary(counts: &Counts) -> String {
    let mut text =
        format!("{} of {} viable mutants killed ({} not viable)", counts.killed(), counts.viable(), counts.unviable,);
    for survivor in &counts.survivors {
        text.push_str("\n  survived: ");
        text.push_str(survivor);
    }
    text
}

fn ensure_cargo_mutants(interrupt: &Interrupt) -> Result<(), Failure> {
    let version = process::cargo().args(["mutants", "--version"]).output();
    if version.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    process::install_cargo_tool("cargo-mutants", CARGO_MUTANTS_VERSION, interrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(caught: usize, survivors: usize) -> Counts {
        Counts { caught, survivors: vec!["a.rs:1:2: replace f".into(); survivors], ..Counts::default() }
    }

    #[test]
    fn ninety_seven_of_a_hundred_viable_mutants_must_be_killed() {
        assert!(counts(97, 3).is_enough());
        assert!(!counts(96, 4).is_enough());
        assert!(Counts { unviable: 50, timed_out: 1, ..counts(96, 3) }.is_enough());
    }

    #[test]
    fn the_summary_names_each_survivor() {
        let counts = Counts { unviable: 4, ..counts(9, 1) };
        assert_eq!(summary(&counts), "9 of 10 viable mutants killed (4 not viable)\n  survived: a.rs:1:2: replace f");
    }
}
