//! The clients' requests, prepared from the shop's menu before the measured time, so that sending them is cheap.

use contracts::{Page, inventory::InventoryView, product::ProductCard};
use serde_json::{Value, json};

use crate::{connection::Connection, failure::Failure};

/// Different orders, sent in rotation: enough for the whole menu.
const ORDERS: usize = 48;
/// The lines of a usual order.
const LINES: usize = 3;
/// Every third order has a cup that a machine pours.
const DISPENSED_EVERY: usize = 3;
/// More than a benchmark can sell, so that nothing runs out.
const STOCK: i64 = 100_000_000;
/// The guest pays with notes of this value.
const NOTE_MINOR: i64 = 50_000;
/// Replaced by the id of each request; of the same length.
const PLACEHOLDER: &str = "00000000-0000-0000-0000-000000000000";

/// One order: templates of the request that places it and of the one that pays it.
pub(crate) struct OrderRequests {
    pub(crate) place: RequestTemplate,
    pub(crate) pay: RequestTemplate,
}

/// A request with placeholders for an id.
pub(crate) struct RequestTemplate {
    bytes: Vec<u8>,
    placeholders: Vec<usize>,
}

impl RequestTemplate {
    fn new(bytes: Vec<u8>) -> Self {
        let id = PLACEHOLDER.as_bytes();
        let is_placeholder = |(at, part): (usize, &[u8])| (part == id).then_some(at);
        let placeholders = bytes.windows(id.len()).enumerate().filter_map(is_placeholder).collect();
        Self { bytes, placeholders }
    }

    /// Writes the request for `id` (36 characters) into `request`.
    pub(crate) fn fill(&self, id: &str, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.bytes);
        for at in &self.placeholders {
            request[*at..*at + PLACEHOLDER.len()].copy_from_slice(id.as_bytes());
        }
    }
}

/// A product with the fewest options that can be ordered, and its price.
struct Choice {
    product_id: String,
    options: Vec<String>,
    price_minor: i64,
    is_dispensable: bool,
}

/// Reads the menu and prepares the orders.
pub(crate) async fn order_requests(connection: &mut Connection) -> Result<Vec<OrderRequests>, Failure> {
    let products: Vec<ProductCard> = rows(connection, "/api/Product").await?;
    let choices: Vec<Choice> =
        products.iter().filter(|card| card.is_available && !card.is_archived).filter_map(choice).collect();
    let (poured, made): (Vec<&Choice>, Vec<&Choice>) = choices.iter().partition(|choice| choice.is_dispensable);
    if poured.is_empty() || made.len() < LINES {
        return Err(Failure("the demo shop has too little on its menu".into()));
    }
    let order_of_menu = |order: usize| {
        let mut lines: Vec<&Choice> = (0..LINES).map(|line| made[(order * LINES + line) % made.len()]).collect();
        if order.is_multiple_of(DISPENSED_EVERY) {
            lines[0] = poured[(order / DISPENSED_EVERY) % poured.len()];
        }
        requests_for(connection, &lines)
    };
    Ok((0..ORDERS).map(order_of_menu).collect())
}

/// The product with the fewest options that each group allows.
fn choice(card: &ProductCard) -> Option<Choice> {
    let minor = |amount: contracts::money::Amount| amount.money(card.currency).ok().map(|money| money.minor);
    let mut choice = Choice {
        product_id: card.product_id.to_string(),
        options: Vec::new(),
        price_minor: minor(card.price)?,
        is_dispensable: card.is_dispensable,
    };
    for group in &card.option_groups {
        for option in group.options.iter().take(group.min_choices as usize) {
            choice.options.push(option.option_id?.to_string());
            choice.price_minor += minor(option.price_delta)?;
        }
    }
    Some(choice)
}

fn requests_for(connection: &Connection, lines: &[&Choice]) -> OrderRequests {
    let quantity = |line: usize| if line == 1 { 2 } else { 1 };
    let items: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(line, choice)| {
            json!({"productId": choice.product_id, "quantity": quantity(line), "options": choice.options})
        })
        .collect();
    let total: i64 = lines.iter().enumerate().map(|(line, choice)| choice.price_minor * quantity(line)).sum();
    let tendered = (total / NOTE_MINOR + 1) * NOTE_MINOR;
    let place = json!({"orderId": PLACEHOLDER, "items": items, "totalAmount": total, "channel": "POS"});
    let pay = json!({"orderId": PLACEHOLDER, "method": "CASH", "amount": total, "tendered": tendered});
    OrderRequests {
        place: RequestTemplate::new(connection.post("/api/Order", PLACEHOLDER, &place.to_string())),
        pay: RequestTemplate::new(connection.post("/api/Payment", PLACEHOLDER, &pay.to_string())),
    }
}

/// Fills the stock, so that no order is refused.
pub(crate) async fn fill_stock(connection: &mut Connection) -> Result<(), Failure> {
    let items: Vec<InventoryView> = rows(connection, "/api/Inventory").await?;
    for item in items {
        let body = json!({"reason": "RECEIVED", "quantity": STOCK}).to_string();
        let path = format!("/api/Inventory/{}/adjust", item.inventory_id);
        let request = connection.post(&path, &format!("fill-{}-{}", item.inventory_id, item.version), &body);
        let status = connection.send(&request).await?;
        if !(200..300).contains(&status) {
            return Err(unexpected_response(&path, status, connection.body()));
        }
    }
    Ok(())
}

/// All rows of a list, page by page.
async fn rows<T: serde::de::DeserializeOwned>(connection: &mut Connection, path: &str) -> Result<Vec<T>, Failure> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = cursor.as_ref().map_or_else(|| path.to_owned(), |cursor| format!("{path}?cursor={cursor}"));
        let request = connection.get(&page);
        let status = connection.send(&request).await?;
        if status != 200 {
            return Err(unexpected_response(&page, status, connection.body()));
        }
        let page: Page<T> = serde_json::from_slice(connection.body())?;
        rows.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(rows);
        }
    }
}

/// The failure for a response that the benchmark does not expect.
pub(crate) fn unexpected_response(what: &str, status: u16, body: &[u8]) -> Failure {
    Failure(format!("{what} returned {status}: {}", String::from_utf8_lossy(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_of_a_template_is_replaced_by_the_id() {
        let request = format!("POST /api/Order HTTP/1.1\r\nidempotency-key: {PLACEHOLDER}\r\n\r\n{PLACEHOLDER}");
        let template = RequestTemplate::new(request.into_bytes());
        let id = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let mut request = Vec::new();
        template.fill(id, &mut request);
        let text = String::from_utf8(request).unwrap();
        assert_eq!(text.matches(id).count(), 2);
        assert!(!text.contains(PLACEHOLDER));
    }
}
