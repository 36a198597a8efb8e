//! The rules of an order: what may be ordered, what it costs, who may move it where. No I/O.

use std::collections::HashMap;

use contracts::{
    event::{PlacedItem, PlacedOrder},
    ids::{OptionId, OrderId, PaymentId, ProductId},
    inventory::{ReserveItem, ReserveStock},
    money::{Money, MoneyError},
    order::{
        CUPS_MAX, CUSTOMER_CHARS_MAX, Channel, ChosenOption, ITEMS_MAX, NOTE_CHARS_MAX, OPTIONS_PER_ITEM_MAX,
        OrderItemView, OrderStatus, OrderView, PlaceOrder, PlaceOrderItem, PriceView, QUANTITY_MAX, StockCheck,
        TABLE_CHARS_MAX,
    },
    pricing::{self, Discount, LinePrice, PriceLine, TaxRate},
    product::{OptionGroup, ProductCard, ProductOption},
    receipt::ReceiptOrder,
    shop::ShopRules,
    text::{self, InvalidText, LineBreaks},
    time::Timestamp,
};

use crate::error::PlaceError;

/// An order that was priced and is not yet written.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    /// As everyone will see it. Its number is given when it is written.
    pub(crate) view: OrderView,
    /// Each line's share of discount, service and tax.
    pub(crate) shares: Vec<LinePrice>,
    /// How much a machine pours of one unit of each line, in millilitres.
    pub(crate) dispense_ml: Vec<Option<u32>>,
}

/// The letter before the numbers of a channel's orders, until devices have their own.
#[must_use]
pub(crate) fn number_letter(channel: Channel) -> &'static str {
    match channel {
        Channel::Pos => "A",
        Channel::Kiosk => "K",
    }
}

/// What people call the `count`th order of a letter and business day: `A-0042`.
#[must_use]
pub(crate) fn order_number(letter: &str, count: i64) -> String {
    format!("{letter}-{count:04}")
}

/// Prices a request with the products as they are now (step 4), and refuses a total that differs by one unit.
///
/// # Errors
/// [`PlaceError`] says which line cannot be sold and why, or what the order costs now.
pub(crate) fn price(
    request: &PlaceOrder,
    cards: &HashMap<ProductId, ProductCard>,
    shop: &ShopRules,
    now: Timestamp,
) -> Result<NewOrder, PlaceError> {
    let ordered = (1_u32..).zip(&request.items).map(|(line, item)| order_line(line, item, cards, shop));
    let ordered = ordered.collect::<Result<Vec<OrderedLine>, PlaceError>>()?;

    check_cups(&ordered)?;

    let priced: Vec<PriceLine> = ordered.iter().map(|line| line.priced.clone()).collect();
    let price = pricing::price(&priced, Discount::None, &shop.price_rules())?;
    let dispense_ml = ordered.iter().map(|line| line.dispense_ml).collect();
    let items = ordered.into_iter().map(|line| line.view).collect();

    let view = OrderView {
        order_id: request.order_id.unwrap_or_else(|| OrderId::new(now)),
        order_number: String::new(),
        status: OrderStatus::Pending,
        channel: request.channel.unwrap_or_default(),
        dining_option: request.dining_option.unwrap_or_default(),
        customer_name: written(request.customer_name.as_deref()),
        table: written(request.table.as_deref()),
        items,
        price: PriceView::from(&price),
        stock: StockCheck::Reserved,
        business_day: shop.business_day(now),
        placed_at: now,
        expires_at: Some(now + shop.unpaid_order_ttl()),
        paid_at: None,
        payment_method: None,
        cancel_reason: None,
        updated_at: now,
        version: 1,
    };
    if view.price.total != request.total_amount {
        return Err(PlaceError::total_differs(request.total_amount, view));
    }
    Ok(NewOrder { view, shares: price.lines, dispense_ml })
}

/// The order is placed at `now`, after what could be slow.
pub(crate) fn place_at(order: &mut OrderView, shop: &ShopRules, now: Timestamp) {
    order.business_day = shop.business_day(now);
    order.placed_at = now;
    order.expires_at = Some(now + shop.unpaid_order_ttl());
    order.updated_at = now;
}

