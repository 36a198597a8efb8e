//! Benchmarks of the real program: the release build, over HTTP, on a real disk.
//!
//! Owns how speed is measured. Knows the program only by its command line, its routes and its files.
#![allow(clippy::float_arithmetic, reason = "floats are times here, never money")]

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
    let plan = match plan::Plan::read(&args) {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            print!("{}", plan::HELP);
            return ExitCode::SUCCESS;
        }
        Err(failure) => {
            eprintln!("bench: {failure}");
            return ExitCode::from(2);
        }
    };
    match orders::run(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
