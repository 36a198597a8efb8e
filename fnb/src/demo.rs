//! `--demo`: a coffee shop to try things with, made over the same routes that a person uses.
//!
//! Every id is fixed and every step may be repeated, so a shop that was only half filled is filled at the next start.
//! The last step shows whether the shop is filled. A shop that somebody else has begun is refused, because there the
//! mock gateway would pay real guests' bills.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use contracts::{PAGE_ROWS_MAX, shop::ShopSettings};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The shop, as a file that a person can read and change.
const SHOP: &str = include_str!("../demo/shop.json");
/// More than any response to these steps has.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoShop {
    shop: serde_json::Map<String, Value>,
    inventory: Vec<Item>,
    categories: Vec<Category>,
    option_groups: Vec<OptionGroup>,
    products: Vec<Product>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    id: u32,
    name: String,
    unit: String,
    policy: String,
    low_level: i64,
    received: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    id: u32,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OptionGroup {
    id: u32,
    name: String,
    min_choices: u32,
    max_choices: u32,
    options: Vec<GroupOption>,
}

/// An option, and what it changes in the recipe of every product that has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GroupOption {
    name: String,
    #[serde(default)]
    price_delta: i64,
    #[serde(default)]
    dispense_ml_delta: i32,
    #[serde(default)]
    recipe: RecipeChange,
}

/// What an option changes in a recipe.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeChange {
    /// (item, quantity).
    #[serde(default)]
    add: Vec<(u32, u32)>,
    /// (item, quantity).
    #[serde(default)]
    take: Vec<(u32, u32)>,
    /// (item, the item that takes its place).
    #[serde(default)]
    replace: Vec<(u32, u32)>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Product {
    id: u32,
    category: u32,
    name: String,
    description: String,
    price: u32,
    dispense_ml: Option<u32>,
    option_groups: Vec<u32>,
    /// The item of which one unit takes what the machine pours.
    keg: Option<u32>,
    /// What one unit takes: (item, quantity).
    #[serde(default)]
    recipe: Vec<(u32, u32)>,
    /// What an option, by its name, changes for this product beyond what it changes for every product.
    #[serde(default)]
    options: BTreeMap<String, RecipeChange>,
    /// How many are on hand of a product that is counted as itself.
    pieces: Option<i64>,
}

/// The demo shop cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Somebody else has begun this shop.
    #[error("this shop is not the demo shop: start it without --demo")]
    ForeignShop,
    /// The demo's file, or JSON that is made of it, is wrong.
    #[error("the demo's file cannot be read")]
    File(#[from] serde_json::Error),
    /// A route answered with another status than the step needs.
    #[error("{step} answered {status}: {body}")]
    UnexpectedStatus {
        /// Method and path.
        step: String,
        /// The status.
        status: StatusCode,
        /// The body of the response.
        body: String,
    },
    /// A request could not be made, or its response not be read.
    #[error("{step} failed")]
    Request {
        /// Method and path.
        step: String,
        /// Why.
        source: axum::Error,
    },
}

/// The kinds of things that have fixed ids: two kinds never share one.
#[derive(Clone, Copy)]
enum Kind {
    Category = 1,
    Product = 2,
    Item = 3,
    /// The item of a product that is counted as itself.
    Piece = 4,
    Group = 5,
    Option = 6,
}

/// A fixed UUIDv7 of the distant past.
fn id(kind: Kind, number: u32) -> String {
    format!("00000000-0000-7000-8000-{:04}{number:08}", kind as u32)
}

/// Refuses the shop behind `origin` if somebody else has made products or categories, or has changed the settings, and
/// the demo has made nothing. The demo shop is known by its ids, also after its owner changed it.
pub(crate) async fn refuse_others(origin: Router, owner_token: &str) -> Result<(), DemoError> {
    let shop: DemoShop = serde_json::from_str(SHOP)?;
    let filler = DemoFiller { origin, token: owner_token.to_owned() };
    if filler.is_filled(&shop).await? {
        return Ok(());
    }
    let menu = [filler.owner_of_products(&shop).await?, filler.owner_of_categories(&shop).await?];
    if menu.contains(&Owner::Somebody) {
        return Err(DemoError::ForeignShop);
    }
    let is_begun = menu.contains(&Owner::Demo);
    let settings = filler.get_settings().await?;
    if is_begun || settings == new_shop()? || settings == shop.settings()? {
        return Ok(());
    }
    Err(DemoError::ForeignShop)
}

