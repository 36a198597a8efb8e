//! From products and a request to a [`PricedOrder`] (steps 2 to 4).

use std::collections::HashMap;

use contracts::{
    ids::{OptionId, OrderId, ProductId},
    money::{Money, MoneyError},
    order::{
        CUPS_MAX, ChosenOption, NOTE_CHARS_MAX, OPTIONS_PER_ITEM_MAX, PlaceOrder, PlaceOrderItem, QUANTITY_MAX,
        TotalMismatch,
    },
    pricing::{self, Discount, PriceLine, TaxRate},
    product::{OptionGroup, ProductCard, ProductOption},
    shop::ShopRules,
};

use super::{
    order::{PricedLine, PricedOrder},
    request::{Refusal, check_text, trimmed},
};

/// A line whose product, options and quantity can be sold. It has no share of the order's price yet.
#[derive(Clone, Debug)]
pub(crate) struct ChosenLine<'card> {
    line: u32,
    card: &'card ProductCard,
    quantity: u32,
    options: Vec<ChosenOption>,
    note: Option<String>,
    dispense_ml: Option<u32>,
    price: PriceLine,
}

/// Looks up what is ordered: every product is sold now, every option is its product's, every quantity can be made.
///
/// # Errors
/// [`Refusal`] names the line, the product or the option that cannot be sold.
pub(crate) fn choose_products<'card>(
    request: &PlaceOrder,
    cards: &'card HashMap<ProductId, ProductCard>,
    rules: &ShopRules,
) -> Result<Vec<ChosenLine<'card>>, Refusal> {
    (1_u32..).zip(&request.items).map(|(line, item)| choose_product(line, item, cards, rules)).collect()
}

fn choose_product<'card>(
    line: u32,
    item: &PlaceOrderItem,
    cards: &'card HashMap<ProductId, ProductCard>,
    rules: &ShopRules,
) -> Result<ChosenLine<'card>, Refusal> {
    let card = cards.get(&item.product_id).ok_or(Refusal::UnknownProduct { line, product_id: item.product_id })?;
    check_sold(card, rules)?;
    let quantity = checked_quantity(line, card, item.quantity)?;
    check_text(&format!("items[{}].note", line - 1), item.note.as_deref(), NOTE_CHARS_MAX)?;

    let chosen = chosen_options(line, card, &item.options)?;
    let unit_price = unit_price(card, &chosen)?;
    Ok(ChosenLine {
        line,
        card,
        quantity,
        options: chosen.iter().filter_map(|(group, option)| chosen_option(group, option)).collect(),
        note: trimmed(item.note.as_deref()),
        dispense_ml: card.is_dispensable.then(|| dispense_ml(card, &chosen)),
        price: PriceLine { unit_price, quantity, tax: tax_of(card, rules)? },
    })
}

