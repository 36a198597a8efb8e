//! Databases: connections, write transactions, migrations, outbox, inbox, idempotency keys, on SQLite and PostgreSQL.
