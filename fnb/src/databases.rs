//! The databases of the settings: for the program, and for the commands beside it.

use std::time::Duration;

use db::InvalidServerUrl;
use host::Databases;

use crate::config::Config;

/// The databases that the settings name.
///
/// # Errors
/// If the setting `database` is not the address of a server.
pub(crate) fn of(config: &Config) -> Result<Databases, InvalidServerUrl> {
    let databases = match &config.database {
        Some(url) => Databases::postgres_prefixed(url, &config.database_prefix)?,
        None => Databases::sqlite(&config.data),
    };
    let commit_delay = Duration::from_millis(config.bench_flush_ms);
    Ok(databases.with_options(db::DbOptions { commit_delay, ..db::DbOptions::default() }))
}
