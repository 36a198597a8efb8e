//! What PostgreSQL's errors mean for a job.

use ::postgres::error::SqlState;

use crate::{
    DbError,
    statement_failure::{FailureKind, StatementFailure},
};

impl StatementFailure {
    pub(super) fn of(sql: &str, error: &::postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // Not the server's word: the connection broke, or a value does not fit its parameter.
            let lost =
                error.is_closed() || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>());
            return if lost { Self::lost(error) } else { DbError::statement(sql, describe(error)).into() };
        };
        match said.code() {
            &SqlState::UNIQUE_VIOLATION => {
                DbError::Unique { constraint: said.constraint().unwrap_or_default().to_owned() }.into()
            }
            &SqlState::READ_ONLY_SQL_TRANSACTION => DbError::ReadOnly.into(),
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => {
                Self::collision(DbError::Unavailable(said.to_string()))
            }
            // The table was changed under a prepared statement, by a newer version of the program.
            &SqlState::FEATURE_NOT_SUPPORTED if said.message().starts_with("cached plan") => {
                Self { error: DbError::Unavailable(said.to_string()), kind: FailureKind::Lost }
            }
            // The statement took too long.
            &SqlState::QUERY_CANCELED => DbError::Unavailable(said.to_string()).into(),
            code if is_outage(code) => Self::lost(error),
            _ => DbError::statement(sql, said.to_string()).into(),
        }
    }

    fn lost(error: &::postgres::Error) -> Self {
        Self { error: DbError::Unavailable(describe(error)), kind: FailureKind::Lost }
    }
}

/// Connection exceptions, a server that shuts down, and a lack of resources: classes 08, 57P and 53.
fn is_outage(code: &SqlState) -> bool {
    ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
}

/// The error with its cause, which its own text leaves out.
pub(super) fn describe(error: &::postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
