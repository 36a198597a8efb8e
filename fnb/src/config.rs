//! The settings of the program: the command line, then `FNB_*` variables, then `fnb.toml`, then the defaults.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use contracts::staff::Pin;
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use web::AllowedHosts;

/// The file in the current folder.
const FILE: &str = "fnb.toml";
/// Before the name of each variable, in capitals: `FNB_PORT`.
const VARIABLE_PREFIX: &str = "FNB_";
/// The setting that is read as a text.
const OWNER_PIN: &str = "owner_pin";
/// A report that is older than a day is of no use.
const REPORT_PAUSE_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// An object of JSON on each line, for a log collector.
    Json,
}

/// The options of every command: the location of the databases, and the log. An absent one is taken from the next source.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Basics {
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
    /// What goes to the log on standard error: off, error, warn, info, debug or trace, for parts of the program too
    /// [default: info,refinery_core=warn].
    #[arg(long, value_name = "LEVELS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// Whether the log is text or JSON, a line for each event [default: text].
    #[arg(long, value_name = "text|json", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
}

/// The options of `fnb up` and `fnb config`. An absent one is taken from the next source.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Flags {
    #[command(flatten)]
    #[serde(flatten)]
    basics: Basics,
    /// The address to listen on [default: 127.0.0.1]. Beyond this machine, others use HTTPS.
    #[arg(long, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<IpAddr>,
    /// The port of the gateway [default: 8080]; 0 takes a free one.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The port of HTTPS if --listen is an address of a network [default: 8443]; 0 takes a free one.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    https_port: Option<u16>,
    /// The certificate for HTTPS, a PEM file [default: one of the shop's own authority, made by itself].
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_certificate: Option<PathBuf>,
    /// The private key of --tls-certificate, a PEM file.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
    /// More names by which browsers reach the shop, such as kopi.example: others are refused [default: none].
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_hosts: Vec<String>,
    /// Send traces to this OpenTelemetry collector, such as http://127.0.0.1:4318 [default: none].
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    otlp_endpoint: Option<String>,
    /// Whether each service also has its own port on this machine, 5001 to 5005 and 8000 [default: on].
    #[arg(long, value_name = "on|off")]
    #[serde(skip_serializing_if = "Option::is_none")]
    service_ports: Option<Switch>,
    /// Fill a new shop with a menu and stock, and let a mock gateway pay QRIS. Another's shop is refused.
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    demo: bool,
    /// Let a mock gateway pay QRIS by itself, after so many milliseconds; receipts are marked TEST.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mock_qris_ms: Option<u64>,
    /// How often reports are brought up to date when nothing is sold, in seconds [default: 3600].
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    report_every_seconds: Option<u64>,
    /// How soon a sale is in the reports, in seconds [default: 10].
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    report_after_sale_seconds: Option<u64>,
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
    /// The port of HTTPS, if `listen` is an address of a network; 0 takes a free one.
    pub(crate) https_port: u16,
    /// The certificate for HTTPS, as a PEM file. `None`: one of the shop's own authority.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, as a PEM file.
    pub(crate) tls_key: Option<PathBuf>,
    /// Whether each service also has its own port, on this machine alone.
    pub(crate) service_ports: Switch,
    /// Whether an empty shop is filled, and QRIS paid by the mock gateway.
    pub(crate) demo: bool,
    /// The address of PostgreSQL. `None`: SQLite files.
    pub(crate) database: Option<String>,
    /// The beginning of the databases' names on PostgreSQL.
    pub(crate) database_prefix: String,
    /// The levels of the log, also for parts of the program.
    pub(crate) log: String,
    /// How the log looks.
    pub(crate) log_format: LogFormat,
    /// Names by which the shop may be reached, beside the addresses of this machine.
    pub(crate) allowed_hosts: Vec<String>,
    /// The OpenTelemetry collector that traces are sent to by OTLP over HTTP. `None`: they are not sent.
    pub(crate) otlp_endpoint: Option<String>,
    /// How long the mock gateway takes to pay, in milliseconds. `None`: no mock gateway, unless `demo`.
    pub(crate) mock_qris_ms: Option<u64>,
    /// How often reports are brought up to date when nothing was sold, in seconds.
    pub(crate) report_every_seconds: u64,
    /// How soon a sale is in the reports, in seconds.
    pub(crate) report_after_sale_seconds: u64,
    /// For benchmarks: a slower disk, in milliseconds for each commit.
    pub(crate) bench_flush_ms: u64,
    /// The PIN of a new shop's owner. `None`: a random one, which is printed.
    pub(crate) owner_pin: Option<OwnerPin>,
}

/// The setting `owner_pin`. It is masked wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerPin(pub(crate) Pin);

