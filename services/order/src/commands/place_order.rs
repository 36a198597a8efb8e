//! `POST /api/Order` (steps 1 to 8): prices an order, reserves its stock, writes it and publishes OrderCreated.

use std::time::Duration;

use access::Caller;
use contracts::{
    device::UNPAIRED_LETTER,
    event::OrderCreated,
    ids::{DeviceId, OrderId},
    order::{OrderView, PlaceOrder},
};
use db::{
    Tx,
    idempotency::{self, Answer, IdempotencyError, IdempotencyKey},
    outbox,
};

use super::{Orders, append_order_changed};
use crate::{
    error::PlaceError,
    model::{self, Placement, PricedOrder, Viewer},
    store,
};

/// For how long an order answers a retry that names it by its key alone. Later the key counts as reused, because the old
/// order may be another guest's.
const RETRY_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Orders that one kiosk may have unpaid at once, each with its stock reserved: one guest pays while the next ones order, and
/// some leave without paying. Nobody at a kiosk can hold the shop's stock.
const KIOSK_UNPAID_ORDERS_MAX: u32 = 5;

/// One request to place an order.
struct Request<'a> {
    caller: &'a Caller,
    key: Option<IdempotencyKey>,
    order_id: OrderId,
    body: PlaceOrder,
}

impl Orders {
    /// Places an order. A repeated request, by its Idempotency-Key or its order id, gets the same order.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing was written. `Refused`: a bound, a product, an option or the number of cups.
    /// `TotalMismatch`: the client showed another total. `OutOfStock`: something ran out. `OrderIdTaken`: the id is
    /// another order's. `TooManyOpenOrders`: pay or cancel one first. `Idempotency`: the key is another request's. Otherwise a service or the database is unavailable.
    #[tracing::instrument(name = "place_order", level = "debug", skip_all, fields(order_id))]
    pub(crate) async fn place_order(
        &self,
        caller: &Caller,
        key: Option<IdempotencyKey>,
        body: PlaceOrder,
    ) -> Result<OrderView, PlaceError> {
        model::check_bounds(&body)?;
        let kiosk = caller.kiosk().map(|kiosk| kiosk.device_id);
        if kiosk.is_some() {
            model::check_kiosk_units(&body)?;
        }
        let channel = model::choose_channel(body.channel, kiosk.is_some())?;
        let order_id = model::order_id_for(&body, key.as_ref(), self.clock.now());
        let request = Request { caller, key, order_id, body: PlaceOrder { channel: Some(channel), ..body } };
        tracing::Span::current().record("order_id", tracing::field::display(order_id));
        // A retry waits for the first attempt, instead of competing with it for the last piece.
        let _lock = self.order_locks.lock(order_id).await;
        // A retry is answered even if prices have changed since.
        if let Some(placed) = self.find_placed(&request).await? {
            return Ok(placed);
        }

        let cards = self.product_cards(request.body.items.iter().map(|item| item.product_id)).await?;
        let rules = self.shop.current();
        let lines = model::choose_products(&request.body, &cards, &rules)?;
        model::check_cups(&lines)?;
        let order = model::price_order(order_id, &request.body, lines, &rules)?;
        model::check_total(&request.body, &order)
            .map_err(|mismatch| PlaceError::TotalMismatch { shown: request.body.total_amount, mismatch })?;

        if let Some(kiosk) = kiosk {
            // The write decides. Here it keeps a kiosk that has its orders from reserving stock for a moment.
            self.db.point_read(move |tx| refuse_too_many_open(tx, kiosk)).await?;
        }
        match self.reserve_stock(order_id, &order.stock_needs()).await {
            Ok(stock) => {
                let placed_at = self.clock.now();
                let placement = Placement {
                    placed_by: caller.actor(),
                    letter: letter_of(caller),
                    stock,
                    business_day: rules.business_day(placed_at),
                    placed_at,
                    expires_at: placed_at + rules.unpaid_order_ttl(),
                };
                self.write_reserved(&request, order, placement).await
            }
            // Another process may have placed the same request concurrently and reserved the last piece.
            Err(error) => match self.find_placed(&request).await? {
                Some(placed) => Ok(placed),
                None => Err(PlaceError::not_reserved(order_id, error)),
            },
        }
    }

