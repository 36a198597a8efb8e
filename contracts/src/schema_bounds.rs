//! The bounds in the schemas of requests are literals, because attributes take no constants. Here they are compared with
//! the constants that the rules use.

use serde_json::{Value, json};
use utoipa::PartialSchema;

use crate::{
    device::{self, CreatePairingCode, PairDevice, WriteDevice},
    inventory::{
        self, AdjustStock, ItemQuantity, ItemReplacement, OptionRecipe, RecipePart, WriteInventory, WriteRecipe,
    },
    order::{self, ChangeOrder, PlaceOrder, PlaceOrderItem},
    payment::{self, ConfirmPayment},
    pricing::TaxRate,
    product::{self, OptionGroup, ProductOption, WriteCategory, WriteProduct},
    qr::{self, CompleteDispense, Heartbeat, ReissueCodes, ValidateCode},
    shop::{self, ShopSettings},
    staff::{self, CreateStaff, SetPin, WriteStaff},
    text::LINES_PATTERN,
};

/// The schema of `T`'s field.
fn field<T: PartialSchema>(name: &str) -> Value {
    let schema = serde_json::to_value(T::schema()).unwrap();
    assert!(schema["properties"][name].is_object(), "no field {name}: {schema}");
    schema["properties"][name].clone()
}

#[track_caller]
fn assert_longest<T: PartialSchema>(fields: &[&str], chars_max: usize) {
    for name in fields {
        assert_eq!(field::<T>(name)["maxLength"], json!(chars_max), "{name}");
    }
}

#[track_caller]
fn assert_most_items<T: PartialSchema>(fields: &[&str], items_max: usize) {
    for name in fields {
        assert_eq!(field::<T>(name)["maxItems"], json!(items_max), "{name}");
    }
}

#[track_caller]
fn assert_range<T: PartialSchema>(fields: &[&str], min: i64, max: i64) {
    for name in fields {
        let schema = field::<T>(name);
        assert_eq!((&schema["minimum"], &schema["maximum"]), (&json!(min), &json!(max)), "{name}");
    }
}

#[test]
fn the_api_document_has_the_bounds_of_orders_and_payments() {
    assert_most_items::<PlaceOrder>(&["items"], order::ITEMS_MAX);
    assert_longest::<PlaceOrder>(&["customerName"], order::CUSTOMER_CHARS_MAX);
    assert_longest::<PlaceOrder>(&["table"], order::TABLE_CHARS_MAX);
    assert_range::<PlaceOrderItem>(&["quantity"], 1, order::QUANTITY_MAX.into());
    assert_most_items::<PlaceOrderItem>(&["options"], order::OPTIONS_PER_ITEM_MAX);
    assert_longest::<PlaceOrderItem>(&["note"], order::NOTE_CHARS_MAX);
    assert_longest::<ChangeOrder>(&["customerName"], order::CUSTOMER_CHARS_MAX);
    assert_longest::<ChangeOrder>(&["table"], order::TABLE_CHARS_MAX);
    assert_longest::<ConfirmPayment>(&["reference"], payment::REFERENCE_CHARS_MAX);
}

#[test]
fn the_api_document_has_the_bounds_of_the_menu_and_of_the_shop() {
    let ml_max = i64::from(product::DISPENSE_ML_MAX);
    let choices_max = i64::try_from(product::OPTIONS_PER_GROUP_MAX).unwrap();
    assert_longest::<WriteProduct>(&["name"], product::NAME_CHARS_MAX);
    assert_longest::<WriteProduct>(&["description"], product::DESCRIPTION_CHARS_MAX);
    assert_longest::<WriteProduct>(&["taxName"], shop::TAX_NAME_CHARS_MAX);
    assert_range::<WriteProduct>(&["dispenseMl"], product::DISPENSE_ML_MIN.into(), ml_max);
    assert_most_items::<WriteProduct>(&["optionGroups"], product::OPTION_GROUPS_MAX);
    assert_longest::<OptionGroup>(&["name"], product::NAME_CHARS_MAX);
    assert_most_items::<OptionGroup>(&["options"], product::OPTIONS_PER_GROUP_MAX);
    assert_range::<OptionGroup>(&["minChoices"], 0, choices_max);
    assert_range::<OptionGroup>(&["maxChoices"], 1, choices_max);
    assert_longest::<ProductOption>(&["name"], product::NAME_CHARS_MAX);
    assert_range::<ProductOption>(&["dispenseMlDelta"], -ml_max, ml_max);
    assert_longest::<WriteCategory>(&["name"], product::NAME_CHARS_MAX);
    assert_range::<WriteCategory>(&["position"], -product::CATEGORY_POSITION_MAX, product::CATEGORY_POSITION_MAX);

    assert_longest::<ShopSettings>(&["name", "address", "taxNumber", "receiptFoot"], shop::SHOP_TEXT_CHARS_MAX);
    assert_most_items::<ShopSettings>(&["taxes"], shop::TAXES_MAX);
    assert_longest::<TaxRate>(&["name"], shop::TAX_NAME_CHARS_MAX);
    let durations = ["codeValiditySeconds", "unpaidOrderSeconds"];
    assert_range::<ShopSettings>(&durations, 1, shop::SECONDS_MAX.into());
    for lines in
        [field::<WriteProduct>("description"), field::<ShopSettings>("address"), field::<ShopSettings>("receiptFoot")]
    {
        assert_eq!(lines["pattern"], json!(LINES_PATTERN));
    }
}

