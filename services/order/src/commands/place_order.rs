//! `POST /api/Order` (steps 1 to 8): prices it, reserves its stock, writes it, says OrderCreated.

use contracts::{
    event::OrderCreated,
    order::{OrderView, PlaceOrder},
};
use db::{
    Tx,
    idempotency::{self, RequestKey},
    outbox,
};

use super::{Orders, say_changed};
use crate::{
    error::{NotHeld, PlaceError},
    model::{self, NewOrder},
    store,
};

impl Orders {
    /// Places an order and answers it. The same request again, by its key or by its order id, is answered the same
    /// order.
    ///
    /// # Errors
    /// [`PlaceError`]: nothing was written.
    pub(crate) async fn place(&self, key: Option<RequestKey>, request: PlaceOrder) -> Result<OrderView, PlaceError> {
        if let Some(earlier) = self.placed_before(key.clone(), &request).await? {
            return Ok(earlier);
        }
        let cards = self.cards(request.items.iter().map(|item| item.product_id)).await?;
        let mut draft = model::price(&request, &cards, &self.shop.current(), self.clock.now())?;
        draft.view.stock = match self.reserve(&draft.view, draft.view.version).await {
            Ok(stock) => stock,
            Err(NotHeld::OutOfStock(problem)) => return Err(PlaceError::OutOfStock(problem)),
            Err(NotHeld::IdTaken) => return Err(PlaceError::IdTaken(draft.view.order_id)),
            Err(NotHeld::Fault(problem)) => return Err(PlaceError::StockUnknown(problem)),
        };

        let written = self.db.write(move |tx| write_order(tx, key.as_ref(), draft.clone())).await;
        match written {
            Ok(order) => {
                self.cache_receipt(&order).await;
                Ok(order)
            }
            Err(PlaceError::IdTaken(_)) => self.same_order(&request).await,
            Err(error) => Err(error),
        }
    }

    /// The order that this request made before, if it did: a replay is answered even when prices have changed since.
    async fn placed_before(
        &self,
        key: Option<RequestKey>,
        request: &PlaceOrder,
    ) -> Result<Option<OrderView>, PlaceError> {
        if key.is_none() && request.order_id.is_none() {
            return Ok(None);
        }
        let order_id = request.order_id;
        let (replay, existing) = self
            .db
            .read(move |tx| {
                let replay = idempotency::replay::<OrderView>(tx, key.as_ref())?;
                let existing = order_id.map(|order_id| store::find(tx, order_id)).transpose()?.flatten();
                Ok::<_, PlaceError>((replay, existing))
            })
            .await?;
        match (replay, existing) {
            (Some(replay), _) => Ok(Some(replay)),
            (None, Some(existing)) => same_or_taken(existing, request).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Another request wrote this order id in the same moment.
    async fn same_order(&self, request: &PlaceOrder) -> Result<OrderView, PlaceError> {
        match self.placed_before(None, request).await? {
            Some(order) => Ok(order),
            None => Err(PlaceError::Db(db::DbError::Unavailable("the order was there and is gone".into()))),
        }
    }
}

fn same_or_taken(existing: OrderView, request: &PlaceOrder) -> Result<OrderView, PlaceError> {
    if model::is_same_request(&existing, request) { Ok(existing) } else { Err(PlaceError::IdTaken(existing.order_id)) }
}

fn write_order(tx: &mut Tx<'_>, key: Option<&RequestKey>, mut order: NewOrder) -> Result<OrderView, PlaceError> {
    if let Some(earlier) = idempotency::replay(tx, key)? {
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
    idempotency::remember(tx, key, &order.view, now)?;
    Ok(order.view)
}
