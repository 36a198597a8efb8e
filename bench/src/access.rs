//! What it costs to know who calls: a token that was seen before, and a signed request with its signed response.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use access::{
    Access, SigningKey, TokenIssuer, TokenSubject,
    signature::{SignedRequest, sign_request},
};
use clock::Clock;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{DeviceId, SessionId, StaffId},
    staff::{Role, StaffRef},
    time::Timestamp,
};
use http::{HeaderMap, Request, StatusCode};

use crate::failure::Failure;

/// The text of `--help`.
pub(crate) const HELP: &str = "\
cargo xtask bench access

Measures in one thread, without HTTP, what a request costs more because of its credential: a token that this
process has seen before, and a signed request of 200 bytes with the signature of its response.
";

/// How often each call is repeated between two looks at the clock: less than a millisecond, so that most samples are not
/// interrupted by other programs.
const CALLS_PER_SAMPLE: u32 = 20;
/// How many samples the median is of.
const SAMPLES: usize = 20_001;
/// How many samples warm up and do not count.
const WARM_UP_SAMPLES: usize = 1_000;
/// The bytes of a body.
const BODY_BYTES: usize = 200;
const TOKEN_MICROS_MAX: f64 = 5.0;
const SIGNED_MICROS_MAX: f64 = 20.0;

/// Measures and prints the medians beside the targets.
pub(crate) fn run() -> Result<(), Failure> {
    println!("medians of {SAMPLES} samples of {CALLS_PER_SAMPLE} calls each");
    print("a token seen before", token()?, TOKEN_MICROS_MAX);
    print("a signed request, and signing its response", signed_request()?, SIGNED_MICROS_MAX);
    Ok(())
}

fn print(what: &str, micros: f64, micros_max: f64) {
    let reached = if micros < micros_max { "reached" } else { "MISSED " };
    println!("  {reached}  {what}: {micros:.2} us (under {micros_max})");
}

fn token() -> Result<f64, Failure> {
    let clock = Clock::system();
    let now = clock.now();
    let access = Access::new(clock);
    let issuer = TokenIssuer::new(now).map_err(failure)?;
    let lifetime = Duration::from_secs(3_600);
    access.add_key(issuer.key_id(), issuer.public_key().clone(), now + lifetime);
    let till = till(now);
    access.put_device(&till, None);
    let staff = StaffRef { staff_id: StaffId::new(now), name: "Sari".into(), role: Role::Cashier };
    let (session_id, device_id) = (SessionId::new(now), Some(till.device_id));
    let subject = TokenSubject::Session { session_id, staff, device_id };
    let (token, _) = issuer.issue(subject, now, lifetime).map_err(failure)?;
    median_micros(|| {
        black_box(access.caller(black_box(&token)).map_err(failure)?);
        Ok(())
    })
}

fn till(now: Timestamp) -> DeviceView {
    DeviceView {
        device_id: DeviceId::new(now),
        kind: DeviceKind::Pos,
        name: "POS 1".into(),
        place: None,
        letter: Some("A".into()),
        products: Vec::new(),
        ml_per_second: None,
        is_bearer_allowed: false,
        paired_at: now,
        last_seen_at: None,
        revoked_at: None,
        revoke_reason: None,
        key_version: 1,
        version: 1,
    }
}

fn signed_request() -> Result<f64, Failure> {
    let key = SigningKey::random().map_err(failure)?;
    let body = vec![b'x'; BODY_BYTES];
    let mut request = Request::post("/api/QrCode/validate").body(body).map_err(failure)?;
    sign_request(&mut request, &key, DeviceId::new(Timestamp(0)), 1).map_err(failure)?;
    let (parts, body) = request.into_parts();
    median_micros(|| {
        let signed = SignedRequest::parse(&parts.method, &parts.uri, &parts.headers).map_err(failure)?;
        let verified = signed.verify(&key, black_box(&body)).map_err(failure)?;
        let mut headers = HeaderMap::new();
        verified.sign_response(&key, StatusCode::OK, black_box(&body), &mut headers).map_err(failure)?;
        black_box(headers);
        Ok(())
    })
}

/// The median time of a call.
fn median_micros(mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut samples = Vec::with_capacity(SAMPLES);
    for sample in 0..WARM_UP_SAMPLES + SAMPLES {
        let start = Instant::now();
        for _ in 0..CALLS_PER_SAMPLE {
            call()?;
        }
        if sample >= WARM_UP_SAMPLES {
            samples.push(start.elapsed());
        }
    }
    samples.sort_unstable();
    Ok(samples[SAMPLES / 2].as_secs_f64() * 1e6 / f64::from(CALLS_PER_SAMPLE))
}

fn failure(error: impl std::error::Error) -> Failure {
    Failure(error.to_string())
}
