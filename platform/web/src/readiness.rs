//! Whether a service can do its work now.

use std::{future::Future, sync::Arc, time::Duration};

use axum::http::StatusCode;
use futures::future::BoxFuture;
use tokio::{sync::Mutex, time::Instant};

use crate::Problem;

/// How long a readiness check may take. An orchestrator checks every few seconds.
const CHECK_SECONDS_MAX: u64 = 2;
/// How long the result of a check is answered again: whoever asks without a pause costs one check a second.
const RESULT_TTL: Duration = Duration::from_secs(1);

/// Checks whether a service can do its work now. The error is the reason, for people.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A [`Ready`] from a closure that returns a future.
pub fn ready<F, Fut>(check: F) -> Ready
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// Answers `/readyz`: one check at a time, whose result all who ask meanwhile get.
#[derive(Clone)]
pub(crate) struct Readiness {
    ready: Ready,
    last: Arc<Mutex<Option<LastCheck>>>,
}

struct LastCheck {
    ended_at: Instant,
    result: Result<(), String>,
}

impl Readiness {
    pub(crate) fn new(ready: Ready) -> Self {
        Self { ready, last: Arc::default() }
    }

    pub(crate) async fn check(&self) -> Result<&'static str, Problem> {
        let mut last = self.last.lock().await;
        let result = match &*last {
            Some(check) if check.ended_at.elapsed() < RESULT_TTL => check.result.clone(),
            _ => {
                let result = self.check_now().await;
                *last = Some(LastCheck { ended_at: Instant::now(), result: result.clone() });
                result
            }
        };
        result.map(|()| "ready\n").map_err(|reason| not_ready(&reason))
    }

    async fn check_now(&self) -> Result<(), String> {
        let checked = tokio::time::timeout(Duration::from_secs(CHECK_SECONDS_MAX), (self.ready)()).await;
        checked.unwrap_or_else(|_| Err(format!("no answer within {CHECK_SECONDS_MAX} s")))
    }
}

fn not_ready(reason: &str) -> Problem {
    let detail = format!("Not ready: {reason}. Ask again in a second.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", detail)
}
