//! A statement that failed, on either database.

use crate::DbError;

/// A statement that failed, and whether another run of its job may succeed.
pub(crate) struct StatementFailure {
    pub(crate) error: DbError,
    pub(crate) kind: FailureKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The statement is refused, and would be again.
    Refused,
    /// Another transaction was in the way.
    Collision,
    /// The connection is gone, and the transaction with it.
    Lost,
}

impl From<DbError> for StatementFailure {
    fn from(error: DbError) -> Self {
        Self { error, kind: FailureKind::Refused }
    }
}

impl StatementFailure {
    /// On a connection that writes, the database itself cannot be written; elsewhere the job is in the wrong place.
    pub(crate) fn of_a_write(self) -> Self {
        match self.error {
            DbError::ReadOnly => Self { error: DbError::Unavailable("it can only be read".into()), ..self },
            _ => self,
        }
    }

    pub(crate) fn collision(error: DbError) -> Self {
        Self { error, kind: FailureKind::Collision }
    }
}
