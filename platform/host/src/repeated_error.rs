//! Errors of work that is repeated: the log shows an error once, and not again until it changes.

use std::error::Error;

/// The last error of work that is repeated.
#[derive(Debug, Default)]
pub(crate) struct RepeatedError {
    last: Option<String>,
}

impl RepeatedError {
    /// The error with its causes, to log it. `None` if the last run failed with the same error.
    pub(crate) fn changed(&mut self, error: &(dyn Error + 'static)) -> Option<String> {
        let text = errors::chain(error).to_string();
        if self.last.as_ref() == Some(&text) {
            return None;
        }
        self.last = Some(text.clone());
        Some(text)
    }

    /// Notes a success. Returns whether the last run had failed.
    pub(crate) fn resolved(&mut self) -> bool {
        self.last.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Failure(&'static str);

    #[test]
    fn the_same_error_in_a_row_is_logged_once() {
        let mut error = RepeatedError::default();
        assert!(!error.resolved());
        assert_eq!(error.changed(&Failure("disk full")).as_deref(), Some("disk full"));
        assert_eq!(error.changed(&Failure("disk full")), None);
        assert_eq!(error.changed(&Failure("busy")).as_deref(), Some("busy"));
        assert!(error.resolved());
        assert_eq!(error.changed(&Failure("busy")).as_deref(), Some("busy"));
    }
}