/// Refuses a request that no menu could make an order of.
///
/// # Errors
/// [`PlaceError`] names the field and its bound.
pub(crate) fn check_bounds(request: &PlaceOrder) -> Result<(), PlaceError> {
    let lines = request.items.len();
    if lines == 0 {
        return Err(PlaceError::invalid("items is empty: add at least one product, then send the order again."));
    }
    if lines > ITEMS_MAX {
        let detail = format!("items has {lines} lines; an order takes at most {ITEMS_MAX}. Split it into two orders.");
        return Err(PlaceError::Invalid(detail));
    }
    check_text("customerName", request.customer_name.as_deref(), CUSTOMER_CHARS_MAX)?;
    Ok(check_text("table", request.table.as_deref(), TABLE_CHARS_MAX)?)
}

/// Refuses a text that no receipt and no screen can carry.
///
/// # Errors
/// [`InvalidText`] names the field and its bound.
pub(crate) fn check_text(field: &str, text: Option<&str>, chars_max: usize) -> Result<(), InvalidText> {
    text.map_or(Ok(()), |text| text::check(field, text, chars_max, LineBreaks::Forbidden))
}

/// A text without the white space around it; nothing where nothing is left.
#[must_use]
pub(crate) fn written(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

struct OrderedLine {
    view: OrderItemView,
    priced: PriceLine,
    dispense_ml: Option<u32>,
}

fn order_line(
    line: u32,
    item: &PlaceOrderItem,
    cards: &HashMap<ProductId, ProductCard>,
    shop: &ShopRules,
) -> Result<OrderedLine, PlaceError> {
    let card = cards.get(&item.product_id).ok_or(PlaceError::UnknownProduct { line, product_id: item.product_id })?;
    check_sold(card, shop)?;
    let quantity = checked_quantity(line, card, item.quantity)?;
    check_text(&format!("items[{}].note", line - 1), item.note.as_deref(), NOTE_CHARS_MAX)?;

    let chosen = chosen_options(line, card, &item.options)?;
    let unit_price = unit_price(card, &chosen)?;
    let line_total = unit_price.times(quantity)?;
    let view = OrderItemView {
        line,
        product_id: card.product_id,
        product_name: card.name.clone(),
        quantity,
        unit_price: unit_price.amount(),
        line_total: line_total.amount(),
        options: chosen.iter().filter_map(|(group, option)| chosen_view(group, option)).collect(),
        note: written(item.note.as_deref()),
        is_dispensable: card.is_dispensable,
        poured: 0,
        in_review: 0,
    };
    let tax = tax_of(card, shop)?;
    let dispense_ml = if card.is_dispensable { Some(dispense_ml(card, &chosen)) } else { None };
    Ok(OrderedLine { view, priced: PriceLine { unit_price, quantity, tax }, dispense_ml })
}

fn check_sold(card: &ProductCard, shop: &ShopRules) -> Result<(), PlaceError> {
    let name = card.name.clone();
    if card.is_archived {
        return Err(PlaceError::NotSold { name, why: "has left the menu" });
    }
    if !card.is_available {
        return Err(PlaceError::NotSold { name, why: "is not available now" });
    }
    if card.currency != shop.currency() {
        return Err(PlaceError::NotSold { name, why: "has no price in the shop's currency" });
    }
    Ok(())
}

/// The tax that a product bears. One that names a tax which the shop does not have is not sold untaxed in silence.
fn tax_of(card: &ProductCard, shop: &ShopRules) -> Result<Option<TaxRate>, PlaceError> {
    let tax = shop.tax_of(card.tax_name.as_deref());
    if tax.is_none() && card.tax_name.is_some() {
        let why = "has a tax that the shop does not know: a manager gives it another, or adds the tax to the shop";
        return Err(PlaceError::NotSold { name: card.name.clone(), why });
    }
    Ok(tax.cloned())
}

fn checked_quantity(line: u32, card: &ProductCard, quantity: i64) -> Result<u32, PlaceError> {
    match u32::try_from(quantity) {
        Ok(quantity @ 1..=QUANTITY_MAX) => Ok(quantity),
        _ => Err(PlaceError::Invalid(format!(
            "items[{}].quantity of {} is {quantity}; order 1 to {QUANTITY_MAX}.",
            line - 1,
            card.name
        ))),
    }
}

fn check_cups(ordered: &[OrderedLine]) -> Result<(), PlaceError> {
    let cups: u32 = ordered.iter().filter(|line| line.view.is_dispensable).map(|line| line.view.quantity).sum();
    if cups > CUPS_MAX {
        let detail = format!("The order has {cups} cups for machines; one takes at most {CUPS_MAX}. Split it in two.");
        return Err(PlaceError::Invalid(detail));
    }
    Ok(())
}

type Chosen<'card> = (&'card OptionGroup, &'card ProductOption);

/// The options chosen, in the menu's order; every group has as many as it asks for.
fn chosen_options<'card>(
    line: u32,
    card: &'card ProductCard,
    option_ids: &[OptionId],
) -> Result<Vec<Chosen<'card>>, PlaceError> {
    if option_ids.len() > OPTIONS_PER_ITEM_MAX {
        let field = format!("items[{}].options", line - 1);
        return Err(PlaceError::Invalid(format!(
            "{field} has more than {OPTIONS_PER_ITEM_MAX} options. Choose fewer."
        )));
    }
    let mut chosen: Vec<Chosen<'card>> = Vec::with_capacity(option_ids.len());
    for group in &card.option_groups {
        let of_group =
            group.options.iter().filter(|option| option.option_id.is_some_and(|id| option_ids.contains(&id)));
        let before = chosen.len();
        chosen.extend(of_group.map(|option| (group, option)));
        let count = u32::try_from(chosen.len() - before).unwrap_or(u32::MAX);
        if !(group.min_choices..=group.max_choices).contains(&count) {
            return Err(PlaceError::OptionCount {
                name: card.name.clone(),
                group: group.name.clone(),
                min_choices: group.min_choices,
                max_choices: group.max_choices,
                count,
            });
        }
    }
    if chosen.len() != option_ids.len() {
        return Err(PlaceError::ForeignOption { line, name: card.name.clone() });
    }
    Ok(chosen)
}

