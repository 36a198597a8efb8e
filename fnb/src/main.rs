//! `fnb`: the system that runs a coffee shop, in one program.

mod audit_log;
mod config;
mod credentials;
mod databases;
mod demo;
mod devices;
mod events;
#[cfg(test)]
mod example_file;
mod serve;
mod staff;
mod telemetry;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::{config::Config, telemetry::Telemetry};

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
    /// Look at events: those that are not published yet, and dead letters.
    Events {
        /// What to do with them.
        #[command(subcommand)]
        action: events::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
    /// On this machine itself: list the people of the shop, and reset a PIN that was lost.
    Staff {
        /// What to do with them.
        #[command(subcommand)]
        action: staff::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
    /// On this machine itself: make pairing codes, list the devices of the shop, and revoke one.
    Device {
        /// What to do with them.
        #[command(subcommand)]
        action: devices::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
    /// On this machine itself: end every token, after a backup was restored or a credential was stolen.
    Credentials {
        /// What to do with them.
        #[command(subcommand)]
        action: credentials::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
    /// Look at the audit trail: who did what, and whether it is as it was written.
    AuditLog {
        /// What to do with it.
        #[command(subcommand)]
        action: audit_log::Action,
        #[command(flatten)]
        basics: config::Basics,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fnb: {}", errors::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn std::error::Error>> {
    match command {
        Command::Up(flags) => {
            let (config, _telemetry) = start(&flags)?;
            Ok(on_runtime(up::up(config))??)
        }
        Command::Config(flags) => {
            print!("{}", config::shown(&config::read(&flags)?)?);
            Ok(())
        }
        Command::Events { action, basics } => {
            let (config, _telemetry) = start(&basics)?;
            Ok(on_runtime(events::run(action, config))??)
        }
        Command::Staff { action, basics } => {
            let (config, _telemetry) = start(&basics)?;
            Ok(on_runtime(staff::run(action, config))??)
        }
        Command::Device { action, basics } => {
            let (config, _telemetry) = start(&basics)?;
            Ok(on_runtime(devices::run(action, config))??)
        }
        Command::Credentials { action, basics } => {
            let (config, _telemetry) = start(&basics)?;
            Ok(on_runtime(credentials::run(action, config))??)
        }
        Command::AuditLog { action, basics } => {
            let (config, _telemetry) = start(&basics)?;
            Ok(on_runtime(audit_log::run(action, config))??)
        }
    }
}

/// Reads the settings, and starts the log and the export of traces by them.
fn start(flags: &impl Serialize) -> Result<(Config, Telemetry), Box<dyn std::error::Error>> {
    let config = config::read(flags)?;
    let telemetry = telemetry::start(config::levels(&config)?, config.log_format, config.otlp_endpoint.as_deref())?;
    Ok((config, telemetry))
}

fn on_runtime<T>(work: impl Future<Output = T>) -> Result<T, std::io::Error> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work))
}
