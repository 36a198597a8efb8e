//! Limits how often one caller may ask, so that nobody on the Wi-Fi keeps the shop busy.
//!
//! A valid credential counts under its device or its person, everything else under its address: whatever others send
//! from the same address, a valid credential is not refused because of them. This machine itself has no limit.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use access::Principal;
use axum::{
    extract::{FromRequestParts, Request},
    http::{Extensions, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use futures::future::{Either, Ready, ready};
use metrics::counter;
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::{Peer, Problem, caller::Authenticated};

/// Requests of a device, or of a person without one. A till in a rush sends ten a second.
const OF_CALLER: Rate = Rate { per_second: 100, burst_requests: 400 };
/// Requests of an address without a valid credential: a page with its images, and sign-in.
const OF_ADDRESS: Rate = Rate { per_second: 10, burst_requests: 60 };
/// Refused credentials of an address: a tablet with an old cookie sends a few requests.
const OF_FAILURES: Rate = Rate { per_second: 5, burst_requests: 20 };
/// PINs of a device, a person or an address. Each takes a core for a good part of a second; at a change of shift a tablet
/// sends a few.
const OF_PINS: Rate = Rate { per_second: 1, burst_requests: 10 };

/// How many buckets are kept; the least recently used are dropped. A network of a shop has 254 addresses.
const BUCKETS_MAX: u64 = 8_192;
/// How long an unused bucket is kept. Every bucket is full again after a sixth of that.
const BUCKET_IDLE_SECONDS_MAX: u64 = 60;

const SECOND_NANOS: u64 = 1_000_000_000;

/// The buckets of this process: a caller has one allowance for all services.
static BUCKETS: LazyLock<Buckets> = LazyLock::new(Buckets::new);
/// The moment from which the buckets count.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Refuses requests beyond the limits. Stands behind the authentication.
#[derive(Clone, Copy)]
pub(crate) struct RateLimits;

impl RateLimits {
    fn check(request: &Request) -> Result<(), Problem> {
        let Some(address) = limited_address(request.extensions()) else { return Ok(()) };
        let client = client(request.extensions(), address);
        let rate = match client {
            Client::Known(_) => OF_CALLER,
            Client::Address(_) => OF_ADDRESS,
        };
        BUCKETS.take(Key::Requests(client), rate)
    }
}

/// Limits how often one caller may send a PIN, so that nobody fills the queue in which PINs are hashed. An extractor:
/// handlers that check or hash a PIN have it as a parameter.
#[derive(Clone, Copy, Debug)]
pub struct PinLimit;

impl<S: Send + Sync> FromRequestParts<S> for PinLimit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(address) = limited_address(&parts.extensions) else { return Ok(Self) };
        BUCKETS.take(Key::Pins(client(&parts.extensions, address)), OF_PINS).map(|()| Self)
    }
}

/// Counts a credential that was refused.
///
/// # Errors
/// 429 if there were too many from this address: nobody learns then why this one was refused.
pub(crate) fn count_refused_credential(extensions: &Extensions) -> Result<(), Problem> {
    limited_address(extensions).map_or(Ok(()), |address| BUCKETS.take(Key::Failures(address), OF_FAILURES))
}

/// Whose requests these are: the caller's with a valid credential, else the address's.
fn client(extensions: &Extensions, address: IpAddr) -> Client {
    let Some(Authenticated(Ok(caller))) = extensions.get() else { return Client::Address(address) };
    caller.principal().map_or(Client::Address(address), Client::Known)
}

/// The address that a request counts under. `None`: it comes from this machine.
fn limited_address(extensions: &Extensions) -> Option<IpAddr> {
    Peer::of(extensions).filter(|peer| !peer.is_loopback()).map(Peer::client)
}

/// How many requests: so many each second, and so many at once after a pause.
#[derive(Clone, Copy)]
struct Rate {
    per_second: u64,
    burst_requests: u64,
}

impl Rate {
    const fn nanos_per_request(self) -> u64 {
        SECOND_NANOS / self.per_second
    }

    const fn nanos_to_fill(self) -> u64 {
        self.nanos_per_request() * self.burst_requests
    }
}

/// Who sends requests.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    /// With a valid credential.
    Known(Principal),
    /// Without one.
    Address(IpAddr),
}

/// What a bucket counts, and whose.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Requests(Client),
    Pins(Client),
    Failures(IpAddr),
}

