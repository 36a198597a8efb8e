//! What the clients order: requests made beforehand from the shop's own menu, so that placing costs next to nothing.

use contracts::{Page, inventory::InventoryView, product::ProductCard};
use serde_json::{Value, json};

use crate::{
    connection::{self, Connection},
    failure::Failure,
};

/// So many different orders take turns: enough to touch the whole menu.
const ORDERS: usize = 48;
/// As many lines as a usual order has.
const LINES: usize = 3;
/// Every third order has a cup that a machine pours.
const DISPENSED_EVERY: usize = 3;
/// Nothing may run out while speed is measured: what a shop would not sell in a lifetime.
const STOCK: i64 = 100_000_000;
/// The guest gives whole notes of this; the till gives change.
const NOTE_MINOR: i64 = 50_000;
/// Stands where each request's own id goes; as long as one.
const PLACEHOLDER: &str = "00000000-0000-0000-0000-000000000000";

/// One order: the request that places it and the one that pays it, but for their ids.
pub(crate) struct OrderForm {
    pub(crate) place: Form,
    pub(crate) pay: Form,
}

/// A request with places for an id.
pub(crate) struct Form {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Form {
    fn new(bytes: Vec<u8>) -> Self {
        let id = PLACEHOLDER.as_bytes();
        let places = bytes.windows(id.len()).enumerate().filter_map(|(at, part)| (part == id).then_some(at)).collect();
        Self { bytes, places }
    }

    /// Writes the request for `id` (36 characters) into `request`.
    pub(crate) fn fill(&self, id: &str, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.bytes);
        for at in &self.places {
            request[*at..*at + PLACEHOLDER.len()].copy_from_slice(id.as_bytes());
        }
    }
}

/// A line that may be ordered: its JSON, but for the quantity, and the price of one.
struct Choice {
    product_id: String,
    options: Vec<String>,
    minor: i64,
    is_dispensable: bool,
}

/// Reads the menu and writes the orders.
pub(crate) async fn order_forms(connection: &mut Connection) -> Result<Vec<OrderForm>, Failure> {
    let products: Vec<ProductCard> = rows(connection, "/api/Product").await?;
    let choices: Vec<Choice> =
        products.iter().filter(|card| card.is_available && !card.is_archived).filter_map(choice).collect();
    let (poured, made): (Vec<&Choice>, Vec<&Choice>) = choices.iter().partition(|choice| choice.is_dispensable);
    if poured.is_empty() || made.len() < LINES {
        return Err(Failure("the demo shop has too little on its menu".into()));
    }
    let form = |order: usize| {
        let mut lines: Vec<&Choice> = (0..LINES).map(|line| made[(order * LINES + line) % made.len()]).collect();
        if order.is_multiple_of(DISPENSED_EVERY) {
            lines[0] = poured[(order / DISPENSED_EVERY) % poured.len()];
        }
        order_form(&lines)
    };
    Ok((0..ORDERS).map(form).collect())
}

/// The cheapest way to have a product: of each group the fewest options.
fn choice(card: &ProductCard) -> Option<Choice> {
    let minor = |amount: contracts::money::Amount| amount.money(card.currency).ok().map(|money| money.minor);
    let mut choice = Choice {
        product_id: card.product_id.to_string(),
        options: Vec::new(),
        minor: minor(card.price)?,
        is_dispensable: card.is_dispensable,
    };
    for group in &card.option_groups {
        for option in group.options.iter().take(group.min_choices as usize) {
            choice.options.push(option.option_id?.to_string());
            choice.minor += minor(option.price_delta)?;
        }
    }
    Some(choice)
}

fn order_form(lines: &[&Choice]) -> OrderForm {
    let quantity = |line: usize| if line == 1 { 2 } else { 1 };
    let items: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(line, choice)| {
            json!({"productId": choice.product_id, "quantity": quantity(line), "options": choice.options})
        })
        .collect();
    let total: i64 = lines.iter().enumerate().map(|(line, choice)| choice.minor * quantity(line)).sum();
    let tendered = (total / NOTE_MINOR + 1) * NOTE_MINOR;
    let place = json!({"orderId": PLACEHOLDER, "items": items, "totalAmount": total, "channel": "POS"});
    let pay = json!({"orderId": PLACEHOLDER, "method": "CASH", "amount": total, "tendered": tendered});
    OrderForm {
        place: Form::new(connection::post("/api/Order", PLACEHOLDER, &place.to_string())),
        pay: Form::new(connection::post("/api/Payment", PLACEHOLDER, &pay.to_string())),
    }
}

/// Fills the storeroom, so that no order is refused.
pub(crate) async fn fill_storeroom(connection: &mut Connection) -> Result<(), Failure> {
    let items: Vec<InventoryView> = rows(connection, "/api/Inventory").await?;
    for item in items {
        let body = json!({"reason": "RECEIVED", "quantity": STOCK}).to_string();
        let path = format!("/api/Inventory/{}/adjust", item.inventory_id);
        let status = connection
            .send(&connection::post(&path, &format!("fill-{}-{}", item.inventory_id, item.version), &body))
            .await?;
        if !(200..300).contains(&status) {
            return Err(refused(&path, status, connection.body()));
        }
    }
    Ok(())
}

/// Every row of a list, page after page.
async fn rows<T: serde::de::DeserializeOwned>(connection: &mut Connection, path: &str) -> Result<Vec<T>, Failure> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = cursor.as_ref().map_or_else(|| path.to_owned(), |cursor| format!("{path}?cursor={cursor}"));
        let status = connection.send(&connection::get(&page)).await?;
        if status != 200 {
            return Err(refused(&page, status, connection.body()));
        }
        let page: Page<T> = serde_json::from_slice(connection.body())?;
        rows.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rows);
        }
    }
}

/// What the server said instead of yes.
pub(crate) fn refused(what: &str, status: u16, body: &[u8]) -> Failure {
    Failure(format!("{what} was answered {status}: {}", String::from_utf8_lossy(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_form_takes_the_id() {
        let form =
            Form::new(connection::post("/api/Order", PLACEHOLDER, &format!("{{\"orderId\":\"{PLACEHOLDER}\"}}")));
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let mut request = Vec::new();
        form.fill(id, &mut request);
        let text = String::from_utf8(request).unwrap();
        assert_eq!(text.matches(id).count(), 2);
        assert!(!text.contains(PLACEHOLDER));
    }
}
