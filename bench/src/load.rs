//! Clients that place and pay one order after the other, each on a connection of its own.

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
    menu::{self, OrderRequests},
    times::{TimeRange, Times, micros},
};

/// The results of one number of clients.
#[derive(Debug)]
pub(crate) struct LoadResult {
    pub(crate) clients: usize,
    /// Orders that were started within the measured time.
    pub(crate) orders: usize,
    /// From the start of the measured time until the last of them was paid.
    pub(crate) answered_in: Duration,
    pub(crate) place: Times,
    pub(crate) pay: Times,
    pub(crate) both: Times,
    /// Receipts that were returned before their codes were issued.
    pub(crate) receipts_without_codes: usize,
    /// All orders, including those of the warm-up.
    pub(crate) all_orders: usize,
    /// The measured time by the wall clock.
    pub(crate) measured: TimeRange,
    /// When the last client stopped.
    pub(crate) ended: Instant,
}

/// The measured time.
struct Window {
    start: Instant,
    end: Instant,
}

#[derive(Default)]
struct Samples {
    place: Vec<u32>,
    pay: Vec<u32>,
    receipts_without_codes: usize,
    orders: usize,
}

/// Runs `clients` clients for `warm_up`, and then for `measured`, which counts.
pub(crate) fn run(
    address: SocketAddr,
    clients: usize,
    warm_up: Duration,
    measured: Duration,
) -> Result<LoadResult, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let mut first = Connection::open(address).await?;
        first.sign_in().await?;
        let requests = Rc::new(menu::order_requests(&mut first).await?);
        let start = Instant::now() + warm_up;
        let window = Rc::new(Window { start, end: start + measured });
        let wall_start = wall_micros() + i64::try_from(warm_up.as_micros()).unwrap_or(0);
        let mut tasks = Vec::new();
        for client in 0..clients {
            let connection = Connection::open(address).await?;
            let (requests, window) = (Rc::clone(&requests), Rc::clone(&window));
            tasks.push(tokio::task::spawn_local(run_client(connection, requests, window, client)));
        }
        let mut all = Samples::default();
        for task in tasks {
            let samples = task.await.map_err(|error| Failure(format!("a client panicked: {error}")))??;
            all.place.extend(samples.place);
            all.pay.extend(samples.pay);
            all.receipts_without_codes += samples.receipts_without_codes;
            all.orders += samples.orders;
        }
        let ended = Instant::now();
        let both = all.place.iter().zip(&all.pay).map(|(place, pay)| place + pay).collect();
        Ok(LoadResult {
            clients,
            orders: all.place.len(),
            answered_in: ended.duration_since(start),
            place: Times::of(all.place),
            pay: Times::of(all.pay),
            both: Times::of(both),
            receipts_without_codes: all.receipts_without_codes,
            all_orders: all.orders,
            measured: TimeRange {
                start: wall_start,
                end: wall_start + i64::try_from(measured.as_micros()).unwrap_or(0),
            },
            ended,
        })
    })
}

/// One client: places and pays order after order until the measured time is over.
async fn run_client(
    mut connection: Connection,
    requests: Rc<Vec<OrderRequests>>,
    window: Rc<Window>,
    client: usize,
) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    let mut bytes = Vec::new();
    // Clients start at different places of the menu, so that they do not all order the same product at once.
    for order in requests.iter().cycle().skip(client * 7) {
        let started = Instant::now();
        if started >= window.end {
            break;
        }
        let id = OrderId::new(Timestamp(wall_micros())).to_string();
        order.place.fill(&id, &mut bytes);
        send(&mut connection, "POST /api/Order", &bytes).await?;
        let placed = Instant::now();
        order.pay.fill(&id, &mut bytes);
        send(&mut connection, "POST /api/Payment", &bytes).await?;
        let paid = Instant::now();
        samples.orders += 1;
        if started >= window.start {
            samples.place.push(micros(placed - started));
            samples.pay.push(micros(paid - placed));
            samples.receipts_without_codes += usize::from(contains(connection.body(), b"\"qrPending\":true"));
        }
    }
    Ok(samples)
}

async fn send(connection: &mut Connection, what: &str, request: &[u8]) -> Result<(), Failure> {
    match connection.send(request).await? {
        200 | 201 => Ok(()),
        status => Err(menu::unexpected_response(what, status, connection.body())),
    }
}

/// Fills the stock, so that nothing runs out.
pub(crate) fn prepare(address: SocketAddr) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        connection.sign_in().await?;
        menu::fill_stock(&mut connection).await
    })
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