#[test]
fn the_api_document_has_the_bounds_of_stock_and_codes() {
    const STOCK_MAX: i64 = inventory::STOCK_QUANTITY_MAX;
    assert_longest::<WriteInventory>(&["name"], inventory::INVENTORY_NAME_CHARS_MAX);
    assert_longest::<WriteInventory>(&["unit"], inventory::INVENTORY_UNIT_CHARS_MAX);
    assert_range::<WriteInventory>(&["lowLevel"], 0, STOCK_MAX);
    assert_range::<AdjustStock>(&["quantity"], -STOCK_MAX, STOCK_MAX);
    assert_longest::<AdjustStock>(&["note"], inventory::STOCK_NOTE_CHARS_MAX);
    assert_most_items::<WriteRecipe>(&["parts"], inventory::RECIPE_PARTS_MAX);
    assert_most_items::<WriteRecipe>(&["options"], inventory::RECIPE_OPTIONS_MAX);
    assert_most_items::<OptionRecipe>(&["add", "take", "replace"], inventory::RECIPE_PARTS_MAX);
    assert_range::<RecipePart>(&["quantity"], 1, inventory::RECIPE_QUANTITY_MAX);
    assert_range::<ItemQuantity>(&["quantity"], 1, inventory::RECIPE_QUANTITY_MAX);
    assert_range::<ItemReplacement>(&["quantity"], 1, inventory::RECIPE_QUANTITY_MAX);

    assert_longest::<ValidateCode>(&["attemptId", "journalEpoch"], qr::DEVICE_TEXT_CHARS_MAX);
    assert_range::<CompleteDispense>(&["pouredMs"], 0, u32::MAX.into());
    assert_longest::<Heartbeat>(&["journalEpoch", "openAttemptId"], qr::DEVICE_TEXT_CHARS_MAX);
    assert_most_items::<Heartbeat>(&["openDispenses"], qr::OPEN_DISPENSES_MAX);
    assert_most_items::<ReissueCodes>(&["codes"], qr::REISSUED_CODES_MAX);
}

#[test]
fn the_api_document_has_the_bounds_of_people_and_devices() {
    assert_longest::<CreateStaff>(&["name"], staff::STAFF_NAME_CHARS_MAX);
    assert_longest::<WriteStaff>(&["name"], staff::STAFF_NAME_CHARS_MAX);
    assert_longest::<CreatePairingCode>(&["name", "place"], device::DEVICE_NAME_CHARS_MAX);
    assert_longest::<PairDevice>(&["name", "place"], device::DEVICE_NAME_CHARS_MAX);
    assert_longest::<WriteDevice>(&["name", "place"], device::DEVICE_NAME_CHARS_MAX);
    assert_most_items::<WriteDevice>(&["products"], device::DISPENSER_PRODUCTS_MAX);
    assert_eq!(field::<WriteDevice>("mlPerSecond")["maximum"], json!(device::PUMP_ML_PER_SECOND_MAX));
    for pin in ["callerPin", "pin"] {
        assert_eq!(field::<SetPin>(pin)["$ref"], json!("#/components/schemas/Pin"));
    }
    let pin = serde_json::to_value(staff::Pin::schema()).unwrap();
    assert_eq!((&pin["minLength"], &pin["maxLength"]), (&json!(staff::PIN_DIGITS_MIN), &json!(staff::PIN_DIGITS_MAX)));
}
