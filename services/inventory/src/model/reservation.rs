//! What is known of one order, in whatever order its events come.

use contracts::{
    ids::{InventoryId, OrderId},
    inventory::{ReserveItem, Shortage},
    time::Timestamp,
};

use super::allocation::{Allocation, StockEffect};

/// All that is known of one order, and the stock that it holds or consumed. Events come in any order and twice:
/// `is_open` follows the highest version and `is_paid` never goes back, so every order of events has the same end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) order_id: OrderId,
    /// The highest version seen. 0: none yet.
    pub(crate) order_version: i64,
    /// Whether the order is open at that version.
    pub(crate) is_open: bool,
    /// Whether an event confirmed it. Without one, the order may never have been placed.
    pub(crate) is_confirmed: bool,
    pub(crate) is_paid: bool,
    /// What was ordered, as [`merge_items`](super::merge_items) returns it. `None` while only a payment or an end is
    /// known.
    pub(crate) items: Option<Vec<ReserveItem>>,
    pub(crate) allocation: Allocation,
    /// Shortages to publish once the order is confirmed: before that staff cannot look at it.
    pub(crate) pending_shortages: Vec<Shortage>,
    /// The items of which a shortage was published.
    pub(crate) notified_items: Vec<InventoryId>,
    pub(crate) updated_at: Timestamp,
}

/// What an event reports about an order.
#[derive(Clone, Debug)]
pub(crate) enum OrderUpdate {
    /// It was placed or revived, with these items.
    Placed { order_version: i64, items: Vec<ReserveItem> },
    /// It was cancelled or expired.
    Closed { order_version: i64 },
    /// Every cup and item was handed over.
    Completed { order_version: i64 },
    /// It was paid.
    Paid,
}

/// What an update or a request changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReservationChange {
    /// Nothing: it was known, or is older than what is known.
    None,
    /// Open, confirmed or paid.
    State,
    /// What was ordered, and perhaps the state.
    Items,
}

/// The order's id belongs to another order, or this order has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrderIdTaken;

impl Reservation {
    /// An order of which nothing is known.
    #[cfg(test)]
    pub(crate) fn unknown(order_id: OrderId) -> Self {
        Self {
            order_id,
            order_version: 0,
            is_open: false,
            is_confirmed: false,
            is_paid: false,
            items: None,
            allocation: Allocation::default(),
            pending_shortages: Vec::new(),
            notified_items: Vec::new(),
            updated_at: Timestamp(0),
        }
    }

    /// The effect that the order should have on the stock.
    pub(crate) fn target_effect(&self) -> StockEffect {
        match (self.is_open && self.items.is_some(), self.is_paid) {
            (false, _) => StockEffect::None,
            (true, false) => StockEffect::Held,
            (true, true) => StockEffect::Consumed,
        }
    }

    /// Applies what an event reports.
    pub(crate) fn apply(&mut self, update: &OrderUpdate) -> ReservationChange {
        match update {
            OrderUpdate::Placed { order_version, items } => self.apply_placed(*order_version, items),
            OrderUpdate::Closed { order_version } => self.confirm(*order_version, false),
            OrderUpdate::Completed { order_version } => self.confirm(*order_version, true),
            OrderUpdate::Paid if self.is_paid => ReservationChange::None,
            OrderUpdate::Paid => {
                self.is_paid = true;
                ReservationChange::State
            }
        }
    }

    fn apply_placed(&mut self, order_version: i64, items: &[ReserveItem]) -> ReservationChange {
        let is_newer = self.is_superseded_by(order_version);
        let change = self.confirm(order_version, true);
        let differs = self.items.as_deref() != Some(items);
        if differs && (is_newer || self.items.is_none()) {
            self.items = Some(items.to_vec());
            return ReservationChange::Items;
        }
        change
    }

    /// Whether an event of this version is newer than what is known. An event supersedes a request of its own version.
    fn is_superseded_by(&self, order_version: i64) -> bool {
        order_version > self.order_version || (order_version == self.order_version && !self.is_confirmed)
    }

    fn confirm(&mut self, order_version: i64, is_open: bool) -> ReservationChange {
        if !self.is_superseded_by(order_version) {
            return ReservationChange::None;
        }
        self.order_version = order_version;
        self.is_open = is_open;
        self.is_confirmed = true;
        ReservationChange::State
    }

