//! The settings of the program: the command line, then `FNB_*` variables, then `fnb.toml`, then the defaults.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

/// The file in the current folder.
const FILE: &str = "fnb.toml";
/// Before the name of each variable, in capitals: `FNB_PORT`.
const VARIABLE_PREFIX: &str = "FNB_";
/// Reports that are older than a day are of no use.
const REPORT_PAUSE_SECONDS_MAX: u64 = 24 * 60 * 60;
/// What is shown instead of a secret.
const MASK: &str = "********";

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// Where the shop's rows are. What is absent is taken from the next source.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Place {
    /// The folder of the shop's files [default: fnb-data].
    #[arg(long, value_name = "DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    /// PostgreSQL instead of files: postgres://user:password@host:port [default: SQLite files in the data folder].
    #[arg(long, value_name = "URL", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// What the databases' names on PostgreSQL begin with, so that one server holds several shops [default: nothing].
    #[arg(long, value_name = "TEXT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_prefix: Option<String>,
}

/// The command line. What is absent is taken from the next source.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    place: Place,
    /// The address to listen on [default: 127.0.0.1]. There is no sign-in yet: keep it on this machine.
    #[arg(long, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<IpAddr>,
    /// The port of the gateway [default: 8080]; 0 takes a free one.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Whether each service also has its own port, 5001 to 5005 and 8000 [default: on].
    #[arg(long, value_name = "on|off")]
    #[serde(skip_serializing_if = "Option::is_none")]
    service_ports: Option<Switch>,
    /// Fill an empty shop with a menu and stock, and let a mock gateway pay QRIS.
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    demo: bool,
    /// Let a mock gateway pay QRIS by itself, after so many milliseconds; receipts are marked TEST.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mock_qris_ms: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if hands a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The settings, from every source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The folder of the shop's files.
    pub(crate) data: PathBuf,
    /// The address to listen on.
    pub(crate) listen: IpAddr,
    /// The port of the gateway; 0 takes a free one.
    pub(crate) port: u16,
    /// Whether each service also has its own port.
    pub(crate) service_ports: Switch,
    /// Whether an empty shop is filled, and QRIS paid by the mock gateway.
    pub(crate) demo: bool,
    /// PostgreSQL's address, or nothing for files.
    pub(crate) database: Option<String>,
    /// What the databases' names on PostgreSQL begin with.
    pub(crate) database_prefix: String,
    /// How long the mock gateway takes to pay, in milliseconds; nothing: no mock gateway, unless `demo`.
    pub(crate) mock_qris_ms: Option<u64>,
    /// How often reports are brought up to date when nothing was sold, in seconds.
    pub(crate) report_every_seconds: u64,
    /// How soon a sale is in the reports, in seconds.
    pub(crate) report_after_sale_seconds: u64,
    /// For benchmarks: a slower disk, in milliseconds for each commit.
    pub(crate) bench_flush_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "fnb-data".into(),
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            service_ports: Switch::On,
            demo: false,
            database: None,
            database_prefix: String::new(),
            mock_qris_ms: None,
            report_every_seconds: 60 * 60,
            report_after_sale_seconds: 10,
            bench_flush_ms: 0,
        }
    }
}

/// The settings cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}. `fnb up --help` and `fnb config` show every setting.")]
pub(crate) struct ConfigError(String);

/// The settings from every source.
pub(crate) fn read(flags: &impl Serialize) -> Result<Config, ConfigError> {
    Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::file(FILE))
        .merge(Env::prefixed(VARIABLE_PREFIX).ignore(&["log"]).filter(|name| !name.starts_with("test_")))
        .merge(Serialized::defaults(flags))
        .extract()
        .map_err(|error| ConfigError(error.to_string()))
        .and_then(checked)
}

