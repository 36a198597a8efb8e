//! Waits for what happens in the background.

use std::{
    fmt::Display,
    thread,
    time::{Duration, Instant},
};

/// Between two checks. Without a pause the checks would take the cores that the program needs.
const POLL_EVERY: Duration = Duration::from_millis(5);

/// Calls `check` until it returns `Ok`, for `timeout` at most. After that the test fails with the last `Err`.
#[track_caller]
pub fn wait_until<T, E: Display>(timeout: Duration, mut check: impl FnMut() -> Result<T, E>) -> T {
    let started = Instant::now();
    loop {
        match check() {
            Ok(value) => return value,
            Err(current) => assert!(started.elapsed() < timeout, "after {timeout:?} still: {current}"),
        }
        thread::sleep(POLL_EVERY);
    }
}
