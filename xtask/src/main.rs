//! The commands that a person and CI both use: `cargo xtask up | test | lint | openapi | bench | mutants`.
//!
//! Owns how the workspace is built, checked and started. Knows nothing about its content except the design's rules,
//! which `lint` checks. Every command builds this crate first, so it has almost no dependencies.

mod bench;
mod lint;
mod mutants;
mod openapi;
mod postgres;
mod process;
mod python_tools;
mod rules;
mod test;
mod up;

use std::{env, process::ExitCode};

use process::Failure;

const HELP: &str = "\
The commands of this workspace. Each prepares what it needs.

  cargo xtask up [--release] [ARGS]     build fnb and start a demo shop; ARGS go to `fnb up`
  cargo xtask test [--long] [FILTERS]   run every test: on SQLite, then on a PostgreSQL of its own
  cargo xtask lint                      format, clippy, the design's rules, licences, spelling,
                                        contracts as WebAssembly
  cargo xtask openapi                   the API documents against the real program, as in test --long
  cargo xtask bench orders [ARGS]       measure the release build; see `bench orders --help`
  cargo xtask bench access              measure what a token and a signature cost
  cargo xtask mutants [ARGS]            change the rules one place at a time and report the changes
                                        that no test notices (hours); ARGS go to cargo-mutants

Examples:
  cargo xtask up --port 0 --data /tmp/shop      a shop on a free port, with its files elsewhere
  cargo xtask test cash_is_rounded              the tests whose name contains this
  cargo xtask test -p order                     the tests of one crate, on both databases
  cargo xtask bench orders --quick              a first impression in under a minute
  cargo xtask mutants -f contracts/src/money.rs the mutants of one file

test: CI=true implies --long (more random clients, more kills, the OpenAPI checks) and all that
      lint checks, and writes no snapshot.
      PostgreSQL 15 comes from the machine's package, runs in a temporary folder on a free port, and
      is stopped and removed at the end, also after a failure or Ctrl-C.
      The OpenAPI checks need python3; their programs come from PyPI into target/python-tools.
";

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let is_help = |args: &[String]| args.iter().any(|arg| arg == "--help" || arg == "-h");
    let outcome = match command.as_str() {
        "up" => up::run(&args),
        "test" if !is_help(&args) => test::run(&args),
        "lint" if !is_help(&args) => lint::run(&args),
        "mutants" if !is_help(&args) => mutants::run(&args),
        "openapi" if !is_help(&args) => openapi::run(&args),
        "bench" => bench::run(&args),
        "test" | "lint" | "mutants" | "openapi" | "" | "help" | "--help" | "-h" => {
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
