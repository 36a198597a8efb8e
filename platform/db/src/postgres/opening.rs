//! Reaching a server, making a database, migrating it.

use std::time::Duration;

use ::postgres::{Client, NoTls, error::SqlState};

use super::errors::describe;
use crate::{OpenError, Schema, migrations, url::Server};

/// How long a connection may take: longer than a busy server needs, shorter than a person waits.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// How long a server may be silent before its connection counts as lost: as long as a statement may take.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The lock that one process holds while it migrates, so that others wait: "fnb" and a version.
const MIGRATION_LOCK: i64 = 0x666e_6201;

/// How a connection is set: no statement and no abandoned transaction holds its locks for longer than these, and a
/// commit is on the disk before it is answered, whatever the server does for others.
const SESSION_SETTINGS: &str = "
    SET synchronous_commit = on;
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '30s';
    SET client_min_messages = warning";

pub(super) fn connect(config: &::postgres::Config, service: &str) -> Result<Client, ::postgres::Error> {
    let mut config = config.clone();
    config.connect_timeout(CONNECT_WAIT).keepalives_idle(SILENCE_MAX).tcp_user_timeout(SILENCE_MAX);
    let mut client = config.application_name(&format!("fnb {service}")).connect(NoTls)?;
    client.batch_execute(SESSION_SETTINGS)?;
    Ok(client)
}

pub(super) fn connect_or_create(server: &Server, service: &str) -> Result<Client, OpenError> {
    match connect(&server.config, service) {
        Ok(client) => Ok(client),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
            create(server)?;
            connect(&server.config, service).map_err(|error| unreachable(server, &error))
        }
        Err(error) => Err(unreachable(server, &error)),
    }
}

/// Texts are compared byte by byte, as SQLite does, whatever language the server speaks.
fn create(server: &Server) -> Result<(), OpenError> {
    let refused = |error: &::postgres::Error| OpenError::NoDatabase {
        server: server.address(),
        database: server.database.clone(),
        reason: describe(error),
    };
    let mut client = connect(server.config.clone().dbname("postgres"), "setup").map_err(|error| refused(&error))?;
    let name = server.database.replace('"', "\"\"");
    let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    match client.batch_execute(&sql) {
        // Another process was first.
        Err(error) if matches!(error.code(), Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)) => {
            Ok(())
        }
        outcome => outcome.map_err(|error| refused(&error)),
    }
}

pub(super) fn unreachable(server: &Server, error: &::postgres::Error) -> OpenError {
    OpenError::Server { server: server.address(), reason: describe(error) }
}

/// Migrates while no other process does.
pub(super) fn migrate(client: &mut Client, server: &Server, schema: &Schema) -> Result<(), OpenError> {
    let lock = |client: &mut Client, sql: &str| {
        client.execute(sql, &[&MIGRATION_LOCK]).map_err(|error| unreachable(server, &error))
    };
    // A migration of millions of rows may take its time, and so may waiting for it.
    let set = |client: &mut Client, sql: &str| client.batch_execute(sql).map_err(|error| unreachable(server, &error));
    set(client, "SET statement_timeout = 0")?;
    lock(client, "SELECT pg_advisory_lock($1)")?;
    migrations::run(client, schema, migrations::for_postgres, &server.to_string())?;
    lock(client, "SELECT pg_advisory_unlock($1)")?;
    set(client, SESSION_SETTINGS)
}