fn chosen_view(group: &OptionGroup, option: &ProductOption) -> Option<ChosenOption> {
    Some(ChosenOption {
        option_id: option.option_id?,
        group_name: group.name.clone(),
        name: option.name.clone(),
        price_delta: option.price_delta,
    })
}

fn unit_price(card: &ProductCard, chosen: &[Chosen<'_>]) -> Result<Money, MoneyError> {
    let base = card.price.money(card.currency)?;
    chosen.iter().try_fold(base, |sum, (_, option)| sum.plus(option.price_delta.money(card.currency)?))
}

/// Product keeps every choice of options within what a dispenser pours, so the sum fits.
fn dispense_ml(card: &ProductCard, chosen: &[Chosen<'_>]) -> u32 {
    let base = i64::from(card.dispense_ml.unwrap_or(0));
    let sum = chosen.iter().fold(base, |sum, (_, option)| sum + i64::from(option.dispense_ml_delta));
    u32::try_from(sum.max(1)).unwrap_or(u32::MAX)
}

/// Whether an order that exists is what this request asks for. A name or a table may have been changed since.
#[must_use]
pub(crate) fn is_same_request(order: &OrderView, request: &PlaceOrder) -> bool {
    let same_item = |item: &OrderItemView, asked: &PlaceOrderItem| {
        item.product_id == asked.product_id
            && i64::from(item.quantity) == asked.quantity
            && item.note == written(asked.note.as_deref())
            && item.options.len() == asked.options.len()
            && item.options.iter().all(|option| asked.options.contains(&option.option_id))
    };
    order.price.total == request.total_amount
        && order.channel == request.channel.unwrap_or_default()
        && order.dining_option == request.dining_option.unwrap_or_default()
        && order.items.len() == request.items.len()
        && order.items.iter().zip(&request.items).all(|(item, asked)| same_item(item, asked))
}

/// What Inventory is asked to hold for an order of this version.
#[must_use]
pub(crate) fn stock_needs(order: &OrderView, order_version: i64) -> ReserveStock {
    let need = |item: &OrderItemView| ReserveItem {
        product_id: item.product_id,
        quantity: item.quantity,
        options: item.options.iter().map(|option| option.option_id).collect(),
        dispense_ml: None,
    };
    ReserveStock { order_version, items: order.items.iter().map(need).collect() }
}

/// What the others need of an order to act. `dispense_ml` has a place for each line.
#[must_use]
pub(crate) fn placed(order: &OrderView, dispense_ml: &[Option<u32>]) -> PlacedOrder {
    let item = |(item, dispense_ml): (&OrderItemView, &Option<u32>)| PlacedItem {
        line: item.line,
        product_id: item.product_id,
        product_name: item.product_name.clone(),
        quantity: item.quantity,
        options: item.options.iter().map(|option| option.option_id).collect(),
        dispense_ml: *dispense_ml,
    };
    PlacedOrder {
        order_id: order.order_id,
        order_version: order.version,
        order_number: order.order_number.clone(),
        business_day: order.business_day,
        total: order.price.total,
        currency: order.price.currency,
        stock: order.stock,
        items: order.items.iter().zip(dispense_ml).map(item).collect(),
        at: order.updated_at,
    }
}

/// Order's part of the receipt (step 6).
#[must_use]
pub(crate) fn receipt_part(order: &OrderView) -> ReceiptOrder {
    ReceiptOrder {
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        status: order.status,
        version: order.version,
        items: order.items.clone(),
        price: order.price.clone(),
        placed_at: order.placed_at,
        customer_name: order.customer_name.clone(),
        table: order.table.clone(),
        payment_method: order.payment_method,
        paid_at: order.paid_at,
    }
}

/// Whether machines have poured every unit of the order, so that nothing is left to hand over.
#[must_use]
pub(crate) fn is_all_poured(order: &OrderView) -> bool {
    order.items.iter().all(|item| item.is_dispensable && item.poured >= item.quantity)
}

/// Whether a cup of the order waits for a person to say whether it was poured.
#[must_use]
pub(crate) fn is_in_review(order: &OrderView) -> bool {
    order.items.iter().any(|item| item.in_review > 0)
}

/// How an order stands to money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MoneyStanding {
    pub(crate) status: OrderStatus,
    /// The payment that paid it.
    pub(crate) paid_by: Option<PaymentId>,
    /// Whether late money for it went back, so that nothing revives it.
    pub(crate) is_orphaned: bool,
}

/// What becomes of money that its order did not take as PENDING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoneyFate {
    /// It was recorded before.
    Recorded,
    /// It came late and brings the order back, if its stock is still there.
    Revives,
    /// The order takes money now, though it did not a moment ago: it is tried again.
    ComesAgain,
    /// Nothing is owed for which it could be taken.
    GoesBack(&'static str),
}

/// Decides on money of `payment_id` that its order did not take as PENDING. Only what can never be otherwise again
/// sends money back.
#[must_use]
pub(crate) fn fate_of_money(order: &MoneyStanding, payment_id: PaymentId) -> MoneyFate {
    if order.paid_by == Some(payment_id) {
        return MoneyFate::Recorded;
    }
    match order.status {
        OrderStatus::Pending => MoneyFate::ComesAgain,
        OrderStatus::Expired if !order.is_orphaned => MoneyFate::Revives,
        OrderStatus::Expired => MoneyFate::GoesBack("the order expired, and earlier money for it went back"),
        OrderStatus::Cancelled => MoneyFate::GoesBack("the order was cancelled"),
        OrderStatus::Processing | OrderStatus::Ready | OrderStatus::Completed => {
            MoneyFate::GoesBack("the order was paid by another payment")
        }
    }
}

/// Why staff cannot move an order from `from` to `to`, and what they can do.
#[must_use]
pub(crate) fn why_not(from: OrderStatus, to: OrderStatus) -> String {
    let way_on = match (from, to) {
        (OrderStatus::Pending, _) => "It is not paid yet: take the payment first.",
        (OrderStatus::Expired, _) => "It was not paid in time: set it to PENDING to revive it, then take the payment.",
        (OrderStatus::Cancelled, _) => "It was given up: place a new order.",
        (OrderStatus::Completed, _) => "It is with its guest already.",
        (OrderStatus::Processing | OrderStatus::Ready, OrderStatus::Cancelled) => {
            "It is paid: its money must go back first."
        }
        (OrderStatus::Processing | OrderStatus::Ready, _) => "It is paid and being made: set it to READY or COMPLETED.",
    };
    format!("An order that is {} cannot become {}. {way_on}", from, to)
}

#[cfg(test)]
mod tests {
    use contracts::{ids::OptionGroupId, money::Amount, order::DiningOption, shop::ShopSettings};
    use testkit::product_card;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

    fn shop() -> ShopRules {
        ShopRules::new(ShopSettings::default()).unwrap()
    }

    /// A latte that a machine pours, in two sizes.
    fn latte() -> ProductCard {
        let option = |name: &str, price, ml| ProductOption {
            option_id: Some(OptionId::new(NOW)),
            name: name.into(),
            price_delta: Amount::whole(price),
            dispense_ml_delta: ml,
        };
        let sizes = OptionGroup {
            group_id: Some(OptionGroupId::new(NOW)),
            name: "Size".into(),
            min_choices: 1,
            max_choices: 1,
            options: vec![option("Regular", 0, 0), option("Large", 6_000, 120)],
        };
        let (is_dispensable, dispense_ml) = (true, Some(240));
        ProductCard { option_groups: vec![sizes], is_dispensable, dispense_ml, ..product_card("Latte", 28_000) }
    }

    fn item(card: &ProductCard, quantity: i64, option: usize) -> PlaceOrderItem {
        let options = card.option_groups[0].options[option].option_id.into_iter().collect();
        PlaceOrderItem { product_id: card.product_id, quantity, options, note: None }
    }

    fn request(items: Vec<PlaceOrderItem>, total: i64) -> PlaceOrder {
        PlaceOrder {
            order_id: None,
            items,
            total_amount: Amount::whole(total),
            channel: None,
            dining_option: None,
            customer_name: None,
            table: None,
        }
    }

    fn priced(card: &ProductCard, request: &PlaceOrder) -> Result<NewOrder, PlaceError> {
        price(request, &HashMap::from([(card.product_id, card.clone())]), &shop(), NOW)
    }

    #[test]
    fn options_add_to_the_price_and_to_what_a_machine_pours() {
        let latte = latte();
        let order = priced(&latte, &request(vec![item(&latte, 2, 1), item(&latte, 1, 0)], 96_000)).unwrap();
        let lines: Vec<_> = order.view.items.iter().map(|line| (line.line, line.line_total)).collect();
        assert_eq!(lines, [(1, Amount::whole(68_000)), (2, Amount::whole(28_000))]);
        assert_eq!(order.dispense_ml, [Some(360), Some(240)]);
    }

    #[test]
    fn a_total_that_differs_by_one_unit_is_answered_with_the_price_as_it_is() {
        let latte = latte();
        for shown in [27_999, 28_001] {
            let refused = priced(&latte, &request(vec![item(&latte, 1, 0)], shown)).unwrap_err();
            assert!(refused.to_string().starts_with("The order costs 28000 IDR now"), "{refused}");
        }
    }

    #[test]
    fn an_order_has_at_most_as_many_cups_as_a_receipt_can_carry() {
        let latte = latte();
        let too_many = request(vec![item(&latte, 500, 0), item(&latte, 500, 0)], 0);
        assert!(priced(&latte, &too_many).unwrap_err().to_string().contains("1000 cups"));
    }

    #[test]
    fn the_same_request_asks_for_the_same_things_in_the_same_way() {
        let latte = latte();
        let asked = request(vec![item(&latte, 1, 1)], 34_000);
        let order = priced(&latte, &asked).unwrap().view;
        assert!(is_same_request(&order, &asked));
        let renamed = PlaceOrder { customer_name: Some("Sari".into()), table: Some("4".into()), ..asked.clone() };
        assert!(is_same_request(&order, &renamed), "a name may have been changed since");

        let with = |change: fn(&mut PlaceOrder)| {
            let mut other = asked.clone();
            change(&mut other);
            other
        };
        let others = [
            with(|other| other.items[0].quantity = 2),
            with(|other| other.items[0].note = Some("no sugar".into())),
            with(|other| other.items[0].options.clear()),
            with(|other| other.items.push(other.items[0].clone())),
            with(|other| other.channel = Some(Channel::Kiosk)),
            with(|other| other.dining_option = Some(DiningOption::DineIn)),
            with(|other| other.total_amount = Amount::whole(34_001)),
            PlaceOrder { items: vec![item(&latte, 1, 0)], ..asked.clone() },
        ];
        for other in others {
            assert!(!is_same_request(&order, &other), "{other:?}");
        }
    }

    #[test]
    fn money_goes_back_only_where_its_order_can_never_take_it() {
        let [this, another] = [PaymentId::new(NOW), PaymentId::new(NOW)];
        let fate = |status, paid_by, is_orphaned| fate_of_money(&MoneyStanding { status, paid_by, is_orphaned }, this);
        use OrderStatus::{Cancelled, Completed, Expired, Pending, Processing, Ready};
        assert_eq!(fate(Pending, None, false), MoneyFate::ComesAgain, "it was revived in the same moment");
        assert_eq!(fate(Expired, None, false), MoneyFate::Revives);
        for status in [Processing, Ready, Completed] {
            assert_eq!(fate(status, Some(this), false), MoneyFate::Recorded, "{status:?}");
            assert!(matches!(fate(status, Some(another), false), MoneyFate::GoesBack(_)), "{status:?}");
        }
        assert!(matches!(fate(Expired, None, true), MoneyFate::GoesBack(_)));
        assert!(matches!(fate(Cancelled, None, false), MoneyFate::GoesBack(_)));
    }

    #[test]
    fn an_order_is_called_by_its_channels_letter_and_the_days_count() {
        assert_eq!(order_number(number_letter(Channel::Pos), 42), "A-0042");
        assert_eq!(order_number(number_letter(Channel::Kiosk), 10_000), "K-10000");
    }
}
