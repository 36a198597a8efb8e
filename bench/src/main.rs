//! Benchmarks of the real program: the release build, over HTTP, on a real disk; and of what a credential costs.
//!
//! Owns how speed is measured. Knows the program only by its command line, its routes and its files; only `access` is
//! measured by its functions, because its microseconds are invisible over HTTP.
#![allow(clippy::float_arithmetic, reason = "floats are times here, never money")]

mod access;
mod baseline;
mod connection;
mod failure;
mod load;
mod menu;
mod orders;
mod outboxes;
mod past_orders;
mod plan;
mod report;
mod results;
mod server;
mod times;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if args.first().is_some_and(|name| name == "access") {
        return run_access(&args);
    }
    let plan = match plan::Plan::read(&args) {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            print!("{}\n{}", plan::HELP, access::HELP);
            return ExitCode::SUCCESS;
        }
        Err(failure) => {
            eprintln!("bench: {failure}");
            return ExitCode::from(2);
        }
    };
    exit_code(orders::run(&plan))
}

fn run_access(args: &[String]) -> ExitCode {
    if args.len() > 1 {
        print!("{}", access::HELP);
        return ExitCode::SUCCESS;
    }
    exit_code(access::run())
}

fn exit_code(outcome: Result<(), failure::Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
