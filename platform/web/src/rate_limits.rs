//! Limits how often one caller may ask, so that nobody on the Wi-Fi keeps the shop busy.
//!
//! A valid credential counts under its device or its person, everything else under its address: whatever others send
//! from the same address, a valid credential is not refused because of them. This machine itself has no limit.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{Extensions, StatusCode},
    response::{IntoResponse, Response},
};
use contracts::ids::{DeviceId, StaffId};
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
/// Refused credentials of an address: a tablet with an old cookie tries a few times.
const OF_FAILURES: Rate = Rate { per_second: 5, burst_requests: 20 };

/// How many buckets are kept; the least recently used are dropped. A network of a shop has 254 addresses.
const BUCKETS_MAX: u64 = 8_192;
/// How long an unused bucket is kept. Every bucket is full again after a tenth of that.
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
        match request.extensions().get::<Authenticated>() {
            Some(Authenticated(Ok(caller))) => {
                let device = caller.device_id().map(Key::Device);
                let person = || caller.staff.as_ref().map(|staff| Key::Person(staff.staff_id));
                match device.or_else(person) {
                    Some(key) => BUCKETS.take(key, OF_CALLER),
                    None => BUCKETS.take(Key::Address(address), OF_ADDRESS),
                }
            }
            _ => BUCKETS.take(Key::Address(address), OF_ADDRESS),
        }
    }
}

/// Counts a credential that was refused.
///
/// # Errors
/// 429 if there were too many from this address: nobody learns then why this one was refused.
pub(crate) fn count_refused_credential(extensions: &Extensions) -> Result<(), Problem> {
    limited_address(extensions).map_or(Ok(()), |address| BUCKETS.take(Key::Failures(address), OF_FAILURES))
}

/// The network that a request counts under. `None`: it comes from this machine.
fn limited_address(extensions: &Extensions) -> Option<IpAddr> {
    Peer::of(extensions).filter(|peer| !peer.is_loopback()).map(|peer| network(peer.address.ip()))
}

/// An IPv4 address, or the first half of an IPv6 address: one device can have every address of that network.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
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

/// Whose a bucket is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Device(DeviceId),
    Person(StaffId),
    Address(IpAddr),
    Failures(IpAddr),
}

impl Key {
    /// The metric's label.
    const fn limit(self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Person(_) => "person",
            Self::Address(_) => "address",
            Self::Failures(_) => "failures",
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
            rate_limited(rate, wait)
        })
    }
}

fn rate_limited(rate: Rate, wait: Duration) -> Problem {
    let Rate { per_second, .. } = rate;
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limited",
        "Too many requests",
        format!(
            "More than {per_second} requests a second come from here. Nothing was done; try again after the pause in \
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
    fn addresses_of_one_ipv6_network_are_one() {
        let network = |text: &str| super::network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:aaaa::1"), network("2001:db8:1:2:bbbb::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.168.1.7"), network("192.168.1.8"));
        assert_eq!(network("::ffff:192.168.1.7"), network("192.168.1.7"));
    }

    #[test]
    fn the_buckets_are_bounded() {
        let buckets = Buckets::new();
        for address in 0..20_000_u32 {
            buckets.take(Key::Address(IpAddr::V4(address.into())), OF_ADDRESS).ok().unwrap();
        }
        buckets.0.run_pending_tasks();
        assert!(buckets.0.entry_count() <= BUCKETS_MAX);
    }
}