/// Fills the shop behind `origin`, unless it is filled.
pub(crate) async fn fill(origin: Router, owner_token: &str) -> Result<(), DemoError> {
    let shop: DemoShop = serde_json::from_str(SHOP)?;
    let filler = DemoFiller { origin, token: owner_token.to_owned() };
    if filler.is_filled(&shop).await? {
        return Ok(());
    }
    if filler.get_settings().await? == new_shop()? {
        filler.put("/api/Shop", &shop.settings()?).await?;
    }
    for item in &shop.inventory {
        filler.create_item(item).await?;
    }
    for (position, category) in shop.categories.iter().enumerate() {
        let body =
            json!({ "categoryId": id(Kind::Category, category.id), "name": category.name, "position": position });
        filler.create("/api/Category", &id(Kind::Category, category.id), &body).await?;
    }
    for product in &shop.products {
        // A recipe is checked against its product. A product that is counted as itself comes last, so that the last
        // product of the file is the last step.
        match product.pieces {
            Some(pieces) => {
                filler.create_item_of(product, pieces).await?;
                filler.create_product(product, &shop.option_groups).await?;
            }
            None => {
                filler.create_product(product, &shop.option_groups).await?;
                filler.write_recipe(product, &shop.option_groups).await?;
            }
        }
    }
    tracing::info!(products = shop.products.len(), "demo shop filled");
    Ok(())
}

/// The settings of a shop that nobody has changed, as `GET /api/Shop` returns them.
fn new_shop() -> Result<Value, DemoError> {
    Ok(serde_json::from_str(&serde_json::to_string(&ShopSettings::default())?)?)
}

impl DemoShop {
    /// The settings of the demo shop.
    fn settings(&self) -> Result<Value, DemoError> {
        let mut settings = new_shop()?;
        if let Some(settings) = settings.as_object_mut() {
            settings.extend(self.shop.clone());
        }
        Ok(settings)
    }
}

/// Who made the rows of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Nobody: it is empty.
    Nobody,
    /// The demo made all of them.
    Demo,
    /// Somebody else made at least one of them.
    Somebody,
}

/// Makes the demo shop over the routes of the origin, as its owner.
struct DemoFiller {
    origin: Router,
    token: String,
}

impl DemoFiller {
    async fn get_settings(&self) -> Result<Value, DemoError> {
        let (_, settings) = self.send(Method::GET, "/api/Shop", None, &[StatusCode::OK]).await?;
        Ok(settings)
    }

    async fn create_item(&self, item: &Item) -> Result<(), DemoError> {
        let inventory_id = id(Kind::Item, item.id);
        let body = json!({
            "inventoryId": inventory_id, "name": item.name, "unit": item.unit, "policy": item.policy,
            "lowLevel": item.low_level,
        });
        self.create("/api/Inventory", &inventory_id, &body).await?;
        self.receive_stock(&inventory_id, item.received).await
    }

    /// Creates the item that a product is counted as.
    async fn create_item_of(&self, product: &Product, pieces: i64) -> Result<(), DemoError> {
        let inventory_id = id(Kind::Piece, product.id);
        let body = json!({
            "inventoryId": inventory_id, "name": product.name, "unit": "piece",
            "productId": id(Kind::Product, product.id), "policy": "BLOCK", "lowLevel": 10,
        });
        self.create("/api/Inventory", &inventory_id, &body).await?;
        self.receive_stock(&inventory_id, pieces).await
    }

    async fn write_recipe(&self, product: &Product, groups: &[OptionGroup]) -> Result<(), DemoError> {
        self.put(&format!("/api/Recipe/{}", id(Kind::Product, product.id)), &recipe_of(product, groups)).await
    }

    async fn receive_stock(&self, inventory_id: &str, quantity: i64) -> Result<(), DemoError> {
        let body = json!({ "reason": "RECEIVED", "quantity": quantity, "note": "Opening stock" });
        self.create(&format!("/api/Inventory/{inventory_id}/adjust"), inventory_id, &body).await
    }