    /// Order requests these items for the version that the order will have (step 1).
    pub(crate) fn request(
        &mut self,
        order_version: i64,
        items: &[ReserveItem],
    ) -> Result<ReservationChange, OrderIdTaken> {
        let has_same_items = self.items.as_deref() == Some(items);
        let is_known = has_same_items && self.is_open;
        if !self.is_superseded_by(order_version) {
            return if is_known { Ok(ReservationChange::None) } else { Err(OrderIdTaken) };
        }
        if is_known && order_version == self.order_version {
            return Ok(ReservationChange::None);
        }
        self.order_version = order_version;
        self.is_open = true;
        self.is_confirmed = false;
        if has_same_items {
            return Ok(ReservationChange::State);
        }
        self.items = Some(items.to_vec());
        Ok(ReservationChange::Items)
    }

    /// Order releases what it requested at this version and did not write. What an event confirmed stays.
    pub(crate) fn release(&mut self, order_version: i64) -> ReservationChange {
        if self.is_confirmed || !self.is_open || self.order_version != order_version {
            return ReservationChange::None;
        }
        self.is_open = false;
        ReservationChange::State
    }

    /// Releases what no event confirmed since `before`. An event of the same version still counts when it comes.
    pub(crate) fn expire(&mut self, before: Timestamp) -> ReservationChange {
        if self.is_confirmed || self.allocation.effect == StockEffect::None || self.updated_at >= before {
            return ReservationChange::None;
        }
        self.is_open = false;
        ReservationChange::State
    }

    /// Drops the shortages that the new allocation does not have: items that it released, items of which it needs no
    /// more than was available, and items of which it takes more, because those are checked again.
    pub(crate) fn drop_old_shortages(&mut self) {
        let Self { pending_shortages, notified_items, allocation, .. } = self;
        notified_items.retain(|id| allocation.quantities.contains_key(id));
        pending_shortages.retain_mut(|shortage| {
            let quantity = allocation.quantities.get(&shortage.inventory_id).copied().unwrap_or_default();
            let is_still_short = quantity <= shortage.needed && quantity > shortage.available;
            shortage.needed = quantity;
            is_still_short
        });
    }

    /// Whether a shortage of the item was published for this order, or will be once it is confirmed.
    pub(crate) fn has_shortage_of(&self, id: InventoryId) -> bool {
        self.notified_items.contains(&id) || self.pending_shortages.iter().any(|short| short.inventory_id == id)
    }
}

#[cfg(test)]
mod tests {
    use contracts::ids::ProductId;
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    fn latte(quantity: u32) -> Vec<ReserveItem> {
        let latte = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5".parse::<ProductId>().unwrap();
        vec![ReserveItem { product_id: latte, quantity, options: Vec::new(), dispense_ml: None }]
    }

    fn order() -> Reservation {
        Reservation::unknown(OrderId::new(Timestamp(1)))
    }

    fn placed(order_version: i64) -> OrderUpdate {
        OrderUpdate::Placed { order_version, items: latte(1) }
    }

    const EXPIRED: OrderUpdate = OrderUpdate::Closed { order_version: 2 };

    fn after(updates: &[OrderUpdate]) -> Reservation {
        let mut order = order();
        for update in updates {
            order.apply(update);
        }
        order
    }

    #[test]
    fn an_open_order_holds_stock_a_paid_one_consumes_it_and_a_closed_one_neither() {
        assert_eq!(after(&[placed(1)]).target_effect(), StockEffect::Held);
        assert_eq!(after(&[placed(1), OrderUpdate::Paid]).target_effect(), StockEffect::Consumed);
        assert_eq!(after(&[OrderUpdate::Paid]).target_effect(), StockEffect::None);
        assert_eq!(after(&[EXPIRED]).target_effect(), StockEffect::None);
        assert_eq!(after(&[placed(1), EXPIRED]).target_effect(), StockEffect::None);
        assert_eq!(after(&[placed(1), EXPIRED, placed(3)]).target_effect(), StockEffect::Held);
        assert_eq!(
            after(&[placed(1), OrderUpdate::Completed { order_version: 4 }, OrderUpdate::Paid]).target_effect(),
            StockEffect::Consumed
        );
    }

    #[test]
    fn a_payment_for_an_expired_order_takes_effect_when_the_order_is_revived() {
        assert_eq!(after(&[placed(1), EXPIRED, OrderUpdate::Paid]).target_effect(), StockEffect::None);
        assert_eq!(after(&[placed(1), EXPIRED, OrderUpdate::Paid, placed(3)]).target_effect(), StockEffect::Consumed);
    }

