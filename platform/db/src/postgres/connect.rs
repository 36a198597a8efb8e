//! Connecting to a server, creating a database, migrating it.

use std::time::Duration;

use ::postgres::{Client, NoTls, error::SqlState};

use crate::{
    Cause, OpenError, Schema, migrations,
    url::{Server, Tls},
};

/// How long a connection may take: longer than a busy server needs, shorter than a person waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a server may be silent before its connection counts as lost: as long as a statement may take.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The advisory lock that a process holds while it migrates, so that others wait: "fnb" and a number.
const MIGRATION_LOCK: i64 = 0x666e_6201;

/// A session's settings. No statement and no abandoned transaction holds its locks for longer than these times, and a
/// commit is on the disk before it is answered, whatever the server's default is.
const SESSION_SETTINGS: &str = "
    SET synchronous_commit = on;
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '30s';
    SET client_min_messages = warning";

/// Connects to the server's database. `name` is shown in the server's list of sessions.
pub(super) fn connect(server: &Server, name: &str) -> Result<Client, ::postgres::Error> {
    connect_to(server, &server.database, name)
}

fn connect_to(server: &Server, database: &str, name: &str) -> Result<Client, ::postgres::Error> {
    let mut config = server.config.clone();
    config.dbname(database).application_name(&format!("fnb {name}"));
    config.connect_timeout(CONNECT_TIMEOUT).keepalives_idle(SILENCE_MAX).tcp_user_timeout(SILENCE_MAX);
    let mut client = match &server.tls {
        Tls::Disabled => config.connect(NoTls)?,
        Tls::Enabled(connector) => config.connect(connector.clone())?,
    };
    client.batch_execute(SESSION_SETTINGS)?;
    Ok(client)
}

pub(super) fn connect_or_create(server: &Server, name: &str) -> Result<Client, OpenError> {
    match connect(server, name) {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
            create(server)?;
            connect(server, name).map_err(|error| unusable(server, error))
        }
        connected => connected.map_err(|error| unusable(server, error)),
    }
}

/// Creates the database. Texts are compared byte by byte, as in SQLite, whatever the server's locale is.
fn create(server: &Server) -> Result<(), OpenError> {
    let failed = |error: ::postgres::Error| OpenError::NoDatabase {
        server: server.address(),
        database: server.database.clone(),
        source: Cause::new(error),
    };
    let mut client = connect_to(server, "postgres", "setup").map_err(failed)?;
    let name = server.database.replace('"', "\"\"");
    let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
    match client.batch_execute(&sql) {
        // Another process was first.
        Err(error) if matches!(error.code(), Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)) => {
            Ok(())
        }
        created => created.map_err(failed),
    }
}

pub(super) fn unusable(server: &Server, error: ::postgres::Error) -> OpenError {
    OpenError::Server { server: server.address(), source: Cause::new(error) }
}

/// Migrates the database while no other process does.
pub(super) fn migrate(client: &mut Client, server: &Server, schema: &Schema) -> Result<(), OpenError> {
    let lock = |client: &mut Client, sql: &str| {
        client.execute(sql, &[&MIGRATION_LOCK]).map_err(|error| unusable(server, error))
    };
    let set = |client: &mut Client, sql: &str| client.batch_execute(sql).map_err(|error| unusable(server, error));
    // A migration of millions of rows may take long, and so may waiting for the lock.
    set(client, "SET statement_timeout = 0")?;
    lock(client, "SELECT pg_advisory_lock($1)")?;
    migrations::run(client, schema, migrations::for_postgres, &server.to_string())?;
    lock(client, "SELECT pg_advisory_unlock($1)")?;
    set(client, SESSION_SETTINGS)
}
