//! The commands that a person and CI both use: `cargo xtask up | test | lint | bench`.
//!
//! Owns how the workspace is built, checked and started; knows nothing of what is in it beyond the
//! design's rules, which `lint` checks. Every command builds this crate first, so it has next to no
//! dependencies.

mod bench;
mod lint;
mod postgres;
mod process;
mod rules;
mod test;
mod up;

use std::{env, process::ExitCode};

use process::Failure;

const HELP: &str = "\
The commands of this workspace. Each does its own set-up.

  cargo xtask up [--release] [ARGS]     build fnb and start a demo shop; ARGS go to `fnb up`
  cargo xtask test [--long] [FILTERS]   run every test: on SQLite, then on a PostgreSQL of its own
  cargo xtask lint                      format, clippy, the design's rules, contracts as WebAssembly
  cargo xtask bench orders [ARGS]       measure the release build; `bench orders --help` says what

Examples:
  cargo xtask up --port 0 --data /tmp/shop      a shop on a free port, with its files elsewhere
  cargo xtask test cash_is_rounded              the tests whose name contains this
  cargo xtask test -p order                     the tests of one crate, on both databases
  cargo xtask bench orders --quick              a first impression in under a minute

test: CI=true implies --long (more random tills, more pulled plugs) and all that lint checks, and
      writes no snapshot.
      PostgreSQL 15 comes from the machine's package, runs in a temporary folder on a free port, and
      is stopped and removed at the end, also after a failure or Ctrl-C.
";

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let asks_help = |args: &[String]| args.iter().any(|arg| arg == "--help" || arg == "-h");
    let outcome = match command.as_str() {
        "up" => up::run(&args),
        "test" if !asks_help(&args) => test::run(&args),
        "lint" if !asks_help(&args) => lint::run(&args),
        "bench" => bench::run(&args),
        "test" | "lint" | "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(Failure::usage(format!("there is no command {other:?}: `cargo xtask --help` lists them"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            failure.exit_code()
        }
    }
}
