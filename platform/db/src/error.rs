//! What can go wrong with a database, and what to do about it.

/// The answer of a statement.
pub type DbResult<T> = Result<T, DbError>;

/// FailureKind a statement or a job was not done. Nothing of a job that answers an error is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The row exists already.
    #[error("a row with the same {constraint} exists already")]
    Unique {
        /// What must be unique, as the database calls it: an index in PostgreSQL, `table.column, ...` in SQLite.
        constraint: String,
    },
    /// More jobs wait than the queue holds.
    #[error("the database has more work than it can take. Try again in a moment")]
    Overloaded,
    /// The database was closed.
    #[error("the database is closed, because the program is stopping. Try again when it runs")]
    Closed,
    /// The database cannot be reached or written; it is not known whether a commit under way was kept.
    #[error("the database cannot be used at the moment: {0}")]
    Unavailable(String),
    /// The statement is wrong, breaks a CHECK or a foreign key, or the job panicked.
    #[error("{reason} (in: {sql})")]
    Statement {
        /// The beginning of the statement.
        sql: String,
        /// What the database says.
        reason: String,
    },
    /// A column does not hold what is read from it.
    #[error("column {column}: {reason}")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value cannot be written as JSON, or a text is not the JSON of what is read from it.
    #[error("JSON: {0}")]
    Json(String),
    /// A write in a read job, or to a database that was opened to be read.
    #[error("this connection only reads. Write through the service that owns the table")]
    ReadOnly,
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl DbError {
    /// Whether the database itself cannot be used, whatever is asked of it: it is full, away, closed or overloaded.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Overloaded | Self::Closed => true,
            Self::Unique { .. } | Self::Statement { .. } | Self::Column { .. } | Self::Json(_) | Self::ReadOnly => {
                false
            }
        }
    }

    /// An error of the statement `sql`.
    pub(crate) fn statement(sql: &str, reason: impl Into<String>) -> Self {
        /// Enough to find the statement in the source.
        const SHOWN_CHARS_MAX: usize = 160;
        let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Statement { sql: words.chars().take(SHOWN_CHARS_MAX).collect(), reason: reason.into() }
    }
}

/// FailureKind a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be made, read or written.
    #[error(
        "the database file {path} cannot be used: {reason}. \
         See that its folder exists, that this user may write there, and that the disk is not full"
    )]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The file to be read does not exist.
    #[error("there is no database file {path} yet. Start the service that owns it once, or correct the path")]
    NoFile {
        /// Which file.
        path: String,
    },
    /// The server does not answer, or refuses the user.
    #[error(
        "PostgreSQL at {server} cannot be used: {reason}. \
         See that it runs, that this machine may reach it, and that user and password are right"
    )]
    Server {
        /// Its host and port.
        server: String,
        /// What it says.
        reason: String,
    },
    /// The database does not exist and the user may not create it.
    #[error(
        "PostgreSQL at {server} has no database {database}, and it cannot be created: {reason}. \
         Create it (CREATE DATABASE \"{database}\"), or give the user CREATEDB"
    )]
    NoDatabase {
        /// Host and port.
        server: String,
        /// Which database.
        database: String,
        /// What the server says.
        reason: String,
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
    /// The database knows a migration that the program does not, or the reverse.
    #[error(
        "migration {migration} is missing, so {database} was made by another version of the program. \
         Run that version, or a newer one"
    )]
    MissingMigration {
        /// Which database.
        database: String,
        /// Which migration.
        migration: String,
    },
    /// A migration failed; nothing of it is kept.
    #[error("{database} cannot be brought up to date: {reason}")]
    Migration {
        /// Which database.
        database: String,
        /// What the database says.
        reason: String,
    },
    /// The database is open, but what its service reads from it at start cannot be read.
    #[error("what {database} holds cannot be loaded")]
    Load {
        /// Which database.
        database: String,
        /// What was wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system gives no thread.
    #[error("no thread can be started for the database: {0}")]
    Thread(String),
}

impl OpenError {
    /// The service of `database` cannot load what it needs at start, because of `error`.
    pub fn load(database: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Load { database: database.to_owned(), source: error.into() }
    }
}
