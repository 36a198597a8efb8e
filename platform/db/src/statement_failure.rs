//! A statement that failed, on either database.

use crate::DbError;

/// A statement that failed, and whether its job may succeed if it is run again.
pub(crate) struct StatementFailure {
    pub(crate) error: DbError,
    pub(crate) kind: FailureKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The statement would fail again.
    Permanent,
    /// A concurrent transaction was in the way.
    Collision,
    /// The connection is lost, and the transaction with it.
    ConnectionLost,
}

impl From<DbError> for StatementFailure {
    fn from(error: DbError) -> Self {
        Self { error, kind: FailureKind::Permanent }
    }
}

impl StatementFailure {
    /// What a failure means in a write job: there, a read-only connection means that the database cannot be written.
    pub(crate) fn in_write_job(self) -> Self {
        match self.error {
            DbError::ReadOnly => Self { error: DbError::unavailable("the database is read-only"), ..self },
            _ => self,
        }
    }

    pub(crate) fn collision(error: DbError) -> Self {
        Self { error, kind: FailureKind::Collision }
    }
}
