//! `cargo xtask up`: builds and starts a demo shop from a fresh checkout.

use std::os::unix::process::CommandExt;

use crate::process::{self, Failure};

/// Builds fnb and replaces this process by it, so that Ctrl-C, signals and the exit status are its own.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut command = process::cargo();
    command.current_dir(".").args(["run", "--package", "fnb", "--bin", "fnb"]);
    if args.iter().any(|arg| arg == "--release") {
        command.arg("--release");
    }
    command.args(["--", "up", "--demo"]);
    command.args(args.iter().filter(|arg| *arg != "--release"));
    let error = command.exec();
    Err(Failure::new(format!("cannot run cargo: {error}")))
}
