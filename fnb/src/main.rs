//! `fnb`: the system that runs a coffee shop, in one program.

mod config;
mod demo;
mod events;
#[cfg(test)]
mod example_file;
mod serve;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, ConfigError};

/// The system that runs a coffee shop: orders, payments, stock, and codes that become exactly one drink.
///
/// Start with `fnb up --demo` and open the address that it prints.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Settings come from the command line, then FNB_* variables, then fnb.toml in the current folder, then the defaults;
`fnb config` shows the outcome."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a shop: every service in this process. Prints `ready http://...` when it answers; Ctrl-C stops it.
    Up(config::Flags),
    /// Show every setting and where it may be changed; secrets are masked.
    Config(config::Flags),
    /// Look at events: what waits to be sent, and what could not be acted on.
    Events {
        /// What to do with them.
        #[command(subcommand)]
        action: events::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fnb: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn std::error::Error>> {
    match command {
        Command::Up(flags) => Ok(on_runtime(up::up(logging(&flags)?))??),
        Command::Config(flags) => {
            print!("{}", config::shown(&config::read(&flags)?)?);
            Ok(())
        }
        Command::Events { action, basics } => Ok(on_runtime(events::run(action, logging(&basics)?))??),
    }
}

/// The settings, once the log goes where they say.
fn logging(flags: &impl Serialize) -> Result<Config, ConfigError> {
    let config = config::read(flags)?;
    log_to_standard_error(config::levels(&config)?);
    Ok(config)
}

fn on_runtime<T>(work: impl Future<Output = T>) -> Result<T, std::io::Error> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work))
}

/// Standard output is for what a program reads: the `ready` line.
fn log_to_standard_error(levels: Targets) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(levels)).init();
}
