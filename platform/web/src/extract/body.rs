//! Reads bodies: within a length, within a time, and within the memory that all bodies share.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{StatusCode, header},
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Problem;

/// The longest body that is read: an order of 200 lines with every option and note is a tenth of it.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take to arrive: 1 MiB over a poor Wi-Fi.
pub(crate) const BODY_SECONDS_MAX: u64 = 10;

/// The beginning of each body that does not count as shared memory: more than an order has. So long bodies that never
/// end cannot keep orders out, and the connections together hold 8 MiB of this.
const UNSHARED_BYTES: usize = 16 * 1024;

/// The memory that the bodies in progress share, beside their beginnings.
const SHARED_KIB_MAX: usize = 64 * 1024;

static SHARED_KIB: Semaphore = Semaphore::const_new(SHARED_KIB_MAX);

/// A whole body. Its memory is shared with others until this is dropped.
pub(crate) struct ReceivedBody<'m> {
    pub(crate) bytes: Bytes,
    _memory: Option<SemaphorePermit<'m>>,
}

/// Reads the whole body.
///
/// # Errors
/// 413 if it is too long, with or without a `Content-Length`; 408 if it does not arrive in time; 503 if too many long
/// bodies arrive at once; 400 if it breaks off.
pub(crate) async fn read(request: Request) -> Result<ReceivedBody<'static>, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|bytes: usize| bytes > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let received = receive(request.into_body(), &SHARED_KIB);
    tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), received).await.map_err(|_| timed_out())?
}

async fn receive(mut body: Body, memory: &Semaphore) -> Result<ReceivedBody<'_>, Problem> {
    let first = next_data(&mut body).await?.unwrap_or_default();
    let mut shared = SharedMemory { memory, permit: None };
    shared.reserve(first.len())?;
    if body.is_end_stream() {
        return Ok(ReceivedBody { bytes: first, _memory: shared.permit });
    }
    let mut bytes = BytesMut::from(first);
    while let Some(data) = next_data(&mut body).await? {
        shared.reserve(bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(ReceivedBody { bytes: bytes.freeze(), _memory: shared.permit })
}

async fn next_data(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| Problem::bad_request("The body broke off. Send the request again.").caused_by(error))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// What one body holds of the memory that all share.
struct SharedMemory<'m> {
    memory: &'m Semaphore,
    permit: Option<SemaphorePermit<'m>>,
}

impl SharedMemory<'_> {
    /// Reserves memory for a body that has `bytes` bytes by now.
    fn reserve(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes > BODY_BYTES_MAX {
            return Err(too_large());
        }
        let wanted_kib = bytes.saturating_sub(UNSHARED_BYTES).div_ceil(1024);
        let held_kib = self.permit.as_ref().map_or(0, SemaphorePermit::num_permits);
        let Ok(more_kib @ 1..) = u32::try_from(wanted_kib.saturating_sub(held_kib)) else { return Ok(()) };
        let more = self.memory.try_acquire_many(more_kib).map_err(|_| too_many_bodies())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        "The body is too large",
        format!("The body has more than {BODY_BYTES_MAX} bytes (1 MiB). Send less, or split it."),
    )
}

fn timed_out() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body-timeout",
        "The body did not arrive",
        format!("The body did not arrive within {BODY_SECONDS_MAX} s. Nothing was done; send the request again."),
    )
}

fn too_many_bodies() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Too many requests at once",
        "Too many long bodies arrive at once. Nothing was done; try again in a second.",
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::{StreamExt, stream};

    use super::*;

    fn chunked(bytes: usize) -> Body {
        let chunks = (0..bytes.div_ceil(1024)).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024])));
        Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()))
    }

    fn unfinished(bytes: usize) -> Body {
        Body::from_stream(chunked(bytes).into_data_stream().chain(stream::pending()))
    }

    #[tokio::test]
    async fn long_bodies_share_memory_and_short_ones_are_always_read() {
        let memory = Semaphore::new(100);
        let held = receive(chunked(UNSHARED_BYTES + 100 * 1024), &memory).await.ok().unwrap();

        let refused = receive(chunked(UNSHARED_BYTES + 1024), &memory).await.err().unwrap();
        assert_eq!((refused.status().as_u16(), refused.body().kind.as_str()), (503, "/problems/overloaded"));
        assert!(receive(chunked(UNSHARED_BYTES), &memory).await.is_ok());

        drop(held);
        assert!(receive(chunked(UNSHARED_BYTES + 1024), &memory).await.is_ok());
        assert_eq!(memory.available_permits(), 100);
    }

    #[tokio::test]
    async fn bodies_that_never_end_hold_no_more_memory_than_they_sent() {
        let memory = Semaphore::new(100);
        let body = receive(unfinished(UNSHARED_BYTES + 10 * 1024), &memory);
        let mut body = std::pin::pin!(body);
        assert!(futures::poll!(&mut body).is_pending());
        assert_eq!(memory.available_permits(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_a_408_after_ten_seconds() {
        let started = tokio::time::Instant::now();
        let refused = read(Request::new(unfinished(1024))).await.err().unwrap();
        assert_eq!((refused.status().as_u16(), refused.body().kind.as_str()), (408, "/problems/body-timeout"));
        assert_eq!(started.elapsed().as_secs(), BODY_SECONDS_MAX);
    }
}
