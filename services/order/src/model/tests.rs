//! The rules of placing an order.

use std::collections::HashMap;

use contracts::{
    audit::Actor,
    ids::{OptionGroupId, OptionId, OrderId},
    money::Amount,
    order::{Channel, DiningOption, OPTIONS_PER_ITEM_MAX, OrderView, PlaceOrder, PlaceOrderItem, StockCheck},
    product::{OptionGroup, ProductCard, ProductOption},
    shop::{ShopRules, ShopSettings},
    time::Timestamp,
};
use testkit::product_card;

use super::*;

const NOW: Timestamp = Timestamp(1_795_312_800_000_000);

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

fn priced(card: &ProductCard, request: &PlaceOrder) -> Result<PricedOrder, Refusal> {
    let rules = ShopRules::new(ShopSettings::default()).unwrap();
    let cards = HashMap::from([(card.product_id, card.clone())]);
    let lines = choose_products(request, &cards, &rules)?;
    check_cups(&lines)?;
    price_order(OrderId::new(NOW), request, lines, &rules)
}

fn placed(order: PricedOrder) -> Order {
    let placement = Placement {
        placed_by: Actor::default(),
        letter: "A".into(),
        stock: StockCheck::Reserved,
        business_day: "2026-11-22".parse().unwrap(),
        placed_at: NOW,
        expires_at: NOW,
    };
    order.placed("A-0001".into(), placement)
}

#[test]
fn options_add_to_the_price_and_to_what_a_machine_pours() {
    let latte = latte();
    let order = priced(&latte, &request(vec![item(&latte, 2, 1), item(&latte, 1, 0)], 96_000)).unwrap();
    let lines: Vec<_> = order.lines.iter().map(|line| (line.line, line.share.line_total.minor)).collect();
    assert_eq!(lines, [(1, 68_000), (2, 28_000)]);
    assert_eq!(order.lines.iter().map(|line| line.dispense_ml).collect::<Vec<_>>(), [Some(360), Some(240)]);
}

#[test]
fn inventory_is_asked_for_the_options_and_the_millilitres_of_each_line() {
    let latte = latte();
    let order = priced(&latte, &request(vec![item(&latte, 2, 1)], 68_000)).unwrap();
    let large = latte.option_groups[0].options[1].option_id.unwrap();
    let asked = order.stock_needs();
    assert_eq!((&asked.items[0].options, asked.items[0].dispense_ml), (&vec![large], Some(360)));
    let order = placed(order);
    assert_eq!(order.stock_needs_of_revival().items, asked.items, "a revival asks for the same");
    assert_eq!(order.stock_needs_of_revival().order_version, order.header.version + 1);
}

#[test]
fn a_total_that_differs_by_one_unit_is_answered_with_the_price_as_it_is() {
    let latte = latte();
    for shown in [27_999, 28_001] {
        let request = request(vec![item(&latte, 1, 0)], shown);
        let mismatch = check_total(&request, &priced(&latte, &request).unwrap()).unwrap_err();
        assert_eq!(
            (mismatch.price.total, mismatch.items[0].unit_price),
            (Amount::whole(28_000), Amount::whole(28_000))
        );
    }
}

#[test]
fn an_order_has_at_most_as_many_cups_as_a_receipt_has_codes() {
    let latte = latte();
    let too_many = request(vec![item(&latte, 500, 0), item(&latte, 500, 0)], 0);
    assert!(priced(&latte, &too_many).unwrap_err().to_string().contains("1000 cups"));
    assert!(priced(&latte, &request(vec![item(&latte, 500, 0), item(&latte, 499, 0)], 0)).is_ok());
}

#[test]
fn a_line_has_at_most_as_many_options_as_a_product_can_have() {
    let latte = latte();
    let mut too_many = item(&latte, 1, 0);
    too_many.options = (0..513).map(|_| OptionId::new(NOW)).collect();
    let refusal = priced(&latte, &request(vec![too_many], 28_000)).unwrap_err();
    assert_eq!(refusal.to_string(), "items[0].options has more than 512 options. Choose fewer.");
}

