//! `fnb audit-log`: the audit trail on the machine itself.
//!
//! It reads the gateway's database itself, and writes nothing, so it works while the shop runs and while it does not.

use std::{fmt::Write, str::FromStr};

use clap::Subcommand;
use contracts::{
    audit::{Actor, ActorVia, AuditEntry, AuditFault, AuditVerification, AuditView, BrokenEntry},
    time::Timestamp,
};
use db::{Db, DbError};
use host::Databases;

use crate::config::Config;

/// A few screens of a terminal. `GET /api/Audit` has pages.
const ROWS_MAX: u32 = 1_000;
/// One screen.
const ROWS_DEFAULT: u32 = 40;
/// The hexadecimal digits of a hash.
const HASH_DIGITS: usize = 64;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Verify every entry from the first: that none was changed, removed, moved or added. Exit code 1 if one was.
    Verify {
        /// An earlier head, as `verify` printed it: that entry must still be in the trail. Only a head that was noted
        /// elsewhere shows that the newest entries were cut off.
        #[arg(long, value_name = "NUMBER:HASH")]
        expect: Option<NotedHead>,
    },
    /// List the newest entries, the newest first.
    List {
        /// How many, 1 to 1000.
        #[arg(long, default_value_t = ROWS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(ROWS_MAX)))]
        limit: u32,
        /// Only entries of this time or later, such as 2026-11-22T00:00:00+07:00.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
}

/// The number and hash of an entry that was the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotedHead {
    sequence: i64,
    hash: String,
}

/// A text that is no [`NotedHead`].
#[derive(Debug, thiserror::Error)]
#[error("a head is a number and a hash of {HASH_DIGITS} hexadecimal digits, such as 412:9f3c... as `verify` prints it")]
pub(crate) struct InvalidHead;

impl FromStr for NotedHead {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (sequence, hash) = text.split_once(':').ok_or(InvalidHead)?;
        let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        match sequence.parse() {
            Ok(sequence) if is_hash && sequence > 0 => Ok(Self { sequence, hash: hash.to_ascii_lowercase() }),
            _ => Err(InvalidHead),
        }
    }
}

/// The command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditLogError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A statement failed.
    #[error("the audit trail cannot be read")]
    Db(#[from] DbError),
    /// The setting `database` is not an address.
    #[error("the setting `database` is not the address of a server")]
    Database(#[from] db::InvalidServerUrl),
    /// An entry is not as it was written.
    #[error(
        "the audit trail is broken at entry {sequence}: {what}. Keep a copy of the database as it is, and compare it with \
         the newest backup that is intact: `fnb audit-log verify --data DIR`",
        sequence = .0.sequence, what = in_words(.0.fault)
    )]
    Broken(BrokenEntry),
    /// The trail is intact, and is not the one whose head was noted.
    #[error(
        "entry {sequence} is not the one that was noted, so the trail was cut off or written anew. Compare it with the \
         newest backup: `fnb audit-log verify --data DIR --expect {sequence}:{hash}`",
        sequence = .0.sequence, hash = .0.hash
    )]
    OtherTrail(NotedHead),
}

/// Runs the command and prints its report.
pub(crate) async fn run(action: Action, config: Config) -> Result<(), AuditLogError> {
    let trail = open(&crate::databases::of(&config)?).await?;
    match action {
        Action::Verify { expect } => verify(&trail, expect).await,
        Action::List { limit, since } => {
            let entries = gateway::list_audit_log(&trail, since, limit).await?;
            print!("{}", listed(&entries));
            Ok(())
        }
    }
}

async fn open(databases: &Databases) -> Result<Db, db::OpenError> {
    databases.open_read_only(gateway::NAME).await
}

async fn verify(trail: &Db, expect: Option<NotedHead>) -> Result<(), AuditLogError> {
    let verified = gateway::verify_audit_log(trail, clock::Clock::system().now()).await?;
    print!("{}", report(&verified));
    if let Some(broken) = verified.first_broken {
        return Err(AuditLogError::Broken(broken));
    }
    let Some(noted) = expect else { return Ok(()) };
    let hash = gateway::find_audit_hash(trail, noted.sequence).await?;
    if hash.as_deref() == Some(&*noted.hash) { Ok(()) } else { Err(AuditLogError::OtherTrail(noted)) }
}

fn report(verified: &AuditVerification) -> String {
    let AuditVerification { entries, head_sequence, head_hash, .. } = verified;
    let outcome = if verified.is_intact { "The audit trail is intact." } else { "The audit trail is BROKEN." };
    format!(
        "{outcome}\nverified {entries} of {head_sequence} entries\nhead     {head_sequence}:{head_hash}\n\
         Note the head elsewhere; `fnb audit-log verify --expect HEAD` then also shows if newer entries are cut off.\n"
    )
}

fn in_words(fault: AuditFault) -> &'static str {
    match fault {
        AuditFault::Missing => "it was removed",
        AuditFault::NotChained => "it does not continue the entry before, so it was put there later or moved",
        AuditFault::Changed => "its text, number or hash was changed",
        AuditFault::ColumnsDiffer => "its columns say something else than its text",
        AuditFault::AfterHead => "it is behind the last entry that was counted",
    }
}

