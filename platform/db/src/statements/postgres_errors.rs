//! What PostgreSQL's errors mean for a job.

use ::postgres::error::SqlState;

use crate::{
    Cause, DbError,
    statement_failure::{FailureKind, StatementFailure},
};

impl StatementFailure {
    pub(crate) fn new(sql: &str, error: ::postgres::Error) -> Self {
        let Some(answer) = error.as_db_error() else {
            // No answer of the server: the connection broke, or a value does not fit its parameter.
            return if is_connection_lost(&error) { Self::lost(error) } else { DbError::statement(sql, error).into() };
        };
        match answer.code() {
            &SqlState::UNIQUE_VIOLATION => {
                DbError::Unique { constraint: answer.constraint().unwrap_or_default().to_owned() }.into()
            }
            &SqlState::READ_ONLY_SQL_TRANSACTION => DbError::ReadOnly.into(),
            &SqlState::DISK_FULL => DbError::DiskFull(Cause::new(error)).into(),
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => {
                Self::collision(DbError::Contended(Cause::new(error)))
            }
            // The table was changed under a prepared statement, by a newer version of the program.
            &SqlState::FEATURE_NOT_SUPPORTED if answer.message().starts_with("cached plan") => Self::lost(error),
            // The statement took longer than `statement_timeout`.
            &SqlState::QUERY_CANCELED => DbError::Contended(Cause::new(error)).into(),
            code if is_outage(code) => Self::lost(error),
            _ => DbError::statement(sql, error).into(),
        }
    }

    fn lost(error: ::postgres::Error) -> Self {
        Self { error: DbError::unavailable(error), kind: FailureKind::ConnectionLost }
    }
}

fn is_connection_lost(error: &::postgres::Error) -> bool {
    error.is_closed() || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

/// Connection exceptions, a server that shuts down, and a lack of resources: classes 08, 57P and 53.
fn is_outage(code: &SqlState) -> bool {
    ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
}
