//! What an order does to the stock, and what a person may do to it: plain data in, plain data or a refusal out.

use std::collections::BTreeMap;

use contracts::{
    Word,
    ids::{InventoryId, OrderId, ProductId},
    inventory::{
        AdjustStock, MoveReason, RECIPE_PARTS_MAX, ReserveItem, ReserveStock, STOCK_NOTE_CHARS_MAX, STOCK_QUANTITY_MAX,
        Shortage, WriteInventory, WriteRecipe,
    },
    order::{ITEMS_MAX, QUANTITY_MAX},
    time::Micros,
};

/// What a shelf label can carry.
pub(crate) const NAME_CHARS_MAX: usize = 80;
/// "millilitres", with room to spare.
pub(crate) const UNIT_CHARS_MAX: usize = 16;
/// A tonne of grams in one cup; with the bounds of an order, sums stay far inside 64 bits.
pub(crate) const RECIPE_QUANTITY_MAX: i64 = 1_000_000;

/// What an order occupies of each item.
pub(crate) type Parts = BTreeMap<InventoryId, i64>;
/// What an order needs of each item, and which of its products need it.
pub(crate) type Needs = BTreeMap<InventoryId, Need>;

/// What an order needs of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) quantity: i64,
    pub(crate) product_ids: Vec<ProductId>,
}

/// One unit of a product takes this much of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecipeLine {
    pub(crate) product_id: ProductId,
    pub(crate) inventory_id: InventoryId,
    pub(crate) quantity: i64,
}

/// What an order does to the stock now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It holds its parts: they are on the shelf, and nobody else may have them.
    Held,
    /// It took its parts: they left the shelf.
    Taken,
    /// It does nothing.
    #[default]
    None,
}

impl Word for Effect {
    const ALL: &'static [Self] = &[Self::Held, Self::Taken, Self::None];

    fn word(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::Taken => "TAKEN",
            Self::None => "NONE",
        }
    }
}

/// What an order does to the stock, and with how much of each item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occupied {
    pub(crate) effect: Effect,
    pub(crate) parts: Parts,
}

/// How one item's numbers change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StockChange {
    pub(crate) inventory_id: InventoryId,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl StockChange {
    /// How what others can have changes.
    pub(crate) const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    /// What the ledger says of it. `None`: nothing left the shelf or came back.
    pub(crate) const fn reason(&self) -> Option<MoveReason> {
        match self.on_hand {
            0 => None,
            ..0 => Some(MoveReason::Sale),
            1.. => Some(MoveReason::SaleReversed),
        }
    }
}

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
    pub(crate) updated_at: Micros,
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
            updated_at: Micros(0),
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

    /// Gives up what no event confirmed since `before`. An event of the same version still counts when it comes.
    pub(crate) fn lapse(&mut self, before: Micros) -> Changed {
        if self.is_confirmed || self.occupied.effect == Effect::None || self.updated_at >= before {
            return Changed::Nothing;
        }
        self.is_open = false;
        Changed::State
    }
}

/// Each product once, by id, so that the same order is the same list however its lines are cut.
pub(crate) fn merged(items: impl IntoIterator<Item = ReserveItem>) -> Vec<ReserveItem> {
    let mut quantities: BTreeMap<ProductId, u32> = BTreeMap::new();
    for item in items {
        let quantity = quantities.entry(item.product_id).or_default();
        *quantity = quantity.saturating_add(item.quantity);
    }
    quantities.into_iter().map(|(product_id, quantity)| ReserveItem { product_id, quantity }).collect()
}

/// What `items` need, summed for each item of stock. A product without a line needs nothing.
pub(crate) fn needs(items: &[ReserveItem], lines: &[RecipeLine]) -> Needs {
    let mut needs = Needs::new();
    for item in items {
        for line in lines.iter().filter(|line| line.product_id == item.product_id) {
            let need = needs.entry(line.inventory_id).or_default();
            need.quantity = need.quantity.saturating_add(line.quantity.saturating_mul(i64::from(item.quantity)));
            need.product_ids.push(item.product_id);
        }
    }
    needs
}

/// How each item's numbers change when an order that occupied `before` occupies `after`, in id order.
pub(crate) fn difference(before: &Occupied, after: &Occupied) -> Vec<StockChange> {
    let mut changes: BTreeMap<InventoryId, (i64, i64)> = BTreeMap::new();
    for (occupied, sign) in [(before, -1), (after, 1)] {
        for (inventory_id, quantity) in &occupied.parts {
            let (on_hand, reserved) = changes.entry(*inventory_id).or_default();
            match occupied.effect {
                Effect::Held => *reserved += sign * quantity,
                Effect::Taken => *on_hand -= sign * quantity,
                Effect::None => {}
            }
        }
    }
    changes
        .into_iter()
        .filter(|(_, change)| *change != (0, 0))
        .map(|(inventory_id, (on_hand, reserved))| StockChange { inventory_id, on_hand, reserved })
        .collect()
}

/// Whether an item fell to its low level: it is there now, and was above it before it changed by `change`.
pub(crate) fn fell_low(on_hand: i64, change: i64, low_level: Option<i64>) -> bool {
    low_level.is_some_and(|level| on_hand <= level && on_hand - change > level)
}

