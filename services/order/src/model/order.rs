//! An order before it is written ([`PricedOrder`]), as it is written ([`Order`]), and what others are shown of it.

use contracts::{
    audit::Actor,
    event::{PlacedItem, PlacedOrder},
    ids::{DeviceId, OrderId, ProductId},
    inventory::{ReserveItem, ReserveStock},
    money::Money,
    order::{
        Channel, ChosenOption, DiningOption, OrderItemView, OrderStatus, OrderView, PriceView, StockCheck,
        TotalMismatch,
    },
    payment::PaymentMethod,
    pricing::{LinePrice, Price},
    time::{BusinessDay, Timestamp},
};

/// The version of an order that was just placed.
pub(crate) const FIRST_VERSION: i64 = 1;

/// An order with every rule applied, not yet written.
#[derive(Clone, Debug)]
pub(crate) struct PricedOrder {
    pub(crate) order_id: OrderId,
    pub(crate) channel: Channel,
    pub(crate) dining_option: DiningOption,
    pub(crate) customer_name: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) price: Price,
}

/// One line of an order: what it is, what it costs, and its share of the order's price.
#[derive(Clone, Debug)]
pub(crate) struct PricedLine {
    /// Its place in the order, from 1.
    pub(crate) line: u32,
    pub(crate) product_id: ProductId,
    pub(crate) product_name: String,
    pub(crate) quantity: u32,
    /// The price of one, its options included.
    pub(crate) unit_price: Money,
    pub(crate) options: Vec<ChosenOption>,
    pub(crate) note: Option<String>,
    /// How much a machine pours of one unit, in millilitres. `None`: no machine does.
    pub(crate) dispense_ml: Option<u32>,
    pub(crate) share: LinePrice,
}

/// By whom, when and with which stock an order is placed: known when its stock is reserved.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) placed_by: Actor,
    /// The letter before its number: that of its device.
    pub(crate) letter: String,
    pub(crate) stock: StockCheck,
    pub(crate) business_day: BusinessDay,
    pub(crate) placed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// An order as its rows hold it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) header: OrderHeader,
    pub(crate) lines: Vec<OrderLine>,
}

/// An order's row in `orders`.
#[derive(Clone, Debug)]
pub(crate) struct OrderHeader {
    pub(crate) order_id: OrderId,
    pub(crate) order_number: String,
    pub(crate) business_day: BusinessDay,
    pub(crate) status: OrderStatus,
    pub(crate) channel: Channel,
    pub(crate) placed_by: Actor,
    pub(crate) dining_option: DiningOption,
    pub(crate) customer_name: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) price: Price,
    pub(crate) stock: StockCheck,
    pub(crate) placed_at: Timestamp,
    /// When it expires if it is PENDING then.
    pub(crate) expires_at: Timestamp,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) payment_method: Option<PaymentMethod>,
    pub(crate) cancel_reason: Option<String>,
    /// Whether a late payment for it is refunded: it can never be revived.
    pub(crate) late_payment_refused: bool,
    pub(crate) updated_at: Timestamp,
    pub(crate) version: i64,
}

/// A row in `order_items`, with what machines did of it.
#[derive(Clone, Debug)]
pub(crate) struct OrderLine {
    pub(crate) priced: PricedLine,
    /// How many units machines have poured.
    pub(crate) poured: u32,
    /// How many units are in review.
    pub(crate) in_review: u32,
}

impl PricedOrder {
    /// The order as it is written first: PENDING, with its number.
    #[must_use]
    pub(crate) fn placed(self, order_number: String, placement: Placement) -> Order {
        let header = OrderHeader {
            order_id: self.order_id,
            order_number,
            business_day: placement.business_day,
            status: OrderStatus::Pending,
            channel: self.channel,
            placed_by: placement.placed_by,
            dining_option: self.dining_option,
            customer_name: self.customer_name,
            table: self.table,
            price: self.price,
            stock: placement.stock,
            placed_at: placement.placed_at,
            expires_at: placement.expires_at,
            paid_at: None,
            payment_method: None,
            cancel_reason: None,
            late_payment_refused: false,
            updated_at: placement.placed_at,
            version: FIRST_VERSION,
        };
        let lines = self.lines.into_iter().map(|priced| OrderLine { priced, poured: 0, in_review: 0 }).collect();
        Order { header, lines }
    }

    /// What Inventory is asked to reserve.
    #[must_use]
    pub(crate) fn stock_needs(&self) -> ReserveStock {
        ReserveStock { order_version: FIRST_VERSION, items: self.lines.iter().map(reserve_item).collect() }
    }

