//! `cargo xtask bench`: builds the program and the benchmark in release mode and runs the benchmark.

use std::{os::unix::process::CommandExt, process::Command};

use crate::process::{self, Failure};

/// Builds the release binaries that it needs and replaces this process by the benchmark.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let is_help = args.is_empty() || args.iter().any(|arg| arg == "--help" || arg == "-h");
    if is_help {
        // Help does not wait for minutes of optimising.
        let error = process::cargo().args(["run", "--quiet", "--package", "bench", "--", "--help"]).exec();
        return Err(Failure::new(format!("cannot run cargo: {error}")));
    }
    let target = process::target_folder()?;
    // One after the other: built together, fnb would get features that only the benchmark needs.
    let measures_program = args.first().is_some_and(|name| name != "access");
    let packages = if measures_program { ["fnb", "bench"].as_slice() } else { &["bench"] };
    for package in packages {
        let status = process::cargo()
            .args(["build", "--release", "--package", package])
            .status()
            .map_err(|error| Failure::new(format!("cannot run cargo: {error}")))?;
        if !status.success() {
            return Err(Failure::new(format!("{package} does not build")));
        }
    }
    let release = target.join("release");
    let error = Command::new(release.join("bench"))
        .args(args)
        .env("BENCH_PROGRAM", release.join("fnb"))
        .env("BENCH_FOLDER", target.join("bench"))
        .exec();
    Err(Failure::new(format!("cannot run the benchmark: {error}")))
}