/// Refuses a pause that would be none, or would never end.
fn checked(config: Config) -> Result<Config, ConfigError> {
    let pauses = [
        ("report_every_seconds", config.report_every_seconds),
        ("report_after_sale_seconds", config.report_after_sale_seconds),
    ];
    match pauses.into_iter().find(|(_, seconds)| !(1..=REPORT_PAUSE_SECONDS_MAX).contains(seconds)) {
        Some((name, seconds)) => {
            Err(ConfigError(format!("{name} is {seconds}: use 1 to {REPORT_PAUSE_SECONDS_MAX} seconds (a day)")))
        }
        None => Ok(config),
    }
}

/// The settings as `fnb.toml` would have them, secrets masked.
pub(crate) fn shown(config: &Config) -> Result<String, ConfigError> {
    let masked = Config { database: config.database.as_deref().map(masked), ..config.clone() };
    let toml = toml::to_string(&masked).map_err(|error| ConfigError(error.to_string()))?;
    let mut unset = String::new();
    if config.database.is_none() {
        unset.push_str("# database is not set: SQLite files in the data folder\n");
    }
    if config.mock_qris_ms.is_none() {
        unset.push_str("# mock_qris_ms is not set: no mock gateway, unless demo is true (it then pays at once)\n");
    }
    Ok(format!(
        "# Set here, in {FILE}, or by {VARIABLE_PREFIX}<NAME>, such as {VARIABLE_PREFIX}PORT=9000.\n{toml}{unset}"
    ))
}

/// An address without its passwords: the user's, and those after the question mark.
fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return MASK.to_owned() };
    let (login, place) = match rest.rsplit_once('@') {
        // The sign may be part of a password after the question mark: then nothing is sure, and nothing shown.
        Some((login, _)) if login.contains('?') => return format!("{scheme}://{MASK}"),
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let login = login.map_or_else(String::new, |login| match login.split_once(':') {
        Some((user, _)) => format!("{user}:{MASK}@"),
        None => format!("{login}@"),
    });
    let place = match place.split_once('?') {
        Some((place, options)) => {
            format!("{place}?{}", options.split('&').map(masked_option).collect::<Vec<_>>().join("&"))
        }
        None => place.to_owned(),
    };
    format!("{scheme}://{login}{place}")
}

/// `name=value`, the value of anything like a password masked.
fn masked_option(option: &str) -> String {
    match option.split_once('=') {
        Some((name, _)) if name.contains('%') || name.to_lowercase().contains("pass") => format!("{name}={MASK}"),
        _ => option.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let config = Config { database: Some("postgres://shop:s3cr@t@db.local:5432".into()), ..Config::default() };
        let shown = shown(&config).unwrap();
        assert!(!shown.contains("s3cr"), "{shown}");
        assert!(shown.contains("postgres://shop:********@db.local:5432"), "{shown}");
    }

    #[test]
    fn a_password_after_the_question_mark_is_never_shown_either() {
        for (url, expected) in [
            ("postgres://shop@db/?password=s3cr", "postgres://shop@db/?password=********"),
            ("postgres://db?sslmode=require&Password=s3cr", "postgres://db?sslmode=require&Password=********"),
            ("postgres://db?p%61ssword=s3cr", "postgres://db?p%61ssword=********"),
            ("postgres://a:s3cr@db?sslpassword=s3cr", "postgres://a:********@db?sslpassword=********"),
            ("postgres://shop@db?password=s3c@r", "postgres://********"),
        ] {
            assert_eq!(masked(url), expected);
        }
    }

    #[test]
    fn reports_without_a_pause_are_refused_with_what_to_use() {
        for config in [
            Config { report_after_sale_seconds: 0, ..Config::default() },
            Config { report_every_seconds: 0, ..Config::default() },
            Config { report_every_seconds: u64::MAX, ..Config::default() },
        ] {
            let refusal = checked(config).unwrap_err().to_string();
            assert!(refusal.contains("use 1 to 86400 seconds"), "{refusal}");
        }
        assert!(checked(Config::default()).is_ok());
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let shown = shown(&Config::default()).unwrap();
        let read: Config = Figment::from(Toml::string(&shown)).extract().unwrap();
        assert_eq!(read, Config::default());
    }
}