    /// Writes an order whose stock is reserved. The stock of an order that is not written is released.
    async fn write_reserved(
        &self,
        request: &Request<'_>,
        order: PricedOrder,
        placement: Placement,
    ) -> Result<OrderView, PlaceError> {
        let (order_id, key, now) = (order.order_id, request.key.clone(), placement.placed_at);
        let kiosk = request.caller.kiosk().map(|kiosk| kiosk.device_id);
        let write = move |tx: &mut Tx<'_>| {
            idempotency::once(tx, key.as_ref(), now, |tx| write_order(tx, &order, placement.clone(), kiosk))
        };
        match self.db.write(write).await {
            Ok(Answer::First(placed)) => {
                metrics::counter!("orders_placed_total").increment(1);
                self.cache_receipt(&placed).await;
                Ok(placed)
            }
            Ok(Answer::Repeated(placed)) => Ok(placed),
            // Another process wrote this id concurrently: the same order, or another one.
            Err(taken @ PlaceError::OrderIdTaken(_)) => self.find_placed(request).await?.ok_or(taken),
            Err(error) => {
                self.release_stock_unless_written(order_id, model::FIRST_VERSION).await;
                Err(error)
            }
        }
    }

    /// The order that this request placed before, if it did.
    ///
    /// # Errors
    /// `OrderIdTaken` if the id is another order's, `Idempotency` if the key is another request's.
    async fn find_placed(&self, request: &Request<'_>) -> Result<Option<OrderView>, PlaceError> {
        let Request { caller, key, order_id, body } = request;
        let (key, order_id) = (key.as_ref(), *order_id);
        if key.is_none() && body.order_id.is_none() {
            return Ok(None);
        }
        let read_key = key.cloned();
        let (answered, existing) = self
            .db
            .point_read(move |tx| {
                let answered = idempotency::find_response::<OrderView>(tx, read_key.as_ref())?;
                Ok::<_, PlaceError>((answered, store::find_order(tx, order_id)?.map(OrderView::from)))
            })
            .await?;
        let existing = match (answered, existing) {
            (Some(answered), _) => return Ok(Some(answered)),
            (None, None) => return Ok(None),
            (None, Some(existing)) => existing,
        };
        let is_derived = key.is_some() && body.order_id.is_none();
        let is_stale = is_derived && self.clock.now().since(existing.placed_at) > RETRY_TIME_MAX;
        // A kiosk that guesses the id of another's order does not get to see it.
        let is_visible = Viewer::from(*caller).sees(&existing.placed_by);
        match (model::is_same_request(&existing, body) && is_visible && !is_stale, key) {
            (true, None) => Ok(Some(existing)),
            (true, Some(key)) => self.save_response(key.clone(), existing).await.map(Some),
            // The id is derived from the key, and the response under the key was pruned.
            (false, Some(key)) if body.order_id.is_none() => {
                Err(IdempotencyError::KeyReused { key: key.key.clone() }.into())
            }
            (false, _) => Err(PlaceError::OrderIdTaken(order_id)),
        }
    }

    /// Saves the response under this key too, because the order was placed with another key or without one.
    async fn save_response(&self, key: IdempotencyKey, order: OrderView) -> Result<OrderView, PlaceError> {
        let now = self.clock.now();
        let save = move |tx: &mut Tx<'_>| {
            idempotency::once(tx, Some(&key), now, |_| Ok::<_, PlaceError>(order.clone())).map(Answer::into_inner)
        };
        self.db.write(save).await
    }
}

/// The letter before the numbers of the caller's orders.
fn letter_of(caller: &Caller) -> String {
    let letter = caller.device.as_ref().and_then(|device| device.letter.as_deref());
    letter.unwrap_or(UNPAIRED_LETTER).to_owned()
}

fn write_order(
    tx: &mut Tx<'_>,
    order: &PricedOrder,
    placement: Placement,
    kiosk: Option<DeviceId>,
) -> Result<OrderView, PlaceError> {
    let placed_at = placement.placed_at;
    // It also makes orders of one device wait for each other, so that each counts those before it.
    let count = store::next_count(tx, &placement.letter, placement.business_day)?;
    kiosk.map_or(Ok(()), |kiosk| refuse_too_many_open(tx, kiosk))?;
    let order = order.clone().placed(model::order_number(&placement.letter, count), placement);
    if !store::insert_order(tx, &order)? {
        return Err(PlaceError::OrderIdTaken(order.header.order_id));
    }
    outbox::append(tx, &OrderCreated(order.placed_order()), placed_at)?;
    Ok(append_order_changed(tx, order)?)
}

fn refuse_too_many_open(tx: &mut Tx<'_>, kiosk: DeviceId) -> Result<(), PlaceError> {
    let unpaid = store::count_unpaid(tx, kiosk, KIOSK_UNPAID_ORDERS_MAX)?;
    if unpaid < KIOSK_UNPAID_ORDERS_MAX { Ok(()) } else { Err(PlaceError::TooManyOpenOrders(unpaid)) }
}