fn listed(entries: &[AuditView]) -> String {
    let mut text = String::new();
    for view in entries {
        let _always_fits = match serde_json::from_str::<AuditEntry>(view.entry.get()) {
            Ok(entry) => writeln!(text, "{:>6}  {}", view.sequence, line(&entry)),
            Err(error) => writeln!(text, "{:>6}  cannot be read ({error}): {}", view.sequence, view.entry),
        };
    }
    if entries.is_empty() {
        text.push_str("There are no entries.\n");
    }
    text
}

fn line(entry: &AuditEntry) -> String {
    let value = |value: &Option<Box<serde_json::value::RawValue>>| value.as_ref().map(|value| value.get().to_owned());
    let change = match (value(&entry.before), value(&entry.after)) {
        (None, None) => String::new(),
        (before, after) => format!("  {} -> {}", before.unwrap_or_default(), after.unwrap_or_default()),
    };
    let reason = entry.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default();
    format!("{}  {:<24} {:<28} {}{reason}{change}", entry.at, who(&entry.actor), entry.action, entry.label)
}

fn who(actor: &Actor) -> String {
    let person = actor.staff.as_ref().map(|staff| &*staff.name);
    let device = actor.device.as_ref().map(|device| &*device.name);
    let mut who = match (person, device) {
        (Some(person), Some(device)) => format!("{person} on {device}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => match actor.via {
            Some(ActorVia::Terminal) => "somebody at the terminal".to_owned(),
            None => "the shop".to_owned(),
        },
    };
    if let Some(manager) = &actor.approved_by {
        let _always_fits = write!(who, ", approved by {}", manager.name);
    }
    who
}

#[cfg(test)]
mod tests {
    use contracts::{audit::AuditArea, event::ActAudited};
    use db::Tx;
    use gateway::FirstStart;
    use testkit::World;

    use super::*;

    /// A running shop with `entries` entries in its trail. The first is the owner's, who was added at the first start.
    async fn shop(entries: i64) -> World {
        let world = World::new().await;
        world.start(gateway::open(world.context(), FirstStart::default()).await.unwrap().service).await;
        world.wait_until_idle().await;
        for number in 2..=entries {
            act(&world, number).await;
        }
        world
    }

    async fn act(world: &World, number: i64) {
        let (label, at) = (format!("Latte {number}"), Timestamp(number));
        let act = AuditEntry::new(Actor::default(), AuditArea::Menu, "product.changed", number, label, at);
        world.publish(&ActAudited(act)).await;
        world.wait_until_idle().await;
    }

    async fn tamper(world: &World, statements: &'static [&'static str]) {
        let db = world.context().databases.open_existing(gateway::NAME).await.unwrap();
        let execute = |tx: &mut Tx<'_>| statements.iter().try_for_each(|sql| tx.execute(sql, ()).map(drop));
        db.write::<_, DbError, _>(execute).await.unwrap();
        db.close().await;
    }

    #[tokio::test]
    async fn a_trail_is_verified_beside_the_running_shop_and_a_broken_one_fails() {
        let world = shop(5).await;
        let trail = open(&world.context().databases).await.unwrap();
        verify(&trail, None).await.unwrap();

        tamper(&world, &["UPDATE audit_log SET entry = REPLACE(entry, 'Latte', 'Mocha') WHERE sequence = 4"]).await;

        let broken = verify(&trail, None).await.unwrap_err().to_string();
        assert!(broken.starts_with("the audit trail is broken at entry 4: its text, number or hash"), "{broken}");
    }

    #[tokio::test]
    async fn a_trail_that_was_cut_off_with_its_head_is_not_the_one_that_was_noted() {
        const HEAD_GOES_BACK: &str = "
            UPDATE audit_head SET last_sequence = 4,
                                  last_hash = (SELECT hash FROM audit_log WHERE sequence = 4)";
        let world = shop(5).await;
        let trail = open(&world.context().databases).await.unwrap();
        let head = gateway::verify_audit_log(&trail, Timestamp(1)).await.unwrap();
        let noted: NotedHead = format!("{}:{}", head.head_sequence, head.head_hash).parse().unwrap();
        act(&world, 6).await;
        verify(&trail, Some(noted.clone())).await.unwrap();

        tamper(&world, &["DELETE FROM audit_log WHERE sequence > 4", HEAD_GOES_BACK]).await;

        verify(&trail, None).await.unwrap();
        let other = verify(&trail, Some(noted)).await.unwrap_err();
        assert!(matches!(other, AuditLogError::OtherTrail(_)), "{other}");
    }

    #[tokio::test]
    async fn the_newest_entries_are_listed_first() {
        let world = shop(3).await;
        let trail = open(&world.context().databases).await.unwrap();

        let text = listed(&gateway::list_audit_log(&trail, None, 2).await.unwrap());

        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains("Latte 3") && lines[1].contains("Latte 2"), "{text}");
        assert!(lines[0].contains("the shop") && lines[0].contains("product.changed"), "{text}");
    }

    #[test]
    fn a_head_is_a_number_and_a_hash() {
        let hash = "9f".repeat(32);
        let head: NotedHead = format!("412:{hash}").parse().unwrap();
        assert_eq!(head, NotedHead { sequence: 412, hash: hash.clone() });
        for wrong in [hash.clone(), format!("0:{hash}"), "412:9f3c".into(), format!("x:{hash}"), String::new()] {
            assert!(wrong.parse::<NotedHead>().is_err(), "{wrong:?}");
        }
    }
}