    /// What the server computed, for a client that showed another total.
    #[must_use]
    pub(crate) fn total_mismatch(&self) -> TotalMismatch {
        let items = self.lines.iter().cloned().map(|line| item_view(line, 0, 0)).collect();
        TotalMismatch { items, price: PriceView::from(&self.price) }
    }
}

impl Order {
    /// How many cups of it machines pour.
    #[must_use]
    pub(crate) fn cups(&self) -> u32 {
        self.lines.iter().filter(|line| line.is_dispensable()).map(|line| line.priced.quantity).sum()
    }

    /// Whether machines have poured every unit, so that nothing has to be handed over.
    #[must_use]
    pub(crate) fn is_all_poured(&self) -> bool {
        self.lines.iter().all(|line| line.is_dispensable() && line.poured >= line.priced.quantity)
    }

    /// How many cups machines have still to pour.
    #[must_use]
    pub(crate) fn unpoured_cups(&self) -> u32 {
        let dispensable = self.lines.iter().filter(|line| line.is_dispensable());
        dispensable.map(|line| line.priced.quantity.saturating_sub(line.poured)).sum()
    }

    /// Whether a cup of it is in review.
    #[must_use]
    pub(crate) fn is_in_review(&self) -> bool {
        self.lines.iter().any(|line| line.in_review > 0)
    }

    /// What Inventory is asked to reserve if the order is revived.
    #[must_use]
    pub(crate) fn stock_needs_of_revival(&self) -> ReserveStock {
        let items = self.lines.iter().map(|line| reserve_item(&line.priced)).collect();
        ReserveStock { order_version: self.header.version + 1, items }
    }

    /// What the others need of it to act: the data of OrderCreated and of OrderRevived.
    #[must_use]
    pub(crate) fn placed_order(&self) -> PlacedOrder {
        let header = &self.header;
        PlacedOrder {
            order_id: header.order_id,
            order_version: header.version,
            order_number: header.order_number.clone(),
            business_day: header.business_day,
            total: header.price.total.amount(),
            currency: header.price.total.currency,
            stock: header.stock,
            items: self.lines.iter().map(|line| placed_item(&line.priced)).collect(),
            placed_by: header.placed_by.clone(),
            at: header.updated_at,
        }
    }
}

impl OrderHeader {
    /// The device that placed it. `None`: one that is not paired.
    #[must_use]
    pub(crate) fn device_id(&self) -> Option<DeviceId> {
        self.placed_by.device.as_ref().map(|device| device.device_id)
    }
}

impl OrderLine {
    /// Whether a machine pours it.
    #[must_use]
    pub(crate) fn is_dispensable(&self) -> bool {
        self.priced.dispense_ml.is_some()
    }
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        let Order { header, lines } = order;
        Self {
            order_id: header.order_id,
            order_number: header.order_number,
            status: header.status,
            channel: header.channel,
            placed_by: header.placed_by,
            dining_option: header.dining_option,
            customer_name: header.customer_name,
            table: header.table,
            items: lines.into_iter().map(|line| item_view(line.priced, line.poured, line.in_review)).collect(),
            price: PriceView::from(&header.price),
            stock: header.stock,
            business_day: header.business_day,
            placed_at: header.placed_at,
            expires_at: (header.status == OrderStatus::Pending).then_some(header.expires_at),
            paid_at: header.paid_at,
            payment_method: header.payment_method,
            cancel_reason: header.cancel_reason,
            updated_at: header.updated_at,
            version: header.version,
        }
    }
}

fn item_view(line: PricedLine, poured: u32, in_review: u32) -> OrderItemView {
    OrderItemView {
        line: line.line,
        product_id: line.product_id,
        product_name: line.product_name,
        quantity: line.quantity,
        unit_price: line.unit_price.amount(),
        line_total: line.share.line_total.amount(),
        options: line.options,
        note: line.note,
        is_dispensable: line.dispense_ml.is_some(),
        poured,
        in_review,
    }
}

fn reserve_item(line: &PricedLine) -> ReserveItem {
    ReserveItem {
        product_id: line.product_id,
        quantity: line.quantity,
        options: line.options.iter().map(|option| option.option_id).collect(),
        dispense_ml: line.dispense_ml,
    }
}

fn placed_item(line: &PricedLine) -> PlacedItem {
    PlacedItem {
        line: line.line,
        product_id: line.product_id,
        product_name: line.product_name.clone(),
        quantity: line.quantity,
        options: line.options.iter().map(|option| option.option_id).collect(),
        dispense_ml: line.dispense_ml,
    }
}

/// What people call the `count`th order of a letter and business day: `A-0042`.
#[must_use]
pub(crate) fn order_number(letter: &str, count: i64) -> String {
    format!("{letter}-{count:04}")
}