    async fn create_product(&self, product: &Product, groups: &[OptionGroup]) -> Result<(), DemoError> {
        let of_product = groups.iter().filter(|group| product.option_groups.contains(&group.id));
        let product_id = id(Kind::Product, product.id);
        let body = json!({
            "productId": product_id,
            "categoryId": id(Kind::Category, product.category),
            "name": product.name,
            "description": product.description,
            "price": product.price,
            "isDispensable": product.dispense_ml.is_some(),
            "dispenseMl": product.dispense_ml,
            "optionGroups": of_product.map(|group| group_of(product, group)).collect::<Vec<_>>(),
        });
        self.create("/api/Product", &product_id, &body).await
    }

    /// Creates something with this id, unless it was created before: then the key makes the route answer as it did.
    async fn create(&self, path: &str, id: &str, body: &Value) -> Result<(), DemoError> {
        let expected = [StatusCode::CREATED, StatusCode::OK];
        let key = format!("demo-{path}-{id}");
        self.send(Method::POST, path, Some((&key, body)), &expected).await.map(drop)
    }

    async fn put(&self, path: &str, body: &Value) -> Result<(), DemoError> {
        self.send(Method::PUT, path, Some(("demo", body)), &[StatusCode::OK]).await.map(drop)
    }

    /// Whether the last step was done: the last product exists.
    async fn is_filled(&self, shop: &DemoShop) -> Result<bool, DemoError> {
        let Some(last) = shop.products.last() else { return Ok(true) };
        let path = format!("/api/Product/{}", id(Kind::Product, last.id));
        let (status, _) = self.send(Method::GET, &path, None, &[StatusCode::OK, StatusCode::NOT_FOUND]).await?;
        Ok(status == StatusCode::OK)
    }

    async fn owner_of_products(&self, shop: &DemoShop) -> Result<Owner, DemoError> {
        let demo_ids: Vec<_> = shop.products.iter().map(|product| id(Kind::Product, product.id)).collect();
        self.owner_of_rows("/api/Product", "productId", &demo_ids).await
    }

    async fn owner_of_categories(&self, shop: &DemoShop) -> Result<Owner, DemoError> {
        let demo_ids: Vec<_> = shop.categories.iter().map(|category| id(Kind::Category, category.id)).collect();
        self.owner_of_rows("/api/Category", "categoryId", &demo_ids).await
    }

    /// Reads one page only: the demo has fewer rows of each.
    async fn owner_of_rows(&self, path: &str, id_field: &str, demo_ids: &[String]) -> Result<Owner, DemoError> {
        let path = format!("{path}?includeArchived=true&limit={PAGE_ROWS_MAX}");
        let (_, page) = self.send(Method::GET, &path, None, &[StatusCode::OK]).await?;
        let rows = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let is_of_demo =
            |row: &Value| row[id_field].as_str().is_some_and(|id| demo_ids.iter().any(|demo_id| demo_id == id));
        Ok(match rows {
            [] => Owner::Nobody,
            rows if rows.iter().all(is_of_demo) => Owner::Demo,
            _ => Owner::Somebody,
        })
    }

