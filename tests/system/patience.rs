//! Waiting for what comes by itself.

use std::{
    fmt::Display,
    thread,
    time::{Duration, Instant},
};

/// Between two looks. Without a pause they would take the cores of the program that is waited for; so short a one makes
/// no test slower.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until what is waited for is there, for `patience` at most. What a look sees instead is said when that is over.
#[track_caller]
pub fn until<T, S: Display>(patience: Duration, mut look: impl FnMut() -> Result<T, S>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(there) => return there,
            Err(seen) => assert!(begun.elapsed() < patience, "after {patience:?} still: {seen}"),
        }
        thread::sleep(LOOK_EVERY);
    }
}
