//! `cargo xtask bench`: builds what is measured and what measures, both as released.

use std::{os::unix::process::CommandExt, path::PathBuf, process::Command};

use crate::process::{self, Failure};

/// Builds the release binaries and becomes the benchmark.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let asks_help = args.is_empty() || args.iter().any(|arg| arg == "--help" || arg == "-h");
    if asks_help {
        // A question is answered without minutes of optimising.
        let error = process::cargo().args(["run", "--quiet", "--package", "bench", "--", "--help"]).exec();
        return Err(Failure::new(format!("cannot run cargo: {error}")));
    }
    let target = target_folder()?;
    // One after the other: built together, fnb would get features that only the benchmark asks for.
    for package in ["fnb", "bench"] {
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

fn target_folder() -> Result<PathBuf, Failure> {
    process::cargo_metadata()?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new("cargo metadata names no target_directory"))
}
