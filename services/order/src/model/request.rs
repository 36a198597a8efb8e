//! What a request may ask for, before any product is looked up.

use contracts::{
    ids::{OrderId, ProductId},
    money::MoneyError,
    order::{
        CUSTOMER_CHARS_MAX, Channel, ITEMS_MAX, OrderItemView, OrderView, PlaceOrder, PlaceOrderItem, TABLE_CHARS_MAX,
    },
    text::{self, InvalidText, LineBreaks},
};
use uuid::Uuid;

/// Units in all of a kiosk's order: more than a group carries away. Until it is paid or expires, nobody else can buy them.
pub(crate) const KIOSK_ORDER_UNITS_MAX: i64 = 50;

/// Why a request is not an order that the shop sells.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// A field is out of its bounds.
    #[error("{0}")]
    Invalid(String),
    /// A text that no receipt and no screen can show.
    #[error("{0}.")]
    Text(#[from] InvalidText),
    /// The menu has no such product.
    #[error("items[{index}].productId {product_id} is not on the menu. Read GET /api/Product and choose from it.", index = line - 1)]
    UnknownProduct {
        /// The order's line, from 1.
        line: u32,
        /// The product asked for.
        product_id: ProductId,
    },
    /// The product is not sold now.
    #[error("{name} {reason}. Take it off the order, then send it again.")]
    NotSold {
        /// What the menu calls it.
        name: String,
        /// Why it is not.
        reason: &'static str,
    },
    /// Too few or too many options of a group.
    #[error("{name}: choose {min_choices} to {max_choices} of {group}; the order has {count}.")]
    OptionCount {
        /// What the menu calls the product.
        name: String,
        /// What the menu calls the group.
        group: String,
        /// The fewest.
        min_choices: u32,
        /// The most.
        max_choices: u32,
        /// How many were chosen.
        count: u32,
    },
    /// An option that the product does not have, or one chosen twice.
    #[error("items[{index}].options has an option that {name} does not have, or one twice. Choose from its optionGroups.", index = line - 1)]
    UnknownOption {
        /// The order's line, from 1.
        line: u32,
        /// What the menu calls the product.
        name: String,
    },
    /// A sum does not fit.
    #[error("The order cannot be priced: {0}. Order fewer.")]
    Money(#[from] MoneyError),
}

/// Refuses a request that is out of bounds, whatever the menu is.
///
/// # Errors
/// [`Refusal::Invalid`] and [`Refusal::Text`] name the field and its bound.
pub(crate) fn check_bounds(request: &PlaceOrder) -> Result<(), Refusal> {
    if request.order_id == Some(OrderId::from_uuid(Uuid::nil())) {
        let detail = "orderId is the nil UUID (all zeros). Send a new UUID, or leave orderId out.";
        return Err(Refusal::Invalid(detail.into()));
    }
    let lines = request.items.len();
    if lines == 0 {
        return Err(Refusal::Invalid("items is empty: add at least one product, then send the order again.".into()));
    }
    if lines > ITEMS_MAX {
        let detail = format!("items has {lines} lines; an order takes at most {ITEMS_MAX}. Split it into two orders.");
        return Err(Refusal::Invalid(detail));
    }
    check_text("customerName", request.customer_name.as_deref(), CUSTOMER_CHARS_MAX)?;
    Ok(check_text("table", request.table.as_deref(), TABLE_CHARS_MAX)?)
}

/// Refuses an order of a kiosk that would hold too much of the stock before anyone pays. Quantities that no order may have
/// are refused with their product.
///
/// # Errors
/// [`Refusal::Invalid`] names the bound.
pub(crate) fn check_kiosk_units(request: &PlaceOrder) -> Result<(), Refusal> {
    let units = request.items.iter().fold(0, |units: i64, item| units.saturating_add(item.quantity.max(0)));
    if units > KIOSK_ORDER_UNITS_MAX {
        let detail = format!(
            "The order has {units} units; at a kiosk an order has at most {KIOSK_ORDER_UNITS_MAX}. Order fewer, or order at \
             the counter."
        );
        return Err(Refusal::Invalid(detail));
    }
    Ok(())
}

/// The channel of an order: a kiosk's is KIOSK, and staff's is what they say, or POS.
///
/// # Errors
/// [`Refusal::Invalid`] if a kiosk says POS.
pub(crate) fn choose_channel(asked: Option<Channel>, is_kiosk: bool) -> Result<Channel, Refusal> {
    match (is_kiosk, asked) {
        (false, asked) => Ok(asked.unwrap_or_default()),
        (true, None | Some(Channel::Kiosk)) => Ok(Channel::Kiosk),
        (true, Some(Channel::Pos)) => {
            let detail = "channel is POS, but a kiosk places the order. Leave channel out, or send KIOSK.";
            Err(Refusal::Invalid(detail.into()))
        }
    }
}

/// Refuses a text that no receipt and no screen can show.
///
/// # Errors
/// [`InvalidText`] names the field and its bound.
pub(crate) fn check_text(field: &str, text: Option<&str>, chars_max: usize) -> Result<(), InvalidText> {
    text.map_or(Ok(()), |text| text::check(field, text, chars_max, LineBreaks::Forbidden))
}

/// A text without the white space around it. `None` if it is empty then.
#[must_use]
pub(crate) fn trimmed(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether an order that exists is what this request asks for. Its name and table may have been changed since.
#[must_use]
pub(crate) fn is_same_request(order: &OrderView, request: &PlaceOrder) -> bool {
    let same_item = |item: &OrderItemView, asked: &PlaceOrderItem| {
        item.product_id == asked.product_id
            && i64::from(item.quantity) == asked.quantity
            && item.note == trimmed(asked.note.as_deref())
            && item.options.len() == asked.options.len()
            && item.options.iter().all(|option| asked.options.contains(&option.option_id))
    };
    order.price.total == request.total_amount
        && order.channel == request.channel.unwrap_or_default()
        && order.dining_option == request.dining_option.unwrap_or_default()
        && order.items.len() == request.items.len()
        && order.items.iter().zip(&request.items).all(|(item, asked)| same_item(item, asked))
}