/// Refuses more cups for machines than a receipt has codes.
///
/// # Errors
/// [`Refusal::Invalid`].
pub(crate) fn check_cups(lines: &[ChosenLine<'_>]) -> Result<(), Refusal> {
    let cups: u32 = lines.iter().filter(|line| line.dispense_ml.is_some()).map(|line| line.quantity).sum();
    if cups > CUPS_MAX {
        let detail = format!("The order has {cups} cups for machines; one takes at most {CUPS_MAX}. Split it in two.");
        return Err(Refusal::Invalid(detail));
    }
    Ok(())
}

/// Prices an order with the products as they are now (step 4).
///
/// # Errors
/// [`Refusal::Money`] if a sum does not fit.
pub(crate) fn price_order(
    order_id: OrderId,
    request: &PlaceOrder,
    lines: Vec<ChosenLine<'_>>,
    rules: &ShopRules,
) -> Result<PricedOrder, Refusal> {
    let price_lines: Vec<PriceLine> = lines.iter().map(|line| line.price.clone()).collect();
    let quote = pricing::quote(&price_lines, Discount::None, &rules.price_rules())?;
    let priced = lines.into_iter().zip(quote.lines).map(|(line, share)| PricedLine {
        line: line.line,
        product_id: line.card.product_id,
        product_name: line.card.name.clone(),
        quantity: line.quantity,
        unit_price: line.price.unit_price,
        options: line.options,
        note: line.note,
        dispense_ml: line.dispense_ml,
        share,
    });
    Ok(PricedOrder {
        order_id,
        channel: request.channel.unwrap_or_default(),
        dining_option: request.dining_option.unwrap_or_default(),
        customer_name: trimmed(request.customer_name.as_deref()),
        table: trimmed(request.table.as_deref()),
        lines: priced.collect(),
        price: quote.price,
    })
}

/// Refuses a total that differs from the server's by one minor unit or more.
///
/// # Errors
/// What the order costs now, line by line.
pub(crate) fn check_total(request: &PlaceOrder, order: &PricedOrder) -> Result<(), Box<TotalMismatch>> {
    if order.price.total.amount() == request.total_amount { Ok(()) } else { Err(Box::new(order.total_mismatch())) }
}

fn check_sold(card: &ProductCard, rules: &ShopRules) -> Result<(), Refusal> {
    let name = card.name.clone();
    if card.is_archived {
        return Err(Refusal::NotSold { name, reason: "has left the menu" });
    }
    if !card.is_available {
        return Err(Refusal::NotSold { name, reason: "is not available now" });
    }
    if card.currency != rules.currency() {
        return Err(Refusal::NotSold { name, reason: "has no price in the shop's currency" });
    }
    Ok(())
}

/// The tax of a product. A product whose tax the shop does not have is refused, because it would be sold untaxed.
fn tax_of(card: &ProductCard, rules: &ShopRules) -> Result<Option<TaxRate>, Refusal> {
    let tax = rules.tax_of(card.tax_name.as_deref());
    if tax.is_none() && card.tax_name.is_some() {
        let reason = "has a tax that the shop does not know: a manager gives it another, or adds the tax to the shop";
        return Err(Refusal::NotSold { name: card.name.clone(), reason });
    }
    Ok(tax.cloned())
}

fn checked_quantity(line: u32, card: &ProductCard, quantity: i64) -> Result<u32, Refusal> {
    match u32::try_from(quantity) {
        Ok(quantity @ 1..=QUANTITY_MAX) => Ok(quantity),
        _ => Err(Refusal::Invalid(format!(
            "items[{}].quantity of {} is {quantity}; order 1 to {QUANTITY_MAX}.",
            line - 1,
            card.name
        ))),
    }
}

type Chosen<'card> = (&'card OptionGroup, &'card ProductOption);

/// The chosen options, in the menu's order. Every group has as many as it asks for.
fn chosen_options<'card>(
    line: u32,
    card: &'card ProductCard,
    option_ids: &[OptionId],
) -> Result<Vec<Chosen<'card>>, Refusal> {
    if option_ids.len() > OPTIONS_PER_ITEM_MAX {
        let field = format!("items[{}].options", line - 1);
        return Err(Refusal::Invalid(format!("{field} has more than {OPTIONS_PER_ITEM_MAX} options. Choose fewer.")));
    }
    let mut chosen: Vec<Chosen<'card>> = Vec::with_capacity(option_ids.len());
    for group in &card.option_groups {
        let of_group =
            group.options.iter().filter(|option| option.option_id.is_some_and(|id| option_ids.contains(&id)));
        let before = chosen.len();
        chosen.extend(of_group.map(|option| (group, option)));
        let count = u32::try_from(chosen.len() - before).unwrap_or(u32::MAX);
        if !(group.min_choices..=group.max_choices).contains(&count) {
            return Err(Refusal::OptionCount {
                name: card.name.clone(),
                group: group.name.clone(),
                min_choices: group.min_choices,
                max_choices: group.max_choices,
                count,
            });
        }
    }
    if chosen.len() != option_ids.len() {
        return Err(Refusal::UnknownOption { line, name: card.name.clone() });
    }
    Ok(chosen)
}

fn chosen_option(group: &OptionGroup, option: &ProductOption) -> Option<ChosenOption> {
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
