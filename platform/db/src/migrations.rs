//! Migrations: the platform's tables first, then the service's. Each database remembers what it has.

use refinery::{Migrate, Migration, Runner, error::Kind};

use crate::OpenError;

/// The tables of a service.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The service's name: `order`.
    pub service: &'static str,
    /// Its migrations in order, each a name such as `V1__orders` and its SQL. One that was released never changes.
    pub migrations: &'static [(&'static str, &'static str)],
}

/// Outbox, inbox, idempotency keys, dead letters: the same in every database.
const PLATFORM: &[(&str, &str)] = &[("V1__platform", include_str!("../migrations/V1__platform.sql"))];

/// Where a database remembers the platform's migrations.
const PLATFORM_HISTORY: &str = "platform_migrations";

/// SQLite keeps a table of small rows in its key alone where it is told so: half as many pages for each row. It is the one
/// word of a migration that PostgreSQL does not know.
const IN_ITS_KEY: &str = " WITHOUT ROWID";

/// A migration as PostgreSQL reads it. Databases remember a hash of it: like a migration, it never changes.
pub(crate) fn for_postgres(sql: &str) -> String {
    sql.replace(IN_ITS_KEY, "")
}

/// Applies what is missing, each migration as `read` makes it. `database` names it in errors.
pub(crate) fn run(
    connection: &mut impl Migrate,
    schema: &Schema,
    read: fn(&str) -> String,
    database: &str,
) -> Result<(), OpenError> {
    apply(connection, PLATFORM, read, PLATFORM_HISTORY, database)?;
    apply(connection, schema.migrations, read, &format!("{}_migrations", schema.service), database)
}

fn apply(
    connection: &mut impl Migrate,
    migrations: &[(&str, &str)],
    read: fn(&str) -> String,
    history: &str,
    database: &str,
) -> Result<(), OpenError> {
    let explain = |error: refinery::Error| explained(&error, database);
    let migrations: Result<Vec<Migration>, _> =
        migrations.iter().map(|(name, sql)| Migration::unapplied(name, &read(sql))).collect();
    // Grouped: all that is missing is applied in one transaction, or none of it.
    let mut runner = Runner::new(&migrations.map_err(explain)?).set_grouped(true);
    runner.set_migration_table_name(history);
    let report = runner.run(connection).map_err(explain)?;
    for migration in report.applied_migrations() {
        tracing::info!(database, %migration, "migration applied");
    }
    Ok(())
}

fn explained(error: &refinery::Error, database: &str) -> OpenError {
    let database = database.to_owned();
    match error.kind() {
        Kind::DivergentVersion(applied, expected) => {
            OpenError::ChangedMigration { database, applied: applied.to_string(), expected: expected.to_string() }
        }
        Kind::MissingVersion(migration) => OpenError::MissingMigration { database, migration: migration.to_string() },
        Kind::Connection(step, cause) => OpenError::Migration { database, reason: format!("{step}: {cause}") },
        other => OpenError::Migration { database, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::for_postgres;

    #[test]
    fn postgresql_reads_a_plain_table() {
        let sql = "CREATE TABLE numbers (\n    letter TEXT NOT NULL PRIMARY KEY\n) WITHOUT ROWID;\nCREATE TABLE plain (x TEXT);";
        let plain = "CREATE TABLE numbers (\n    letter TEXT NOT NULL PRIMARY KEY\n);\nCREATE TABLE plain (x TEXT);";
        assert_eq!(for_postgres(sql), plain);
    }
}
