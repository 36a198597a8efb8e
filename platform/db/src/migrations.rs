//! Migrations: the platform's tables first, then the service's. Each database records which were applied.

use refinery::{Migrate, Migration, Runner, error::Kind};

use crate::{Cause, OpenError};

/// The tables of a service.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The service's name: `order`.
    pub service: &'static str,
    /// Its migrations in order, each a name such as `V1__orders` and its SQL. A released one never changes.
    pub migrations: &'static [(&'static str, &'static str)],
}

/// Outbox, inbox, idempotency keys, dead letters: the same in every database.
const PLATFORM: &[(&str, &str)] = &[("V1__platform", include_str!("../migrations/V1__platform.sql"))];

/// The table that records the platform's migrations.
const PLATFORM_HISTORY: &str = "platform_migrations";

/// With this clause SQLite stores a table of small rows in its primary key's tree alone, which halves the pages that a
/// row touches. PostgreSQL does not know it.
const WITHOUT_ROWID: &str = " WITHOUT ROWID";

/// A migration in PostgreSQL's dialect. Databases record a hash of the result, so this translation never changes.
pub(crate) fn for_postgres(sql: &str) -> String {
    sql.replace(WITHOUT_ROWID, "")
}

/// Applies the migrations that are missing, each translated by `translate`. `database` names the database in errors.
pub(crate) fn run(
    connection: &mut impl Migrate,
    schema: &Schema,
    translate: fn(&str) -> String,
    database: &str,
) -> Result<(), OpenError> {
    apply(connection, PLATFORM, translate, PLATFORM_HISTORY, database)?;
    apply(connection, schema.migrations, translate, &format!("{}_migrations", schema.service), database)
}

fn apply(
    connection: &mut impl Migrate,
    migrations: &[(&str, &str)],
    translate: fn(&str) -> String,
    history: &str,
    database: &str,
) -> Result<(), OpenError> {
    let failed = |error: refinery::Error| migration_error(error, database);
    let migrations: Result<Vec<Migration>, _> =
        migrations.iter().map(|(name, sql)| Migration::unapplied(name, &translate(sql))).collect();
    // Grouped: all that are missing are applied in one transaction, or none.
    let mut runner = Runner::new(&migrations.map_err(failed)?).set_grouped(true);
    runner.set_migration_table_name(history);
    let report = runner.run(connection).map_err(failed)?;
    for migration in report.applied_migrations() {
        tracing::info!(database, %migration, "migration applied");
    }
    Ok(())
}

fn migration_error(error: refinery::Error, database: &str) -> OpenError {
    let database = database.to_owned();
    match error.kind() {
        Kind::DivergentVersion(applied, expected) => {
            OpenError::ChangedMigration { database, applied: applied.to_string(), expected: expected.to_string() }
        }
        Kind::MissingVersion(migration) => OpenError::MissingMigration { database, migration: migration.to_string() },
        _ => OpenError::Migration { database, source: Cause::new(error) },
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