    #[test]
    fn a_repeated_request_for_the_same_order_changes_nothing() {
        let mut order = order();
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::Items));
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::None));
        assert_eq!(order.apply(&placed(1)), ReservationChange::State);
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::None));
        assert_eq!(order.apply(&placed(1)), ReservationChange::None);
    }

    #[test]
    fn other_items_replace_those_of_an_order_that_was_not_placed_yet() {
        let mut order = order();
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::Items));
        assert_eq!(order.request(1, &latte(2)), Ok(ReservationChange::Items));
        order.apply(&OrderUpdate::Placed { order_version: 1, items: latte(2) });
        assert_eq!(order.request(1, &latte(3)), Err(OrderIdTaken));
        assert_eq!(order.items, Some(latte(2)));
    }

    #[test]
    fn the_placed_items_win_over_the_requested_ones() {
        let mut order = order();
        assert_eq!(order.request(1, &latte(2)), Ok(ReservationChange::Items));
        assert_eq!(order.apply(&placed(1)), ReservationChange::Items);
        assert_eq!(order.items, Some(latte(1)));
    }

    #[test]
    fn the_id_of_an_ended_order_is_taken_until_the_order_is_revived() {
        let mut order = after(&[placed(1), EXPIRED]);
        assert_eq!(order.request(1, &latte(1)), Err(OrderIdTaken));
        assert_eq!(order.request(3, &latte(1)), Ok(ReservationChange::State));
        assert_eq!(order.target_effect(), StockEffect::Held);
        assert_eq!(order.apply(&EXPIRED), ReservationChange::None, "an older end does not count");
        assert_eq!(order.apply(&placed(3)), ReservationChange::State);
        assert!(order.is_confirmed);
    }

    #[test]
    fn an_unconfirmed_reservation_expires_and_comes_back_with_its_order() {
        let mut order = order();
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::Items));
        order.allocation.effect = StockEffect::Held;
        order.updated_at = Timestamp(10);
        assert_eq!(order.expire(Timestamp(10)), ReservationChange::None);
        assert_eq!(order.expire(Timestamp(11)), ReservationChange::State);
        assert_eq!(order.target_effect(), StockEffect::None);
        order.allocation.effect = StockEffect::None;
        assert_eq!(order.apply(&placed(1)), ReservationChange::State);
        assert_eq!(order.target_effect(), StockEffect::Held);
    }

    #[test]
    fn an_unwritten_order_is_released_and_a_written_one_stays() {
        let mut order = order();
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::Items));
        assert_eq!(order.release(2), ReservationChange::None, "another version");
        assert_eq!(order.release(1), ReservationChange::State);
        assert_eq!(order.target_effect(), StockEffect::None);
        assert_eq!(order.release(1), ReservationChange::None);
        assert_eq!(order.request(1, &latte(1)), Ok(ReservationChange::State));
        assert_eq!(order.apply(&placed(1)), ReservationChange::State);
        assert_eq!(order.release(1), ReservationChange::None, "it was placed");
    }

    #[test]
    fn an_old_shortage_is_dropped_when_the_order_needs_other_items() {
        let (milk, cocoa) = (InventoryId::new(Timestamp(1)), InventoryId::new(Timestamp(2)));
        let short = Shortage {
            inventory_id: milk,
            name: "Milk".into(),
            unit: "ml".into(),
            needed: 300,
            available: 100,
            product_ids: Vec::new(),
        };
        for (parts, needed) in [
            (vec![(milk, 300), (cocoa, 5)], Some(300)),
            (vec![(milk, 200)], Some(200)),
            (vec![(milk, 100)], None),
            (vec![(milk, 400)], None),
            (vec![(cocoa, 5)], None),
            (vec![], None),
        ] {
            let mut order = Reservation { pending_shortages: vec![short.clone()], ..order() };
            order.allocation.quantities = parts.into_iter().collect();
            order.drop_old_shortages();
            assert_eq!(order.pending_shortages.first().map(|shortage| shortage.needed), needed);
        }
    }

    proptest! {
        #[test]
        fn events_in_any_order_and_twice_have_the_same_end(
            (chosen, shuffled) in subsequence(vec![0, 1, 2, 3, 4], 1..=5).prop_flat_map(|chosen| {
                let doubled = [chosen.clone(), chosen.clone()].concat();
                (Just(chosen), Just(doubled).prop_shuffle())
            }),
            is_reserved in any::<bool>(),
        ) {
            let events = [placed(1), OrderUpdate::Paid, EXPIRED, placed(3), OrderUpdate::Completed { order_version: 4 }];
            let end = |sequence: &[usize]| {
                let mut order = order();
                if is_reserved {
                    order.request(1, &latte(1)).unwrap();
                }
                for index in sequence {
                    order.apply(&events[*index]);
                }
                (order.target_effect(), order.order_version, order.is_open, order.is_paid, order.items)
            };
            prop_assert_eq!(end(&shuffled), end(&chosen));
        }
    }
}
