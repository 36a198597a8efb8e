//! `POST /api/Order` (steps 1 to 8): prices it, reserves its stock, writes it, says OrderCreated.

use contracts::{
    event::OrderCreated,
    order::{OrderView, PlaceOrder},
};
use db::{
    Tx,
    idempotency::{self, IdempotencyKey},
    outbox,
};

use super::{Orders, say_changed};
use crate::{
    error::PlaceError,
    model::{self, NewOrder},
    store,
};

impl Orders {
    /// Places an order and answers it. The same request again, by its key or by its order id, is answered the same
    /// order.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing was written.
    pub(crate) async fn place(
        &self,
        key: Option<IdempotencyKey>,
        request: PlaceOrder,
    ) -> Result<OrderView, PlaceError> {
        let _turn = self.turns.wait(key.as_ref()).await;
        if let Some(earlier) = self.placed_before(key.clone(), &request).await? {
            return Ok(earlier);
        }
        model::check_bounds(&request)?;
        let cards = self.cards(request.items.iter().map(|item| item.product_id)).await?;
        let shop = self.shop.current();
        let mut draft = model::price(&request, &cards, &shop, self.clock.now())?;
        let order_id = draft.view.order_id;
        draft.view.stock = match self.reserve(&draft.view, draft.view.version).await {
            Ok(stock) => stock,
            Err(not_held) => {
                // The same request, sent to another process in the same moment, may have taken the last of it.
                let refusal = PlaceError::not_held(order_id, not_held);
                return self.placed_before(key, &request).await?.ok_or(refusal);
            }
        };
        model::place_at(&mut draft.view, &shop, self.clock.now());
        self.write_reserved(key, &request, draft).await
    }

    /// Writes an order whose stock is held. What is not written gives it back.
    async fn write_reserved(
        &self,
        key: Option<IdempotencyKey>,
        request: &PlaceOrder,
        draft: NewOrder,
    ) -> Result<OrderView, PlaceError> {
        let (order_id, version) = (draft.view.order_id, draft.view.version);
        let write_key = key.clone();
        match self.db.write(move |tx| write_order(tx, write_key.as_ref(), draft.clone())).await {
            Ok(order) => {
                if order.order_id != order_id {
                    self.release(order_id, version).await;
                }
                self.cache_receipt(&order).await;
                Ok(order)
            }
            Err(PlaceError::IdTaken(_)) => self.same_order(key, request).await,
            Err(error) => {
                self.release_unless_placed(order_id, version).await;
                Err(error)
            }
        }
    }

    /// The order that this request made before, if it did: a replay is answered even when prices have changed since.
    async fn placed_before(
        &self,
        key: Option<IdempotencyKey>,
        request: &PlaceOrder,
    ) -> Result<Option<OrderView>, PlaceError> {
        if key.is_none() && request.order_id.is_none() {
            return Ok(None);
        }
        let (order_id, replay_key) = (request.order_id, key.clone());
        let (replay, existing) = self
            .db
            .point_read(move |tx| {
                let replay = idempotency::find_response::<OrderView>(tx, replay_key.as_ref())?;
                let existing = order_id.map(|order_id| store::find(tx, order_id)).transpose()?.flatten();
                Ok::<_, PlaceError>((replay, existing))
            })
            .await?;
        match (replay, existing) {
            (Some(replay), _) => Ok(Some(replay)),
            (None, Some(existing)) => self.remembered(key, same_or_taken(existing, request)?).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Keeps the answer for this key too: the order was placed by its id, under another one or none.
    async fn remembered(&self, key: Option<IdempotencyKey>, order: OrderView) -> Result<OrderView, PlaceError> {
        if key.is_none() {
            return Ok(order);
        }
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                    return Ok(earlier);
                }
                idempotency::save_response(tx, key.as_ref(), &order, now)?;
                Ok(order.clone())
            })
            .await
    }

    /// Another request wrote this order id in the same moment.
    async fn same_order(&self, key: Option<IdempotencyKey>, request: &PlaceOrder) -> Result<OrderView, PlaceError> {
        match self.placed_before(key, request).await? {
            Some(order) => Ok(order),
            None => Err(PlaceError::Db(db::DbError::Unavailable("the order was there and is gone".into()))),
        }
    }
}

fn same_or_taken(existing: OrderView, request: &PlaceOrder) -> Result<OrderView, PlaceError> {
    if model::is_same_request(&existing, request) { Ok(existing) } else { Err(PlaceError::IdTaken(existing.order_id)) }
}

fn write_order(tx: &mut Tx<'_>, key: Option<&IdempotencyKey>, mut order: NewOrder) -> Result<OrderView, PlaceError> {
    if let Some(earlier) = idempotency::find_response(tx, key)? {
        return Ok(earlier);
    }
    let letter = model::number_letter(order.view.channel);
    let count = store::next_count(tx, letter, order.view.business_day)?;
    order.view.order_number = model::order_number(letter, count);
    if !store::insert(tx, &order)? {
        return Err(PlaceError::IdTaken(order.view.order_id));
    }
    let now = order.view.placed_at;
    outbox::append(tx, &OrderCreated(model::placed(&order.view, &order.dispense_ml)), now)?;
    say_changed(tx, &order.view)?;
    idempotency::save_response(tx, key, &order.view, now)?;
    Ok(order.view)
}