    /// Sends one step, with the key and the body of what it creates. `expected`: the statuses that are fine.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
        expected: &[StatusCode],
    ) -> Result<(StatusCode, Value), DemoError> {
        let step = format!("{method} {path}");
        let failed = |source: axum::Error| DemoError::Request { step: step.clone(), source };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", body.map_or("demo", |(key, _)| key))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(body.map_or_else(Body::empty, |(_, body)| Body::from(body.to_string())))
            .map_err(|error| failed(axum::Error::new(error)))?;
        let response = self.origin.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status();
        let bytes = to_bytes(response.into_body(), RESPONSE_BYTES_MAX).await.map_err(failed)?;
        if !expected.contains(&status) {
            return Err(DemoError::UnexpectedStatus {
                step,
                status,
                body: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// The id of an option of a product's group: options belong to their product.
fn option_id(product: &Product, group: &OptionGroup, index: u32) -> String {
    id(Kind::Option, group_number(product, group) * IDS_PER_PARENT + index)
}

/// The id space for the groups of a product, and for the options of a group.
const IDS_PER_PARENT: u32 = 100;

fn group_number(product: &Product, group: &OptionGroup) -> u32 {
    product.id * IDS_PER_PARENT + group.id
}

/// A group of options, as the body of its product has it.
fn group_of(product: &Product, group: &OptionGroup) -> Value {
    let options = (0_u32..).zip(&group.options).map(|(index, option)| {
        json!({
            "optionId": option_id(product, group, index), "name": option.name, "priceDelta": option.price_delta,
            "dispenseMlDelta": option.dispense_ml_delta,
        })
    });
    json!({
        "groupId": id(Kind::Group, group_number(product, group)), "name": group.name,
        "minChoices": group.min_choices, "maxChoices": group.max_choices, "options": options.collect::<Vec<_>>(),
    })
}

/// The body of `PUT /api/Recipe/{productId}`.
fn recipe_of(product: &Product, groups: &[OptionGroup]) -> Value {
    let keg = product.keg.map(|item| json!({ "inventoryId": id(Kind::Item, item), "takesDispensed": true }));
    let parts: Vec<Value> = keg.into_iter().chain(product.recipe.iter().map(quantity_of)).collect();
    let mut options = Vec::new();
    for group in groups.iter().filter(|group| product.option_groups.contains(&group.id)) {
        for (index, option) in (0_u32..).zip(&group.options) {
            options.extend(option_recipe(product, option, &option_id(product, group, index)));
        }
    }
    json!({ "parts": parts, "options": options })
}

/// What an option changes for a product. `None`: nothing.
fn option_recipe(product: &Product, option: &GroupOption, option_id: &str) -> Option<Value> {
    let of_product = product.options.get(&option.name).cloned().unwrap_or_default();
    let add = [option.recipe.add.as_slice(), &of_product.add].concat();
    let take = [option.recipe.take.as_slice(), &of_product.take].concat();
    let replace = [option.recipe.replace.as_slice(), &of_product.replace].concat();
    if add.is_empty() && take.is_empty() && replace.is_empty() {
        return None;
    }
    let replacement =
        |(item, by): &(u32, u32)| json!({ "inventoryId": id(Kind::Item, *item), "byInventoryId": id(Kind::Item, *by) });
    Some(json!({
        "optionId": option_id,
        "add": add.iter().map(quantity_of).collect::<Vec<_>>(),
        "take": take.iter().map(quantity_of).collect::<Vec<_>>(),
        "replace": replace.iter().map(replacement).collect::<Vec<_>>(),
    }))
}

fn quantity_of((item, quantity): &(u32, u32)) -> Value {
    json!({ "inventoryId": id(Kind::Item, *item), "quantity": quantity })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, http::Uri, routing::get};
    use contracts::{
        Page,
        ids::{OptionId, OrderId},
        inventory::InventoryView,
        product::{ProductCard, ProductOption},
        staff::Role,
    };
    use testkit::{Client, World};

    use super::*;

    #[test]
    fn the_demo_shop_has_two_dozen_products_and_several_from_the_dispenser() {
        let shop: DemoShop = serde_json::from_str(SHOP).unwrap();
        assert!(shop.products.len() >= 24);
        assert!(shop.products.iter().filter(|product| product.dispense_ml.is_some()).count() >= 3);
        assert!(shop.products.len() < PAGE_ROWS_MAX as usize && shop.categories.len() < PAGE_ROWS_MAX as usize);
        assert!(shop.products.iter().all(|product| product.recipe.is_empty() == product.pieces.is_some()));
        assert!(shop.products.iter().all(|product| product.keg.is_some() == product.dispense_ml.is_some()));
        assert!(shop.products.last().unwrap().pieces.is_some(), "its product must be the last step");
    }

    #[test]
    fn every_option_that_a_product_changes_is_one_of_its_options() {
        let shop: DemoShop = serde_json::from_str(SHOP).unwrap();
        for product in &shop.products {
            let groups = shop.option_groups.iter().filter(|group| product.option_groups.contains(&group.id));
            let names: Vec<&String> = groups.flat_map(|group| &group.options).map(|option| &option.name).collect();
            assert!(product.options.keys().all(|name| names.contains(&name)), "{}", product.name);
        }
    }

    /// A shop with these products, categories and settings. It keeps the requests that change something.
    fn shop_with(products: Value, categories: Value, settings: Value) -> (Router, Arc<Mutex<Vec<String>>>) {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&changes);
        let there: Vec<String> = products.as_array().unwrap().iter().map(|row| row["productId"].to_string()).collect();
        let change = move |method: Method, uri: Uri| async move {
            if method == Method::GET {
                let is_there = there.iter().any(|id| uri.path().ends_with(id.trim_matches('"')));
                return (if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND }, Json(json!({})));
            }
            kept.lock().unwrap().push(format!("{method} {uri}"));
            (StatusCode::OK, Json(json!({})))
        };
        let page = |items: Value| get(async move || Json(json!({ "items": items })));
        let router = Router::new()
            .route("/api/Product", page(products).post(change.clone()))
            .route("/api/Category", page(categories).post(change.clone()))
            .route("/api/Shop", get(async move || Json(settings)).put(change.clone()))
            .fallback(change);
        (router, changes)
    }

    fn shop() -> DemoShop {
        serde_json::from_str(SHOP).unwrap()
    }

    fn settings_of_an_owner() -> Value {
        let mut settings = new_shop().unwrap();
        settings["name"] = "Kopi Sore".into();
        settings
    }

    /// Product and Inventory with the demo shop in them, and Inventory's client.
    async fn filled_services(world: &World) -> (Client, Client) {
        let (product, inventory) =
            (product::open(world.context()).await.unwrap(), inventory::open(world.context()).await.unwrap());
        let (menu, stock) = (product.router.clone(), inventory.router.clone());
        let origin = Router::new().route("/api/Shop", get(async || Json(settings_of_an_owner()))).fallback(
            move |request: Request<Body>| {
                let path = request.uri().path();
                let is_of_menu = path.starts_with("/api/Product") || path.starts_with("/api/Category");
                if is_of_menu { menu.clone().oneshot(request) } else { stock.clone().oneshot(request) }
            },
        );
        let (product, inventory) = (world.start(product).await, world.start(inventory).await);
        fill(origin, &world.credentials.staff(Role::Owner)).await.unwrap();
        (product, inventory)
    }

    /// Every choice of one option of each group that must be chosen, with the millilitres that it adds.
    fn choices(card: &ProductCard) -> Vec<(Vec<OptionId>, i32)> {
        let mut choices = vec![(Vec::new(), 0)];
        for group in &card.option_groups {
            let longer = |(options, ml): &(Vec<OptionId>, i32)| -> Vec<(Vec<OptionId>, i32)> {
                let option = |option: &ProductOption| {
                    ([options.as_slice(), &[option.option_id.unwrap()]].concat(), ml + option.dispense_ml_delta)
                };
                let none = (group.min_choices == 0).then(|| (options.clone(), *ml));
                group.options.iter().map(option).chain(none).collect()
            };
            choices = choices.iter().flat_map(longer).collect();
        }
        choices
    }

    /// What an order for one holds of every item, by its name. The order is released again.
    async fn held(inventory: &Client, card: &ProductCard, options: &[OptionId], ml: i32) -> BTreeMap<String, i64> {
        let dispense_ml = card.dispense_ml.map(|base| base.checked_add_signed(ml).unwrap());
        let path = format!("/internal/Reservation/{}", OrderId::new(card.updated_at));
        let item = json!({
            "productId": card.product_id, "quantity": 1, "options": options, "dispenseMl": dispense_ml,
        });
        inventory.put(&path, json!({ "orderVersion": 1, "items": [item] })).await.expect(200);
        let page: Page<InventoryView> = inventory.get("/api/Inventory?limit=200").await.read(200);
        inventory.post(&format!("{path}/release"), json!({ "orderVersion": 1 })).await.expect(200);
        assert!(page.items.iter().all(|item| item.reserved >= 0));
        page.items.into_iter().filter(|item| item.reserved > 0).map(|item| (item.name, item.reserved)).collect()
    }

    #[tokio::test]
    async fn every_dispensed_cup_takes_from_its_keg_what_the_machine_pours() {
        let world = World::new().await;
        let (product, inventory) = filled_services(&world).await;
        let page: Page<ProductCard> = product.get("/api/Product?limit=200").await.read(200);
        let mut cups = 0;
        for card in page.items.iter().filter(|card| card.is_dispensable) {
            for (options, ml) in choices(card) {
                let held = held(&inventory, card, &options, ml).await;
                let kegs: i64 = held.iter().filter(|(name, _)| name.ends_with("keg")).map(|(_, held)| held).sum();
                let poured = i64::from(card.dispense_ml.unwrap()) + i64::from(ml);
                assert_eq!(kegs, poured, "{} with {options:?} holds {held:?}", card.name);
                cups += 1;
            }
        }
        assert_eq!(cups, 7, "three drinks in two sizes, and the orange juice");
        world.stop().await;
    }

    #[tokio::test]
    async fn a_large_latte_with_oat_milk_and_an_extra_shot_takes_just_that() {
        let world = World::new().await;
        let (product, inventory) = filled_services(&world).await;
        let page: Page<ProductCard> = product.get("/api/Product?limit=200").await.read(200);
        let latte = page.items.iter().find(|card| card.name == "Caffè latte").unwrap();
        let named = |names: &[&str]| -> Vec<OptionId> {
            let options = latte.option_groups.iter().flat_map(|group| &group.options);
            let chosen = options.filter(|option| names.contains(&option.name.as_str()));
            chosen.map(|option| option.option_id.unwrap()).collect()
        };
        let held_with = async |names: &[&str]| -> Vec<(String, i64)> {
            held(&inventory, latte, &named(names), 0).await.into_iter().collect()
        };
        let of = |items: &[(&str, i64)]| -> Vec<(String, i64)> {
            items.iter().map(|(name, quantity)| ((*name).to_owned(), *quantity)).collect()
        };
        let regular = of(&[("Espresso beans", 18), ("Fresh milk", 200), ("Paper cups", 1)]);
        assert_eq!(held_with(&["Regular", "Fresh milk", "Normal"]).await, regular);
        let large = of(&[("Espresso beans", 27), ("Large paper cups", 1), ("Oat milk", 300)]);
        assert_eq!(held_with(&["Large", "Oat milk", "Normal", "Extra shot"]).await, large);
        world.stop().await;
    }

    #[tokio::test]
    async fn a_shop_with_its_own_menu_or_settings_is_refused_and_not_changed() {
        let foreign = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let (of_demo, new) = (json!({ "productId": id(Kind::Product, 1) }), new_shop().unwrap());
        for (products, categories, settings) in [
            (json!([{ "productId": foreign }]), json!([]), new.clone()),
            (json!([of_demo, { "productId": foreign }]), json!([]), new.clone()),
            (json!([]), json!([{ "categoryId": foreign }]), new),
            (json!([]), json!([]), settings_of_an_owner()),
        ] {
            let (router, changes) = shop_with(products, categories, settings);
            let refused = refuse_others(router, "").await;
            assert!(matches!(refused, Err(DemoError::ForeignShop)), "{refused:?}");
            assert_eq!(*changes.lock().unwrap(), [""; 0]);
        }
    }

    #[tokio::test]
    async fn a_new_shop_gets_the_demo_settings_and_menu() {
        for settings in [new_shop().unwrap(), shop().settings().unwrap()] {
            let is_new = settings == new_shop().unwrap();
            let (router, changes) = shop_with(json!([]), json!([]), settings);
            refuse_others(router.clone(), "").await.unwrap();
            fill(router, "").await.unwrap();
            let changes = changes.lock().unwrap();
            assert!(changes.len() > 24);
            assert_eq!(changes.contains(&"PUT /api/Shop".to_owned()), is_new);
        }
    }

    #[tokio::test]
    async fn a_half_filled_demo_shop_is_filled_and_keeps_its_settings() {
        let of_demo = json!([{ "productId": id(Kind::Product, 1) }]);
        let (router, changes) = shop_with(of_demo, json!([]), settings_of_an_owner());
        refuse_others(router.clone(), "").await.unwrap();
        fill(router, "").await.unwrap();
        let changes = changes.lock().unwrap();
        assert!(changes.len() > 24 && !changes.contains(&"PUT /api/Shop".to_owned()), "{changes:?}");
    }

    #[tokio::test]
    async fn a_demo_shop_that_its_owner_changed_starts_again_unchanged() {
        let last = id(Kind::Product, shop().products.last().unwrap().id);
        let menu = json!([{ "productId": last }, { "productId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" }]);
        let (router, changes) = shop_with(menu, json!([]), settings_of_an_owner());
        refuse_others(router.clone(), "").await.unwrap();
        fill(router, "").await.unwrap();
        assert_eq!(*changes.lock().unwrap(), [""; 0]);
    }
}
