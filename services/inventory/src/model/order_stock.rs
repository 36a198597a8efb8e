//! What is known of one order, whatever order its events come in.

use contracts::{
    ids::{InventoryId, OrderId},
    inventory::{ReserveItem, Shortage},
    time::Timestamp,
};

use super::occupied::{Effect, Occupied};

/// All that is known of one order. Events come in any order and twice: `is_open` follows the highest version,
/// `is_paid` never goes back, so the end is the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderStock {
    pub(crate) order_id: OrderId,
    /// The highest version heard of. 0: none yet.
    pub(crate) order_version: i64,
    /// Whether the order stands at that version.
    pub(crate) is_open: bool,
    /// Whether an event said so. A reservation alone may be of an order that was never placed.
    pub(crate) is_confirmed: bool,
    pub(crate) is_paid: bool,
    /// What was ordered, as [`merged`] answers it. `None` while only a payment or an end is known.
    pub(crate) items: Option<Vec<ReserveItem>>,
    pub(crate) occupied: Occupied,
    /// Shortages of which staff hear once the order is confirmed: before that there is nothing to look at.
    pub(crate) unsaid: Vec<Shortage>,
    /// The items of which staff heard that the order has too little.
    pub(crate) said_of: Vec<InventoryId>,
    pub(crate) updated_at: Timestamp,
}

/// What was said of an order.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// It was placed, or lives again, with these items.
    Placed { order_version: i64, items: Vec<ReserveItem> },
    /// It was given up.
    Closed { order_version: i64 },
    /// All of it is with its guest.
    Completed { order_version: i64 },
    /// It was paid.
    Paid,
}

/// What hearing something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Nothing: it was known, or is older than what is known.
    Nothing,
    /// Where the order stands.
    State,
    /// What was ordered, and perhaps where it stands.
    Items,
}

/// The order's id belongs to another order, or to this one after its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrderIdTaken;