/// What ran out, in words for the person who orders.
pub(crate) fn out_of_stock_detail(shortages: &[Shortage]) -> String {
    /// As many as a till shows without scrolling; the context has them all.
    const NAMED_MAX: usize = 5;
    let mut detail: Vec<String> = shortages.iter().take(NAMED_MAX).map(one_shortage).collect();
    if shortages.len() > NAMED_MAX {
        detail.push(format!("And {} more.", shortages.len() - NAMED_MAX));
    }
    detail.push("Take fewer or choose something else.".into());
    detail.join(" ")
}

fn one_shortage(shortage: &Shortage) -> String {
    let Shortage { name, unit, needed, available, .. } = shortage;
    match (*available, unit.as_str()) {
        (..=0, _) => format!("{name}: none left."),
        (_, "piece") => format!("{name}: {needed} wanted, {available} left."),
        _ => format!("{name}: {needed} {unit} wanted, {available} {unit} left."),
    }
}

/// What a person's adjustment does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adjustment {
    /// Adds this, or takes it where it is negative.
    By(i64),
    /// Makes it this.
    To(i64),
}

/// Reads an adjustment, or says what is wrong with it.
pub(crate) fn adjustment(adjust: &AdjustStock) -> Result<Adjustment, String> {
    const MAX: i64 = STOCK_QUANTITY_MAX;
    let quantity = adjust.quantity;
    let outside = |least: i64| {
        let reason = adjust.reason.word();
        Err(format!("{reason} takes a quantity from {least} to {MAX}, not {quantity}. Give another quantity."))
    };
    if adjust.note.as_deref().is_some_and(|note| note.chars().count() > STOCK_NOTE_CHARS_MAX) {
        return Err(format!("A note has at most {STOCK_NOTE_CHARS_MAX} characters. Shorten it."));
    }
    match adjust.reason {
        MoveReason::Received if (1..=MAX).contains(&quantity) => Ok(Adjustment::By(quantity)),
        MoveReason::Waste if (1..=MAX).contains(&quantity) => Ok(Adjustment::By(-quantity)),
        MoveReason::Received | MoveReason::Waste => outside(1),
        MoveReason::Count if (0..=MAX).contains(&quantity) => Ok(Adjustment::To(quantity)),
        MoveReason::Count => outside(0),
        MoveReason::Correction if quantity == 0 => {
            Err("A CORRECTION of 0 corrects nothing. Give what to add, or what to take as a negative number.".into())
        }
        MoveReason::Correction if (-MAX..=MAX).contains(&quantity) => Ok(Adjustment::By(quantity)),
        MoveReason::Correction => outside(-MAX),
        MoveReason::Sale | MoveReason::SaleReversed => {
            Err(format!("{} is what orders do. Use RECEIVED, WASTE, COUNT or CORRECTION.", adjust.reason.word()))
        }
    }
}

/// A note worth keeping.
pub(crate) fn note(adjust: &AdjustStock) -> Option<&str> {
    adjust.note.as_deref().map(str::trim).filter(|note| !note.is_empty())
}

/// An item as it is kept: trimmed and inside its bounds, or what is wrong with it.
pub(crate) fn item(mut item: WriteInventory) -> Result<WriteInventory, String> {
    item.name = text(&item.name, "name", NAME_CHARS_MAX)?;
    item.unit = text(&item.unit, "unit", UNIT_CHARS_MAX)?;
    if let Some(level) = item.low_level.filter(|level| !(0..=STOCK_QUANTITY_MAX).contains(level)) {
        return Err(format!(
            "lowLevel is from 0 to {STOCK_QUANTITY_MAX}, not {level}. Leave it out where nobody needs to be told."
        ));
    }
    Ok(item)
}

fn text(given: &str, field: &str, chars_max: usize) -> Result<String, String> {
    let text = given.trim();
    match text.chars().count() {
        0 => Err(format!("{field} is empty. Give it 1 to {chars_max} characters.")),
        count if count > chars_max => {
            Err(format!("{field} has {count} characters; at most {chars_max} fit. Shorten it."))
        }
        _ => Ok(text.to_owned()),
    }
}

/// Whether a recipe can be kept, or what is wrong with it.
pub(crate) fn check_recipe(recipe: &WriteRecipe) -> Result<(), String> {
    let parts = &recipe.parts;
    if parts.len() > RECIPE_PARTS_MAX {
        return Err(format!("A recipe has at most {RECIPE_PARTS_MAX} parts, not {}. Leave some out.", parts.len()));
    }
    for (index, part) in parts.iter().enumerate() {
        let id = part.inventory_id;
        if !(1..=RECIPE_QUANTITY_MAX).contains(&part.quantity) {
            let quantity = part.quantity;
            return Err(format!("One unit takes 1 to {RECIPE_QUANTITY_MAX} of an item, not {quantity} of {id}."));
        }
        if parts.iter().take(index).any(|earlier| earlier.inventory_id == id) {
            return Err(format!("The item {id} is in the recipe twice. Name it once, with the sum."));
        }
    }
    Ok(())
}

/// Whether a reservation is of an order that can be placed, or what is wrong with it.
pub(crate) fn check_reservation(asked: &ReserveStock) -> Result<(), String> {
    if asked.order_version < 1 {
        return Err(format!("orderVersion is 1 or more, not {}.", asked.order_version));
    }
    if !(1..=ITEMS_MAX).contains(&asked.items.len()) {
        return Err(format!("An order has 1 to {ITEMS_MAX} lines, not {}.", asked.items.len()));
    }
    match asked.items.iter().find(|item| !(1..=QUANTITY_MAX).contains(&item.quantity)) {
        Some(item) => Err(format!("A quantity is from 1 to {QUANTITY_MAX}, not {}.", item.quantity)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