impl Serialize for OwnerPin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("********")
    }
}
impl<'de> Deserialize<'de> for OwnerPin {
    /// The error does not repeat what was given.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pin = Pin::deserialize(deserializer)
            .map_err(|_| de::Error::custom("owner_pin is no PIN: use 4 to 8 digits in quotes, such as \"481926\""))?;
        Ok(Self(pin))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "fnb-data".into(),
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            https_port: 8443,
            tls_certificate: None,
            tls_key: None,
            service_ports: Switch::On,
            demo: false,
            database: None,
            database_prefix: String::new(),
            log: "info,refinery_core=warn".into(),
            log_format: LogFormat::Text,
            allowed_hosts: Vec::new(),
            otlp_endpoint: None,
            mock_qris_ms: None,
            report_every_seconds: 60 * 60,
            report_after_sale_seconds: 10,
            bench_flush_ms: 0,
            owner_pin: None,
        }
    }
}

/// The settings cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}. `fnb config` shows every setting.")]
pub(crate) struct ConfigError(String);

/// The settings from every source.
pub(crate) fn read(flags: &impl Serialize) -> Result<Config, ConfigError> {
    // figment also looks for a relative path in the folders above, where it may be another shop's.
    let here = std::env::current_dir().map_err(|error| ConfigError(format!("the current folder: {error}")))?;
    Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::file(here.join(FILE)))
        .merge(Env::prefixed(VARIABLE_PREFIX).filter(|name| !name.starts_with("test_") && name != OWNER_PIN))
        .merge(owner_pin_variable())
        .merge(Serialized::defaults(flags))
        .extract()
        .map_err(|error| ConfigError(error.to_string()))
        .and_then(checked)
}

/// The variable `FNB_OWNER_PIN`. figment would read it as a number, without the zeros in front.
fn owner_pin_variable() -> Figment {
    match std::env::var(format!("{VARIABLE_PREFIX}{}", OWNER_PIN.to_uppercase())) {
        Ok(pin) => Figment::from(Serialized::default(OWNER_PIN, pin)),
        Err(_) => Figment::new(),
    }
}

/// The levels of the setting `log`.
pub(crate) fn levels(config: &Config) -> Result<Targets, ConfigError> {
    let refused = |reason: &dyn std::fmt::Display| {
        ConfigError(format!(
            "log is {:?}: {reason}. Use a level, such as debug, or several, such as info,db=debug",
            config.log
        ))
    };
    // tracing takes a misspelt level for the name of a part, and then logs nothing else.
    let misspelt = config
        .log
        .split(',')
        .find(|level| level.is_empty() || (!level.contains('=') && level.parse::<LevelFilter>().is_err()));
    if let Some(level) = misspelt {
        return Err(refused(&format_args!("{level:?} is no level")));
    }
    config.log.parse().map_err(|error: ParseError| refused(&error))
}

/// Refuses settings with which the program cannot work.
fn checked(config: Config) -> Result<Config, ConfigError> {
    levels(&config)?;
    AllowedHosts::new(config.listen, &config.allowed_hosts)
        .map_err(|error| ConfigError(format!("allowed_hosts: {error}")))?;
    if let Some(endpoint) = config.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.starts_with("http://")) {
        return Err(ConfigError(format!(
            "otlp_endpoint is {:?}: use the address of a collector, such as http://127.0.0.1:4318",
            db::without_secrets(endpoint)
        )));
    }
    check_https(&config)?;
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

/// Refuses settings with which HTTPS cannot work.
fn check_https(config: &Config) -> Result<(), ConfigError> {
    if config.port == config.https_port && config.port != 0 {
        return Err(ConfigError(format!(
            "port and https_port are both {}: HTTP and HTTPS need a port each, such as 8080 and 8443",
            config.port
        )));
    }
    match (&config.tls_certificate, &config.tls_key) {
        (Some(_), None) => Err("tls_key"),
        (None, Some(_)) => Err("tls_certificate"),
        (Some(_), Some(_)) | (None, None) => Ok(()),
    }
    .map_err(|missing| {
        ConfigError(format!(
            "{missing} is not set: tls_certificate and tls_key belong together, each the path of a PEM file"
        ))
    })
}

