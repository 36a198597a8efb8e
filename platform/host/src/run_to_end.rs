//! A command that began runs to its end, even if its client leaves.

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;
use tracing::Instrument;

/// How many commands run in tasks of their own: more than requests are served at once, and a bound for clients that
/// send and leave.
const COMMANDS_MAX: usize = 2_048;

static COMMANDS: Semaphore = Semaphore::const_new(COMMANDS_MAX);

/// Runs `command` in a task of its own and waits for its answer. If the caller is dropped, because its client closed
/// the connection, the command goes on: what it reserved is used or released, and what it wrote reaches the cache. A
/// panic of the command is the caller's. With [`COMMANDS_MAX`] of them running, the command runs as a part of its
/// caller.
pub fn run_to_end<T: Send + 'static>(
    command: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    // Boxed first: a command's future has kilobytes, and each layer around it would copy them.
    join(command.boxed())
}

async fn join<T: Send + 'static>(command: BoxFuture<'static, T>) -> T {
    // Not awaited: a command may call another service's, and would wait for the permit that it has itself.
    let Ok(permit) = COMMANDS.try_acquire() else { return command.await };
    let command = async move {
        let _permit = permit;
        command.await
    };
    let command = trace::scope_opt(trace::TraceContext::current(), command);
    match tokio::spawn(command.in_current_span()).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels it, and that drops the caller too.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::run_to_end;

    #[tokio::test]
    async fn a_command_goes_on_after_its_caller_has_left() {
        let ((go_on, wait), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel());
        let command = run_to_end(async move {
            wait.await.unwrap();
            done.send(()).unwrap();
        });
        tokio::time::timeout(Duration::from_millis(1), command).await.unwrap_err();
        go_on.send(()).unwrap();
        is_done.await.unwrap();
    }
}
