//! A statement that failed, on either database.

use crate::DbError;

/// A statement that failed, and whether another run of its job may succeed.
pub(crate) struct Failed {
    pub(crate) error: DbError,
    pub(crate) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The statement is refused, and would be again.
    Refused,
    /// Another transaction was in the way.
    Collision,
    /// The connection is gone, and the transaction with it.
    Lost,
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self { error, why: Why::Refused }
    }
}

impl Failed {
    /// On a connection that writes, the database itself cannot be written; elsewhere the job is in the wrong place.
    pub(crate) fn of_a_write(self) -> Self {
        match self.error {
            DbError::ReadOnly => Self { error: DbError::Unavailable("it can only be read".into()), ..self },
            _ => self,
        }
    }

    pub(crate) fn collision(error: DbError) -> Self {
        Self { error, why: Why::Collision }
    }
}