/// The settings in the form of `fnb.toml`, with secrets masked.
pub(crate) fn shown(config: &Config) -> Result<String, ConfigError> {
    let masked = |address: &Option<String>| address.as_deref().map(db::without_secrets);
    let masked =
        Config { database: masked(&config.database), otlp_endpoint: masked(&config.otlp_endpoint), ..config.clone() };
    let toml = toml::to_string(&masked).map_err(|error| ConfigError(error.to_string()))?;
    let mut unset = String::new();
    if config.database.is_none() {
        unset.push_str("# database is not set: SQLite files in the data folder\n");
    }
    if config.otlp_endpoint.is_none() {
        unset.push_str("# otlp_endpoint is not set: traces are not sent to a collector\n");
    }
    if config.tls_certificate.is_none() {
        unset.push_str("# tls_certificate and tls_key are not set: HTTPS uses the shop's own authority\n");
    }
    if config.mock_qris_ms.is_none() {
        unset.push_str("# mock_qris_ms is not set: no mock gateway, unless demo is true (it then pays at once)\n");
    }
    if config.owner_pin.is_none() {
        unset.push_str("# owner_pin is not set: the owner of a new shop gets a random PIN, which is printed once\n");
    }
    Ok(format!(
        "# Set here, in {FILE}, or by {VARIABLE_PREFIX}<NAME>, such as {VARIABLE_PREFIX}PORT=9000.\n{toml}{unset}"
    ))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let config = Config { database: Some("postgres://shop:s3cr@t@db.local:5432".into()), ..Config::default() };
        let shown = shown(&config).unwrap();
        assert!(!shown.contains("s3cr"), "{shown}");
        assert!(shown.contains("postgres://shop:********@db.local:5432"), "{shown}");

        let endpoint = |scheme: &str| Some(format!("{scheme}://shop:s3cret@collector:4318"));
        let config = Config { otlp_endpoint: endpoint("http"), ..Config::default() };
        assert!(!super::shown(&config).unwrap().contains("s3cret"));
        let refusal = checked(Config { otlp_endpoint: endpoint("https"), ..Config::default() }).unwrap_err();
        assert!(!refusal.to_string().contains("s3cret"), "{refusal}");
    }

    #[test]
    fn the_owners_pin_is_never_shown() {
        let pin = |digits: &str| {
            Figment::from(Serialized::default(OWNER_PIN, digits)).extract_inner::<OwnerPin>(OWNER_PIN).map_err(Box::new)
        };
        let config = Config { owner_pin: Some(pin("048192").unwrap()), ..Config::default() };
        let shown = shown(&config).unwrap();
        assert!(shown.contains("owner_pin = \"********\"") && !shown.contains("048192"), "{shown}");
        assert!(!format!("{config:?}").contains("048192"));
        let refusal = pin("12a4567").unwrap_err().to_string();
        assert!(refusal.contains("4 to 8 digits") && !refusal.contains("12a4567"), "{refusal}");
    }

    #[test]
    fn settings_with_random_changes_are_read_or_refused() {
        let written =
            shown(&Config { database: Some("postgres://shop@db.local".into()), ..Config::default() }).unwrap();
        let mut random = StdRng::seed_from_u64(testkit::seed());
        for _ in 0..1_000 {
            let mut bytes = written.clone().into_bytes();
            for _ in 0..random.random_range(1..8_u32) {
                let at = random.random_range(0..bytes.len());
                let end = random.random_range(at..bytes.len().min(at + 8));
                bytes.splice(at..end, [random.random_range(0..0x80_u8)]);
            }
            let changed = String::from_utf8_lossy(&bytes);
            let read = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(&changed)).extract();
            if let Ok(Ok(config)) = read.map(checked) {
                assert!(shown(&config).is_ok(), "{changed}");
            }
        }
    }

    #[test]
    fn misspelt_levels_are_refused_with_what_to_use() {
        for wrong in ["", "debgu", "info,loud", "info,db=loud"] {
            let refusal = checked(Config { log: wrong.into(), ..Config::default() }).unwrap_err().to_string();
            assert!(refusal.contains(&format!("log is {wrong:?}")) && refusal.contains("info,db=debug"), "{refusal}");
        }
        for right in ["off", "DEBUG", "warn,db=debug,host=trace"] {
            assert!(checked(Config { log: right.into(), ..Config::default() }).is_ok(), "{right}");
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
    fn hosts_and_collectors_that_cannot_be_reached_are_refused_with_what_to_use() {
        let wrong_host = Config { allowed_hosts: vec!["http://kopi.example".into()], ..Config::default() };
        let refusal = checked(wrong_host).unwrap_err().to_string();
        assert!(refusal.contains("allowed_hosts") && refusal.contains("such as kopi.example"), "{refusal}");
        let wrong_endpoint = Config { otlp_endpoint: Some("localhost:4318".into()), ..Config::default() };
        let refusal = checked(wrong_endpoint).unwrap_err().to_string();
        assert!(refusal.contains("otlp_endpoint") && refusal.contains("http://127.0.0.1:4318"), "{refusal}");
    }

    #[test]
    fn a_certificate_without_its_key_and_two_servers_on_one_port_are_refused() {
        let without_key = Config { tls_certificate: Some("shop.crt".into()), ..Config::default() };
        let refusal = checked(without_key).unwrap_err().to_string();
        assert!(refusal.contains("tls_key is not set") && refusal.contains("PEM file"), "{refusal}");
        let one_port = Config { https_port: 8080, ..Config::default() };
        let refusal = checked(one_port).unwrap_err().to_string();
        assert!(refusal.contains("both 8080") && refusal.contains("8443"), "{refusal}");
        assert!(checked(Config { port: 0, https_port: 0, ..Config::default() }).is_ok());
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let config = Config { allowed_hosts: vec!["kopi.example".into()], ..Config::default() };
        let shown = shown(&config).unwrap();
        let read: Config = Figment::from(Toml::string(&shown)).extract().unwrap();
        assert_eq!(read, config);
    }
}
