//! Clients that place and pay, one order after the other, each on its own open connection.

use std::{
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use contracts::{ids::OrderId, time::Timestamp};
use tokio::{runtime, task::LocalSet};

use crate::{
    connection::Connection,
    failure::Failure,
    menu::{self, OrderForm},
};

/// What one number of clients brought.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) clients: usize,
    /// Begun within the measured time.
    pub(crate) orders: usize,
    /// From the begin of the measured time until the last of them was paid.
    pub(crate) answered_in: Duration,
    pub(crate) place: Times,
    pub(crate) pay: Times,
    pub(crate) both: Times,
    /// Receipts that came before their codes did.
    pub(crate) codes_late: usize,
    /// With those of the warm-up.
    pub(crate) all_orders: usize,
    /// The measured time by the wall clock.
    pub(crate) counted: Span,
    /// When the last client stopped.
    pub(crate) ended: Instant,
}

/// From and until, in microseconds since 1970: which events belong to the measured time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) begin: i64,
    pub(crate) end: i64,
}

/// Durations in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<u32>);

impl Times {
    pub(crate) fn of(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self(micros)
    }

    /// The time within which `percent` of a hundred were done, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

struct Window {
    begin: Instant,
    end: Instant,
}

#[derive(Default)]
struct Samples {
    place: Vec<u32>,
    pay: Vec<u32>,
    codes_late: usize,
    orders: usize,
}

/// Lets `clients` work for `warm_up`, then for `measured`, which counts.
pub(crate) fn run(
    address: SocketAddr,
    clients: usize,
    warm_up: Duration,
    measured: Duration,
) -> Result<Measured, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let mut first = Connection::open(address).await?;
        let forms = Rc::new(menu::order_forms(&mut first).await?);
        let begin = Instant::now() + warm_up;
        let window = Rc::new(Window { begin, end: begin + measured });
        let wall_begin = wall_micros() + i64::try_from(warm_up.as_micros()).unwrap_or(0);
        let mut tasks = Vec::new();
        for client in 0..clients {
            let connection = Connection::open(address).await?;
            let (forms, window) = (Rc::clone(&forms), Rc::clone(&window));
            tasks.push(tokio::task::spawn_local(serve_guests(connection, forms, window, client)));
        }
        let mut all = Samples::default();
        for task in tasks {
            let samples = task.await.map_err(|error| Failure(format!("a client broke: {error}")))??;
            all.place.extend(samples.place);
            all.pay.extend(samples.pay);
            all.codes_late += samples.codes_late;
            all.orders += samples.orders;
        }
        let ended = Instant::now();
        let both = all.place.iter().zip(&all.pay).map(|(place, pay)| place + pay).collect();
        Ok(Measured {
            clients,
            orders: all.place.len(),
            answered_in: ended.duration_since(begin),
            place: Times::of(all.place),
            pay: Times::of(all.pay),
            both: Times::of(both),
            codes_late: all.codes_late,
            all_orders: all.orders,
            counted: Span { begin: wall_begin, end: wall_begin + i64::try_from(measured.as_micros()).unwrap_or(0) },
            ended,
        })
    })
}

/// One client: the next guest, and the next, until the time is over.
async fn serve_guests(
    mut connection: Connection,
    forms: Rc<Vec<OrderForm>>,
    window: Rc<Window>,
    client: usize,
) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    let mut request = Vec::new();
    // Clients begin at different places of the menu, so that they do not all want the same thing at once.
    for form in forms.iter().cycle().skip(client * 7) {
        let begun = Instant::now();
        if begun >= window.end {
            break;
        }
        let id = OrderId::new(Timestamp(wall_micros())).to_string();
        form.place.fill(&id, &mut request);
        send(&mut connection, "POST /api/Order", &request).await?;
        let placed = Instant::now();
        form.pay.fill(&id, &mut request);
        send(&mut connection, "POST /api/Payment", &request).await?;
        let paid = Instant::now();
        samples.orders += 1;
        if begun >= window.begin {
            samples.place.push(micros(placed - begun));
            samples.pay.push(micros(paid - placed));
            samples.codes_late += usize::from(has(connection.body(), b"\"qrPending\":true"));
        }
    }
    Ok(samples)
}

async fn send(connection: &mut Connection, what: &str, request: &[u8]) -> Result<(), Failure> {
    match connection.send(request).await? {
        200 | 201 => Ok(()),
        status => Err(menu::refused(what, status, connection.body())),
    }
}

/// Stocks the shop, so that nothing runs out.
pub(crate) fn prepare(address: SocketAddr) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async { menu::fill_storeroom(&mut Connection::open(address).await?).await })
}

fn has(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

/// A time as [`Times`] takes it.
pub(crate) fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = Times::of((1..=100).rev().map(|n| n * 1000).collect());
        assert_eq!(times.percentile_ms(50).to_string(), "51");
        assert_eq!(times.percentile_ms(99).to_string(), "100");
        assert_eq!(Times::default().percentile_ms(50).to_string(), "0");
    }
}
