//! `fnb device`: the devices of a shop, for whoever has the machine itself.
//!
//! It reads and writes the database, so it works while the shop runs and while it does not.

use std::fmt::Write;

use clap::{Subcommand, ValueEnum};
use clock::Clock;
use contracts::{
    device::{CreatePairingCode, DeviceKind, DeviceView},
    ids::DeviceId,
};
use db::Db;
use gateway::DeviceCommandError;

use crate::{config::Config, serve};

/// The name of the first till of a new shop.
const FIRST_TILL: &str = "POS 1";

/// What to do with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Make a pairing code for a new device: for one use, for ten minutes.
    Pair {
        /// What it will be.
        #[arg(long, value_enum)]
        kind: Kind,
        /// Its name in lists.
        #[arg(long)]
        name: String,
        /// Where it will stand.
        #[arg(long)]
        place: Option<String>,
    },
    /// List the devices of the shop.
    List,
    /// Revoke a device that was lost or sold: it is refused from then on.
    Revoke {
        /// Its id, as `list` shows it.
        device: DeviceId,
        /// Why, for the audit trail.
        #[arg(long, default_value = "revoked on the shop's machine")]
        reason: String,
    },
}

/// What a device is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// A tablet at the counter, for staff.
    Pos,
    /// A tablet for guests.
    Kiosk,
    /// A machine that pours.
    Dispenser,
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevicesError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The setting `database` is not an address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] db::InvalidServerUrl),
    /// The devices cannot be read or changed.
    #[error("`fnb device list` shows which there are")]
    Command(#[from] DeviceCommandError),
}

/// Runs the command and prints what it did.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), DevicesError> {
    // Without migrations: another version of the program may run the shop now.
    let database = crate::databases::of(&config)?.open_existing(gateway::NAME).await?;
    let printed = match action {
        Action::Pair { kind, name, place } => {
            let request = CreatePairingCode { kind: kind.into(), name, place };
            let origin = serve::origin(&config, (config.listen, config.port).into());
            pair(&database, request, &origin).await
        }
        Action::List => list(&database).await,
        Action::Revoke { device, reason } => revoke(&database, device, reason).await,
    };
    database.close().await;
    print!("{}", printed?);
    Ok(())
}

/// Prints the pairing code of a new shop's first till to standard error, beside the log. `origin`: the shop's address.
pub(crate) async fn print_first_till(database: &Db, origin: &str) -> Result<(), DevicesError> {
    eprint!("{}", pair_first_till(database, origin).await?);
    Ok(())
}

async fn pair_first_till(database: &Db, origin: &str) -> Result<String, DevicesError> {
    let request = CreatePairingCode { kind: DeviceKind::Pos, name: FIRST_TILL.to_owned(), place: None };
    pair(database, request, origin).await
}

async fn pair(database: &Db, request: CreatePairingCode, origin: &str) -> Result<String, DevicesError> {
    let name = request.name.clone();
    let made = gateway::create_pairing_code(database, request, origin, Clock::system().now()).await?;
    let (first, last) = made.code.split_at(made.code.len() / 2);
    Ok(format!(
        "{}\nTo pair {name}, open {} on it, or enter {first} {last} at {origin}/pair. The code is for one device, until {}.\n",
        gateway::qr_in_terminal(&made.url)?,
        made.url,
        made.expires_at
    ))
}

async fn list(database: &Db) -> Result<String, DevicesError> {
    let mut text = String::new();
    for device in gateway::list_devices(database).await? {
        describe(&mut text, &device);
    }
    if text.is_empty() {
        text.push_str("There are no devices. `fnb device pair --kind pos --name \"POS 1\"` pairs the first.\n");
    }
    Ok(text)
}

fn describe(text: &mut String, device: &DeviceView) {
    let letter = device.letter.as_deref().unwrap_or("-");
    let state = match (device.revoked_at, device.last_seen_at) {
        (Some(at), _) => format!("revoked at {at}: {}", device.revoke_reason.as_deref().unwrap_or_default()),
        (None, Some(at)) => format!("last seen at {at}"),
        (None, None) => "not seen yet".to_owned(),
    };
    let _ = writeln!(text, "{}  {:<9}  {letter:<2}  {}, {state}", device.device_id, device.kind, device.name);
}

async fn revoke(database: &Db, device: DeviceId, reason: String) -> Result<String, DevicesError> {
    let revoked = gateway::revoke_device(database, device, reason, Clock::system().now()).await?;
    Ok(format!("{} is revoked. A running shop refuses it within seconds.\n", revoked.name))
}

impl From<Kind> for DeviceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Pos => Self::Pos,
            Kind::Kiosk => Self::Kiosk,
            Kind::Dispenser => Self::Dispenser,
        }
    }
}

#[cfg(test)]
mod tests {
    use host::Databases;

    use super::*;

    #[tokio::test]
    async fn the_machine_itself_makes_codes_and_lists_devices() {
        let folder = tempfile::tempdir().unwrap();
        let database = Databases::sqlite(folder.path()).open(&gateway::SCHEMA).await.unwrap();
        let printed = pair_first_till(&database, "http://192.168.1.20:8080").await.unwrap();
        assert!(printed.contains("To pair POS 1, open http://192.168.1.20:8080/pair?code="), "{printed}");
        assert!(printed.contains('\u{2588}') && printed.contains("until "), "{printed}");
        assert!(list(&database).await.unwrap().starts_with("There are no devices."));
        let unknown = DeviceId::new(Clock::system().now());
        let refused = revoke(&database, unknown, "lost".into()).await.unwrap_err();
        assert!(errors::chain(&refused).to_string().contains("there is no device"), "{}", errors::chain(&refused));
        database.close().await;
    }
}