impl OrderStock {
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
            occupied: Occupied::default(),
            unsaid: Vec::new(),
            said_of: Vec::new(),
            updated_at: Timestamp(0),
        }
    }

    /// What the order should do to the stock.
    pub(crate) fn wanted(&self) -> Effect {
        match (self.is_open && self.items.is_some(), self.is_paid) {
            (false, _) => Effect::None,
            (true, false) => Effect::Held,
            (true, true) => Effect::Taken,
        }
    }

    /// Takes in what an event said.
    pub(crate) fn hear(&mut self, said: &Said) -> Changed {
        match said {
            Said::Placed { order_version, items } => self.hear_placed(*order_version, items),
            Said::Closed { order_version } => self.stand(*order_version, false),
            Said::Completed { order_version } => self.stand(*order_version, true),
            Said::Paid if self.is_paid => Changed::Nothing,
            Said::Paid => {
                self.is_paid = true;
                Changed::State
            }
        }
    }

    fn hear_placed(&mut self, order_version: i64, items: &[ReserveItem]) -> Changed {
        let is_newer = self.yields_to(order_version);
        let changed = self.stand(order_version, true);
        let differs = self.items.as_deref() != Some(items);
        if differs && (is_newer || self.items.is_none()) {
            self.items = Some(items.to_vec());
            return Changed::Items;
        }
        changed
    }

    /// Whether an event of this version says more than is known: an event outdoes a reservation of its own version.
    fn yields_to(&self, order_version: i64) -> bool {
        order_version > self.order_version || (order_version == self.order_version && !self.is_confirmed)
    }

    fn stand(&mut self, order_version: i64, is_open: bool) -> Changed {
        if !self.yields_to(order_version) {
            return Changed::Nothing;
        }
        self.order_version = order_version;
        self.is_open = is_open;
        self.is_confirmed = true;
        Changed::State
    }

    /// Order asks to hold these items for the version that the order will have (step 1).
    pub(crate) fn ask(&mut self, order_version: i64, items: &[ReserveItem]) -> Result<Changed, OrderIdTaken> {
        let is_same = self.items.as_deref() == Some(items);
        let is_known = is_same && self.is_open;
        if !self.yields_to(order_version) {
            return if is_known { Ok(Changed::Nothing) } else { Err(OrderIdTaken) };
        }
        if is_known && order_version == self.order_version {
            return Ok(Changed::Nothing);
        }
        self.order_version = order_version;
        self.is_open = true;
        self.is_confirmed = false;
        if is_same {
            return Ok(Changed::State);
        }
        self.items = Some(items.to_vec());
        Ok(Changed::Items)
    }

    /// Order gives back what it asked for at this version and did not write. What an event confirmed stays.
    pub(crate) fn release(&mut self, order_version: i64) -> Changed {
        if self.is_confirmed || !self.is_open || self.order_version != order_version {
            return Changed::Nothing;
        }
        self.is_open = false;
        Changed::State
    }

    /// Forgets the shortages of which staff have not heard and that are none any more, now that the order occupies what
    /// it does: of what it gave back, of what it needs no more of than was there, and of what it takes more of, which is
    /// looked at anew.
    pub(crate) fn forget_old_shortages(&mut self) {
        let Self { unsaid, said_of, occupied, .. } = self;
        said_of.retain(|id| occupied.parts.contains_key(id));
        unsaid.retain_mut(|shortage| {
            let part = occupied.parts.get(&shortage.inventory_id).copied().unwrap_or_default();
            let is_of_this = part <= shortage.needed && part > shortage.available;
            shortage.needed = part;
            is_of_this
        });
    }

    /// Whether staff heard that the order has too little of the item, or will once it is confirmed.
    pub(crate) fn is_noted_short_of(&self, id: InventoryId) -> bool {
        self.said_of.contains(&id) || self.unsaid.iter().any(|shortage| shortage.inventory_id == id)
    }

    /// Gives up what no event confirmed since `before`. An event of the same version still counts when it comes.
    pub(crate) fn lapse(&mut self, before: Timestamp) -> Changed {
        if self.is_confirmed || self.occupied.effect == Effect::None || self.updated_at >= before {
            return Changed::Nothing;
        }
        self.is_open = false;
        Changed::State
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

    fn order() -> OrderStock {
        OrderStock::unknown(OrderId::new(Timestamp(1)))
    }

    fn placed(order_version: i64) -> Said {
        Said::Placed { order_version, items: latte(1) }
    }

    const EXPIRED: Said = Said::Closed { order_version: 2 };

    fn after(said: &[Said]) -> OrderStock {
        let mut order = order();
        for said in said {
            order.hear(said);
        }
        order
    }

    #[test]
    fn an_open_order_holds_a_paid_one_takes_and_a_closed_one_does_nothing() {
        assert_eq!(after(&[placed(1)]).wanted(), Effect::Held);
        assert_eq!(after(&[placed(1), Said::Paid]).wanted(), Effect::Taken);
        assert_eq!(after(&[Said::Paid]).wanted(), Effect::None);
        assert_eq!(after(&[EXPIRED]).wanted(), Effect::None);
        assert_eq!(after(&[placed(1), EXPIRED]).wanted(), Effect::None);
        assert_eq!(after(&[placed(1), EXPIRED, placed(3)]).wanted(), Effect::Held);
        assert_eq!(after(&[placed(1), Said::Completed { order_version: 4 }, Said::Paid]).wanted(), Effect::Taken);
    }

    #[test]
    fn a_payment_that_comes_for_an_expired_order_waits_for_its_revival() {
        assert_eq!(after(&[placed(1), EXPIRED, Said::Paid]).wanted(), Effect::None);
        assert_eq!(after(&[placed(1), EXPIRED, Said::Paid, placed(3)]).wanted(), Effect::Taken);
    }

    #[test]
    fn the_same_order_asked_again_changes_nothing() {
        let mut order = order();
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Items));
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Nothing));
        assert_eq!(order.hear(&placed(1)), Changed::State);
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Nothing));
        assert_eq!(order.hear(&placed(1)), Changed::Nothing);
    }

    #[test]
    fn other_items_replace_those_of_an_order_that_was_never_placed_and_no_others() {
        let mut order = order();
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Items));
        assert_eq!(order.ask(1, &latte(2)), Ok(Changed::Items));
        order.hear(&Said::Placed { order_version: 1, items: latte(2) });
        assert_eq!(order.ask(1, &latte(3)), Err(OrderIdTaken));
        assert_eq!(order.items, Some(latte(2)));
    }

    #[test]
    fn what_was_placed_wins_over_what_was_asked_for() {
        let mut order = order();
        assert_eq!(order.ask(1, &latte(2)), Ok(Changed::Items));
        assert_eq!(order.hear(&placed(1)), Changed::Items);
        assert_eq!(order.items, Some(latte(1)));
    }

    #[test]
    fn an_order_that_ended_keeps_its_id_until_it_is_revived() {
        let mut order = after(&[placed(1), EXPIRED]);
        assert_eq!(order.ask(1, &latte(1)), Err(OrderIdTaken));
        assert_eq!(order.ask(3, &latte(1)), Ok(Changed::State));
        assert_eq!(order.wanted(), Effect::Held);
        assert_eq!(order.hear(&EXPIRED), Changed::Nothing, "an older end no longer counts");
        assert_eq!(order.hear(&placed(3)), Changed::State);
        assert!(order.is_confirmed);
    }

    #[test]
    fn what_nobody_confirmed_lapses_and_comes_back_when_its_order_does() {
        let mut order = order();
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Items));
        order.occupied.effect = Effect::Held;
        order.updated_at = Timestamp(10);
        assert_eq!(order.lapse(Timestamp(10)), Changed::Nothing);
        assert_eq!(order.lapse(Timestamp(11)), Changed::State);
        assert_eq!(order.wanted(), Effect::None);
        order.occupied.effect = Effect::None;
        assert_eq!(order.hear(&placed(1)), Changed::State);
        assert_eq!(order.wanted(), Effect::Held);
    }

    #[test]
    fn what_order_did_not_write_is_given_back_and_what_it_wrote_stays() {
        let mut order = order();
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::Items));
        assert_eq!(order.release(2), Changed::Nothing, "another version");
        assert_eq!(order.release(1), Changed::State);
        assert_eq!(order.wanted(), Effect::None);
        assert_eq!(order.release(1), Changed::Nothing);
        assert_eq!(order.ask(1, &latte(1)), Ok(Changed::State));
        assert_eq!(order.hear(&placed(1)), Changed::State);
        assert_eq!(order.release(1), Changed::Nothing, "it was placed");
    }

    #[test]
    fn an_old_shortage_is_forgotten_when_the_order_needs_other_things() {
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
            let mut order = OrderStock { unsaid: vec![short.clone()], ..order() };
            order.occupied.parts = parts.into_iter().collect();
            order.forget_old_shortages();
            assert_eq!(order.unsaid.first().map(|shortage| shortage.needed), needed);
        }
    }

    proptest! {
        #[test]
        fn events_in_any_order_and_twice_come_to_the_same_end(
            (said, mixed) in subsequence(vec![0, 1, 2, 3, 4], 1..=5).prop_flat_map(|said| {
                let doubled = [said.clone(), said.clone()].concat();
                (Just(said), Just(doubled).prop_shuffle())
            }),
            is_reserved in any::<bool>(),
        ) {
            let events = [placed(1), Said::Paid, EXPIRED, placed(3), Said::Completed { order_version: 4 }];
            let end = |said: &[usize]| {
                let mut order = order();
                if is_reserved {
                    order.ask(1, &latte(1)).unwrap();
                }
                for index in said {
                    order.hear(&events[*index]);
                }
                (order.wanted(), order.order_version, order.is_open, order.is_paid, order.items)
            };
            prop_assert_eq!(end(&mixed), end(&said));
        }
    }
}
