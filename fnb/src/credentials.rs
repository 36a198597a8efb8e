//! `fnb credentials`: every token of a shop, for whoever has the machine itself.
//!
//! It writes the database, so it works while the shop runs and while it does not.

use clap::Subcommand;
use clock::Clock;
use db::Db;

use crate::config::Config;

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// End every token: everyone signs in again, and every tablet is paired again. PINs and dispensers' keys stay.
    Reset,
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The setting `database` is not an address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] db::InvalidServerUrl),
    /// The keys cannot be revoked.
    #[error("no token was ended: the keys that signed them cannot be written")]
    Db(#[from] db::DbError),
}

/// Runs the command and prints what it did.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), CredentialsError> {
    // Without migrations: another version of the program may run the shop now.
    let database = crate::databases::of(&config)?.open_existing(gateway::NAME).await?;
    let printed = match action {
        Action::Reset => reset(&database).await,
    };
    database.close().await;
    print!("{}", printed?);
    Ok(())
}

async fn reset(database: &Db) -> Result<String, CredentialsError> {
    let revoked = gateway::reset_credentials(database, Clock::system().now()).await?;
    Ok(format!(
        "Every token has ended; keys that were revoked: {revoked}. A running shop refuses them within seconds.\n\
         Pair the tablets again: the first till by `fnb device revoke` of the old one and `fnb device pair`, the others at \
         that till. Dispensers stay paired; if their keys may be known, pair them again too. PINs stay: `fnb staff \
         reset-pin`.\n"
    ))
}

#[cfg(test)]
mod tests {
    use host::Databases;

    use super::*;

    #[tokio::test]
    async fn every_token_is_ended_also_without_a_running_shop() {
        let folder = tempfile::tempdir().unwrap();
        let database = Databases::sqlite(folder.path()).open(&gateway::SCHEMA).await.unwrap();
        let printed = reset(&database).await.unwrap();
        assert!(printed.starts_with("Every token has ended; keys that were revoked: 0."), "{printed}");
        database.close().await;
    }
}