#[test]
fn an_order_too_dear_to_count_is_refused_as_such() {
    let treasure = ProductCard { price: "999999999999999".parse().unwrap(), ..product_card("Treasure", 0) };
    let items = (0..200).map(|_| PlaceOrderItem {
        product_id: treasure.product_id,
        quantity: 999,
        options: Vec::new(),
        note: None,
    });
    let refusal = priced(&treasure, &request(items.collect(), 0)).unwrap_err();
    assert!(matches!(refusal, Refusal::Money(_)), "{refusal}");
    assert!(refusal.to_string().contains("too large to be counted"), "{refusal}");
}

#[test]
fn the_same_request_asks_for_the_same_things_in_the_same_way() {
    let latte = latte();
    let asked = request(vec![item(&latte, 1, 1)], 34_000);
    let order = OrderView::from(placed(priced(&latte, &asked).unwrap()));
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
        with(|other| other.items[0].options.push(OptionId::new(NOW))),
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
fn an_order_number_is_its_devices_letter_and_the_days_count() {
    assert_eq!(order_number("A", 42), "A-0042");
    assert_eq!(order_number("K", 10_000), "K-10000");
}

#[test]
fn a_line_may_have_as_many_options_as_a_product_can_have() {
    let extras = OptionGroup {
        name: "Extras".into(),
        min_choices: 0,
        max_choices: 512,
        options: (0..OPTIONS_PER_ITEM_MAX)
            .map(|number| ProductOption {
                option_id: Some(OptionId::new(NOW)),
                name: format!("Extra {number}"),
                price_delta: Amount::whole(0),
                dispense_ml_delta: 0,
            })
            .collect(),
        ..latte().option_groups.remove(0)
    };
    let options = extras.options.iter().filter_map(|option| option.option_id).collect();
    let card = ProductCard { option_groups: vec![extras], ..product_card("Latte", 28_000) };
    let all = PlaceOrderItem { options, ..item(&card, 1, 0) };
    assert_eq!(priced(&card, &request(vec![all], 28_000)).unwrap().lines[0].options.len(), OPTIONS_PER_ITEM_MAX);
}

#[test]
fn a_group_says_how_many_of_its_own_options_were_chosen() {
    let mut card = latte();
    let mut milk = card.option_groups[0].clone();
    milk.name = "Milk".into();
    milk.options.iter_mut().for_each(|option| option.option_id = Some(OptionId::new(NOW)));
    card.option_groups.push(milk);
    let size_alone = item(&card, 1, 0);
    match priced(&card, &request(vec![size_alone.clone()], 28_000)) {
        Err(Refusal::OptionCount { group, count, .. }) => assert_eq!((group.as_str(), count), ("Milk", 0)),
        other => panic!("{other:?}"),
    }
    let milk_id = card.option_groups[1].options[0].option_id.unwrap();
    let both = PlaceOrderItem { options: [size_alone.options, vec![milk_id]].concat(), ..size_alone };
    assert_eq!(priced(&card, &request(vec![both], 28_000)).unwrap().lines[0].options.len(), 2);
}

#[test]
fn a_product_is_sold_with_the_tax_that_it_names_or_the_shops_first() {
    let priced = |card: &ProductCard| priced(card, &request(vec![item(card, 1, 0)], 28_000));
    assert!(priced(&latte()).is_ok(), "it names none");
    let of_shop = ProductCard { tax_name: Some(ShopSettings::default().taxes[0].name.clone()), ..latte() };
    assert!(priced(&of_shop).is_ok());
    let removed = ProductCard { tax_name: Some("Luxury".into()), ..latte() };
    assert!(matches!(priced(&removed), Err(Refusal::NotSold { .. })));
    // A shop without taxes sells what names none.
    let untaxed = ShopRules::new(ShopSettings { taxes: Vec::new(), ..ShopSettings::default() }).unwrap();
    let card = latte();
    let cards = HashMap::from([(card.product_id, card.clone())]);
    assert!(choose_products(&request(vec![item(&card, 1, 0)], 28_000), &cards, &untaxed).is_ok());
}

#[test]
fn the_cups_of_an_order_are_what_machines_pour() {
    let croissant = ProductCard { option_groups: latte().option_groups, ..product_card("Croissant", 22_000) };
    let cups = |card: &ProductCard, quantity: i64| {
        let total = card.price.money(card.currency).unwrap().minor * quantity;
        placed(priced(card, &request(vec![item(card, quantity, 0)], total)).unwrap()).cups()
    };
    assert_eq!((cups(&latte(), 3), cups(&latte(), 1), cups(&croissant, 2)), (3, 1, 0));
}
