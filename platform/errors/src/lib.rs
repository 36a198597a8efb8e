//! How an error is shown with its causes: the one place that prints the chain.
//!
//! Error types have their cause as their source and leave it out of their own text. To log one, log its [`chain`].

use std::{error::Error, fmt, iter};

/// An error of any type, for code that only passes it on.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The error and all its causes in one line: `the order was not placed: the database cannot be used: disk full`.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    Chain(error)
}

/// The error and its causes, the outermost first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    /// A cause that only repeats the text before it (`#[error(transparent)]`) is shown once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = String::new();
        for cause in causes(self.0) {
            let text = cause.to_string();
            if text == last {
                continue;
            }
            if !last.is_empty() {
                f.write_str(": ")?;
            }
            f.write_str(&text)?;
            last = text;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the disk is full")]
    struct Disk;

    #[derive(Debug, thiserror::Error)]
    #[error("orders.db cannot be written")]
    struct Database(#[source] Disk);

    #[derive(Debug, thiserror::Error)]
    #[error("the order was not placed")]
    struct Order(#[source] Database);

    #[test]
    fn an_error_is_shown_with_its_causes_the_outermost_first() {
        let error = Order(Database(Disk));
        assert_eq!(
            chain(&error).to_string(),
            "the order was not placed: orders.db cannot be written: the disk is full"
        );
        assert_eq!(chain(&Disk).to_string(), "the disk is full");
    }
}