impl Key {
    /// The metric's label.
    const fn limit(self) -> &'static str {
        match self {
            Self::Requests(Client::Known(Principal::Device(_))) => "device",
            Self::Requests(Client::Known(Principal::Person(_))) => "person",
            Self::Requests(Client::Address(_)) => "address",
            Self::Pins(_) => "pins",
            Self::Failures(_) => "failures",
        }
    }

    /// What is counted, for people.
    const fn counted(self) -> &'static str {
        match self {
            Self::Requests(_) => "Requests",
            Self::Pins(_) => "PINs",
            Self::Failures(_) => "Refused credentials",
        }
    }
}

/// One bucket of requests, by the generic cell rate algorithm: when it is full again, in nanoseconds since [`START`].
#[derive(Default)]
struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one request, or says how long to wait for the next.
    fn take(&self, rate: Rate, now: u64) -> Result<(), Duration> {
        let mut wait = 0;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now) + rate.nanos_per_request();
            wait = full_at.saturating_sub(now + rate.nanos_to_fill());
            (wait == 0).then_some(full_at)
        });
        taken.map(|_| ()).map_err(|_| Duration::from_nanos(wait))
    }
}

struct Buckets(Cache<Key, Arc<Bucket>>);

impl Buckets {
    fn new() -> Self {
        let buckets = Cache::builder()
            .max_capacity(BUCKETS_MAX)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(Duration::from_secs(BUCKET_IDLE_SECONDS_MAX));
        Self(buckets.build())
    }

    fn take(&self, key: Key, rate: Rate) -> Result<(), Problem> {
        let now = Instant::now().saturating_duration_since(*START).as_nanos();
        let bucket = self.0.get_with(key, Arc::default);
        bucket.take(rate, u64::try_from(now).unwrap_or(u64::MAX / 2)).map_err(|wait| {
            counter!("http_server_rate_limited_requests_total", "limit" => key.limit()).increment(1);
            rate_limited(key, rate, wait)
        })
    }
}

fn rate_limited(key: Key, rate: Rate, wait: Duration) -> Problem {
    let (counted, per_second) = (key.counted(), rate.per_second);
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limited",
        "Too many requests",
        format!(
            "{counted} come from here faster than {per_second} a second. Nothing was done; try again after the pause in \
             Retry-After."
        ),
    )
    .retry_after(wait)
}

impl<S> Layer<S> for RateLimits {
    type Service = LimitedRate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitedRate(inner)
    }
}

/// A route with its limits.
#[derive(Clone)]
pub(crate) struct LimitedRate<S>(S);

impl<S> Service<Request> for LimitedRate<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match RateLimits::check(&request) {
            Ok(()) => Either::Right(self.0.call(request)),
            Err(problem) => Either::Left(ready(Ok(problem.into_response()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst_requests: 3 };
    const TENTH: u64 = SECOND_NANOS / 10;

    #[test]
    fn after_a_burst_requests_come_at_the_rate() {
        let bucket = Bucket::default();
        let now = 5 * SECOND_NANOS;
        assert_eq!([0, 1, 2].map(|_| bucket.take(RATE, now).is_ok()), [true; 3]);
        assert_eq!(bucket.take(RATE, now), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(RATE, now + TENTH / 4), Err(Duration::from_millis(75)));
        assert_eq!(bucket.take(RATE, now + TENTH), Ok(()));
        assert!(bucket.take(RATE, now + TENTH).is_err());
    }

    #[test]
    fn a_pause_fills_the_bucket_and_no_more() {
        let bucket = Bucket::default();
        for _ in 0..3 {
            bucket.take(RATE, 0).unwrap();
        }
        let later = 3_600 * SECOND_NANOS;
        assert_eq!([0, 1, 2, 3].map(|_| bucket.take(RATE, later).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn refused_requests_do_not_lengthen_the_wait() {
        let bucket = Bucket::default();
        for _ in 0..1_000 {
            let _refused = bucket.take(RATE, 0);
        }
        assert_eq!(bucket.take(RATE, 0), Err(Duration::from_millis(100)));
    }

    #[test]
    fn the_buckets_are_bounded() {
        let buckets = Buckets::new();
        for address in 0..20_000_u32 {
            buckets.take(Key::Requests(Client::Address(IpAddr::V4(address.into()))), OF_ADDRESS).ok().unwrap();
        }
        buckets.0.run_pending_tasks();
        assert!(buckets.0.entry_count() <= BUCKETS_MAX);
    }
}
