//! The errors of this crate. Each describes what happened and has its cause as its source; `errors::chain` prints both.
use std::{error::Error, fmt, sync::Arc};

use contracts::money::MoneyError;

/// The result of a statement.
pub type DbResult<T> = Result<T, DbError>;

/// The cause of an error. Clones share it. Two are equal if they have the same text.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// `error` with its own causes.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The error itself, if it is a `T`.
    pub(crate) fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}
impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
impl Eq for Cause {}

/// Why a statement or a job failed. A job that returns an error changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The row exists already.
    #[error("a row with the same {constraint} exists already")]
    Unique {
        /// What must be unique, as the database calls it: an index in PostgreSQL, `table.column, ...` in SQLite.
        constraint: String,
    },
    /// The queue of jobs is full.
    #[error("the database has more work than it can take. Try again in a moment")]
    Overloaded,
    /// The database was closed.
    #[error("the database is closed, because the program is stopping. Try again when it runs")]
    Closed,
    /// The disk that holds the database is full. Nothing of the job was kept.
    #[error(
        "the disk that holds the database is full, so nothing can be written. \
         Free space on that disk; writes then succeed again without a restart"
    )]
    DiskFull(#[source] Cause),
    /// The database cannot be reached or written. If a commit was under way, it may or may not have been kept.
    #[error("the database cannot be used at the moment")]
    Unavailable(#[source] Cause),
    /// Other transactions were in the way for longer than a statement may take, or in every attempt of the job. Nothing
    /// of the job is kept; the database itself works.
    #[error("other transactions were in the way")]
    Contended(#[source] Cause),
    /// The statement is wrong, or breaks a CHECK or a foreign key.
    #[error("a statement failed: {sql}")]
    Statement {
        /// The beginning of the statement.
        sql: String,
        /// What the database answered.
        source: Cause,
    },
    /// The job panicked with this message.
    #[error("a database job panicked: {0}")]
    JobPanicked(String),
    /// A column holds a value that cannot be read as the type that was asked for.
    #[error("column {column}: {reason}")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value cannot be written as JSON, or a text is not the JSON of what is read from it.
    #[error("a value cannot be converted to or from JSON")]
    Json(#[source] Cause),
    /// An amount of money cannot be computed from the rows, or does not fit into a column.
    #[error("an amount of money cannot be stored or computed")]
    Money(#[from] MoneyError),
    /// Rows contradict each other, such as a line of an order that does not exist: a defect of the program.
    #[error("the rows of the database contradict each other: {0}")]
    Inconsistent(String),
    /// A write in a read job, or to a database that was opened for reading.
    #[error("this connection is read-only. Write through the service that owns the table")]
    ReadOnly,
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Cause::new(error))
    }
}

impl DbError {
    /// The database cannot be used because of `error`.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Cause::new(error))
    }

    /// Whether the database itself cannot be used, whatever is asked of it: it is full, unreachable, closed or
    /// overloaded. The same job may succeed later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::DiskFull(_) | Self::Unavailable(_) | Self::Overloaded | Self::Closed => true,
            Self::Contended(_)
            | Self::Unique { .. }
            | Self::Statement { .. }
            | Self::JobPanicked(_)
            | Self::Column { .. }
            | Self::Json(_)
            | Self::Money(_)
            | Self::Inconsistent(_)
            | Self::ReadOnly => false,
        }
    }

    /// An error of the statement `sql`.
    pub(crate) fn statement(sql: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        /// Enough to find the statement in the source.
        const SHOWN_CHARS_MAX: usize = 160;
        let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Statement { sql: words.chars().take(SHOWN_CHARS_MAX).collect(), source: Cause::new(source) }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be created, read or written.
    #[error(
        "the database file {path} cannot be used. \
         Check that its folder exists, that this user may write there, and that the disk is not full"
    )]
    File {
        /// Which file.
        path: String,
        /// What the system or SQLite answered.
        source: Cause,
    },
    /// The file does not exist, and its service creates it.
    #[error("there is no database file {path} yet. Start the service that owns it once, or correct the path")]
    NoFile {
        /// Which file.
        path: String,
    },
    /// The server does not answer, or refuses the user.
    #[error(
        "PostgreSQL at {server} cannot be used. \
         Check that it runs, that this machine may reach it, and that user, password and sslmode are right"
    )]
    Server {
        /// Its host and port.
        server: String,
        /// What it answered.
        source: Cause,
    },
    /// The database does not exist and the user may not create it.
    #[error(
        "PostgreSQL at {server} has no database {database}, and it cannot be created. \
         Create it (CREATE DATABASE \"{database}\"), or give the user CREATEDB"
    )]
    NoDatabase {
        /// Host and port.
        server: String,
        /// Which database.
        database: String,
        /// What the server answered.
        source: Cause,
    },
    /// A migration was edited after it had been applied.
    #[error(
        "{applied} in {database} was applied with another text than {expected} has now. \
         Restore its text and put the change into a new migration"
    )]
    ChangedMigration {
        /// Which database.
        database: String,
        /// What was applied.
        applied: String,
        /// What the program holds.
        expected: String,
    },
    /// The database has a migration that the program does not have, or the reverse.
    #[error(
        "migration {migration} is missing, so {database} was created by another version of the program. \
         Run that version, or a newer one"
    )]
    MissingMigration {
        /// Which database.
        database: String,
        /// Which migration.
        migration: String,
    },
    /// A migration failed; nothing of it was kept.
    #[error("{database} cannot be migrated")]
    Migration {
        /// Which database.
        database: String,
        /// What the database answered.
        source: Cause,
    },
    /// The database is open, but what its service reads from it at start cannot be read.
    #[error("what {database} holds cannot be loaded")]
    Load {
        /// Which database.
        database: String,
        /// What was wrong with it.
        source: Cause,
    },
    /// The system gives no thread, or the thread ended early.
    #[error("no thread can be started for the database")]
    Thread(#[source] Cause),
}

impl OpenError {
    /// The service of `database` cannot load what it needs at start, because of `error`.
    pub fn load(database: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Load { database: database.to_owned(), source: Cause::new(error) }
    }
}

/// Why a database was not locked for this process.
#[derive(Debug, thiserror::Error)]
pub enum InstanceLockError {
    /// Another process holds the lock.
    #[error("another process has locked the database")]
    Taken,
    /// The database cannot be created or reached.
    #[error("the database cannot be locked")]
    Open(#[from] OpenError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_database_is_printed_with_its_cause() {
        let full = DbError::DiskFull(Cause::new(std::io::Error::from_raw_os_error(28)));
        let printed = errors::chain(&full).to_string();
        assert!(
            printed.contains("Free space") && printed.ends_with("No space left on device (os error 28)"),
            "{printed}"
        );
        assert!(full.is_outage());
    }

    #[test]
    fn an_amount_that_is_too_large_is_called_an_amount() {
        let overflow = DbError::from(MoneyError::TooLarge);
        assert_eq!(
            errors::chain(&overflow).to_string(),
            "an amount of money cannot be stored or computed: the amount is too large to be counted"
        );
        assert!(!overflow.is_outage(), "another attempt computes the same");
    }

    #[test]
    fn settings_that_cannot_be_loaded_are_no_failed_migration() {
        let error = OpenError::load("gateway", DbError::Column { column: "settings".into(), reason: "no tax".into() });
        assert_eq!(errors::chain(&error).to_string(), "what gateway holds cannot be loaded: column settings: no tax");
    }
}
