//! `--demo`: a coffee shop to try things with, made over the same routes that a person uses.
//!
//! Every id is fixed and every step may be done twice, so a shop that was only half filled is filled at the next
//! start. The step that is done last says whether there is anything to do. A shop in which none of it was done, and in
//! which somebody has begun, is refused: there the mock gateway would pay real guests' bills.

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
/// More than any answer to these steps has.
const ANSWER_BYTES_MAX: usize = 1 << 20;

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
    options: Vec<serde_json::Map<String, Value>>,
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
    /// What one takes: (item, quantity).
    #[serde(default)]
    recipe: Vec<(u32, u32)>,
    /// How many there are of what is counted as itself.
    pieces: Option<i64>,
}

/// The demo cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Somebody has made the shop what it is.
    #[error("this shop is not the demo's: start it without --demo")]
    Somebodys,
    /// The file is not a shop.
    #[error("the demo's file cannot be read: {0}")]
    File(#[from] serde_json::Error),
    /// A route answered something else.
    #[error("{step} answered {status}: {answer}")]
    Step {
        /// Which.
        step: String,
        /// With what.
        status: StatusCode,
        /// In which words.
        answer: String,
    },
    /// A request could not be made.
    #[error("{0}")]
    Request(String),
}

/// The kinds of things that have fixed ids, so that they do not meet.
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

/// Refuses the shop behind `origin` where somebody has made products or categories, or has changed the settings, and the
/// demo nothing. The demo's own shop is known by its ids, whatever became of it since.
pub(crate) async fn refuse_others(origin: Router) -> Result<(), DemoError> {
    let shop: DemoShop = serde_json::from_str(SHOP)?;
    let filling = Filling { origin };
    if filling.is_filled(&shop).await? {
        return Ok(());
    }
    let menu = [filling.products(&shop).await?, filling.categories(&shop).await?];
    if menu.contains(&Whose::Somebodys) {
        return Err(DemoError::Somebodys);
    }
    let is_begun = menu.contains(&Whose::TheDemos);
    let settings = filling.settings().await?;
    if is_begun || settings == new_shop()? || settings == shop.settings()? {
        return Ok(());
    }
    Err(DemoError::Somebodys)
}

/// Fills the shop behind `origin`, unless it is filled.
pub(crate) async fn fill(origin: Router) -> Result<(), DemoError> {
    let shop: DemoShop = serde_json::from_str(SHOP)?;
    let filling = Filling { origin };
    if filling.is_filled(&shop).await? {
        return Ok(());
    }
    if filling.settings().await? == new_shop()? {
        filling.put("/api/Shop", &shop.settings()?).await?;
    }
    for item in &shop.inventory {
        filling.item(item).await?;
    }
    for (position, category) in shop.categories.iter().enumerate() {
        let body =
            json!({ "categoryId": id(Kind::Category, category.id), "name": category.name, "position": position });
        filling.make("/api/Category", &id(Kind::Category, category.id), &body).await?;
    }
    for product in &shop.products {
        filling.stock_of(product).await?;
        filling.product(product, &shop.option_groups).await?;
    }
    tracing::info!(products = shop.products.len(), "the demo shop is filled");
    Ok(())
}

/// The settings of a shop that nobody has changed, as its route answers them.
fn new_shop() -> Result<Value, DemoError> {
    Ok(serde_json::from_str(&serde_json::to_string(&ShopSettings::default())?)?)
}

impl DemoShop {
    /// The settings of the demo's shop.
    fn settings(&self) -> Result<Value, DemoError> {
        let mut settings = new_shop()?;
        if let Some(settings) = settings.as_object_mut() {
            settings.extend(self.shop.clone());
        }
        Ok(settings)
    }
}

/// Whose a list of things is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// It is empty.
    Nobodys,
    /// The demo made all of it.
    TheDemos,
    /// Somebody made at least one of them.
    Somebodys,
}

struct Filling {
    origin: Router,
}

impl Filling {
    async fn settings(&self) -> Result<Value, DemoError> {
        let (_, settings) = self.send(Method::GET, "/api/Shop", None, &[StatusCode::OK]).await?;
        Ok(settings)
    }

    async fn item(&self, item: &Item) -> Result<(), DemoError> {
        let inventory_id = id(Kind::Item, item.id);
        let body = json!({
            "inventoryId": inventory_id, "name": item.name, "unit": item.unit, "policy": item.policy,
            "lowLevel": item.low_level,
        });
        self.make("/api/Inventory", &inventory_id, &body).await?;
        self.receive(&inventory_id, item.received).await
    }

    /// The recipe of a product, or the item that it is.
    async fn stock_of(&self, product: &Product) -> Result<(), DemoError> {
        let product_id = id(Kind::Product, product.id);
        if let Some(pieces) = product.pieces {
            let inventory_id = id(Kind::Piece, product.id);
            let body = json!({
                "inventoryId": inventory_id, "name": product.name, "unit": "piece", "productId": product_id,
                "policy": "BLOCK", "lowLevel": 10,
            });
            self.make("/api/Inventory", &inventory_id, &body).await?;
            return self.receive(&inventory_id, pieces).await;
        }
        let part =
            |(item, quantity): &(u32, u32)| json!({ "inventoryId": id(Kind::Item, *item), "quantity": quantity });
        let parts: Vec<Value> = product.recipe.iter().map(part).collect();
        self.put(&format!("/api/Recipe/{product_id}"), &json!({ "parts": parts })).await
    }

    async fn receive(&self, inventory_id: &str, quantity: i64) -> Result<(), DemoError> {
        let body = json!({ "reason": "RECEIVED", "quantity": quantity, "note": "Opening stock" });
        self.make(&format!("/api/Inventory/{inventory_id}/adjust"), inventory_id, &body).await
    }

    async fn product(&self, product: &Product, groups: &[OptionGroup]) -> Result<(), DemoError> {
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
        self.make("/api/Product", &product_id, &body).await
    }

    /// Makes something with this id, unless it was made before: then the key makes the step answer as it did.
    async fn make(&self, path: &str, id: &str, body: &Value) -> Result<(), DemoError> {
        let fine = [StatusCode::CREATED, StatusCode::OK];
        let key = format!("demo-{path}-{id}");
        self.send(Method::POST, path, Some((&key, body)), &fine).await.map(drop)
    }

    async fn put(&self, path: &str, body: &Value) -> Result<(), DemoError> {
        self.send(Method::PUT, path, Some(("demo", body)), &[StatusCode::OK]).await.map(drop)
    }

    /// Whether the last step was done.
    async fn is_filled(&self, shop: &DemoShop) -> Result<bool, DemoError> {
        let Some(last) = shop.products.last() else { return Ok(true) };
        let path = format!("/api/Product/{}", id(Kind::Product, last.id));
        let (status, _) = self.send(Method::GET, &path, None, &[StatusCode::OK, StatusCode::NOT_FOUND]).await?;
        Ok(status == StatusCode::OK)
    }

    async fn products(&self, shop: &DemoShop) -> Result<Whose, DemoError> {
        let ours: Vec<_> = shop.products.iter().map(|product| id(Kind::Product, product.id)).collect();
        self.whose("/api/Product", "productId", &ours).await
    }

    async fn categories(&self, shop: &DemoShop) -> Result<Whose, DemoError> {
        let ours: Vec<_> = shop.categories.iter().map(|category| id(Kind::Category, category.id)).collect();
        self.whose("/api/Category", "categoryId", &ours).await
    }

    /// The demo has fewer than a page of each, so the first page tells.
    async fn whose(&self, path: &str, id_field: &str, ours: &[String]) -> Result<Whose, DemoError> {
        let path = format!("{path}?includeArchived=true&limit={PAGE_ROWS_MAX}");
        let (_, page) = self.send(Method::GET, &path, None, &[StatusCode::OK]).await?;
        let rows = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let is_ours = |row: &Value| row[id_field].as_str().is_some_and(|id| ours.iter().any(|ours| ours == id));
        Ok(match rows {
            [] => Whose::Nobodys,
            rows if rows.iter().all(is_ours) => Whose::TheDemos,
            _ => Whose::Somebodys,
        })
    }

    /// One step, with the key and the body of what it makes.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
        fine: &[StatusCode],
    ) -> Result<(StatusCode, Value), DemoError> {
        let step = format!("{method} {path}");
        let failed = |error: &dyn std::fmt::Display| DemoError::Request(format!("{step}: {error}"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", body.map_or("demo", |(key, _)| key))
            .body(body.map_or_else(Body::empty, |(_, body)| Body::from(body.to_string())))
            .map_err(|error| failed(&error))?;
        let response = self.origin.clone().oneshot(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(|error| failed(&error))?;
        if !fine.contains(&status) {
            return Err(DemoError::Step { step, status, answer: String::from_utf8_lossy(&bytes).into_owned() });
        }
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// A group as one product has it: options belong to their product.
fn group_of(product: &Product, group: &OptionGroup) -> Value {
    /// Room for the groups of a product, and for the options of a group.
    const PLACES: u32 = 100;
    let group_number = product.id * PLACES + group.id;
    let options = (0_u32..).zip(&group.options).map(|(place, option)| {
        let mut option = option.clone();
        option.insert("optionId".into(), id(Kind::Option, group_number * PLACES + place).into());
        option
    });
    json!({
        "groupId": id(Kind::Group, group_number), "name": group.name, "minChoices": group.min_choices, "maxChoices": group.max_choices,
        "options": options.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, http::Uri, routing::get};

    use super::*;

    #[test]
    fn the_demo_shop_has_two_dozen_products_and_several_from_the_dispenser() {
        let shop: DemoShop = serde_json::from_str(SHOP).unwrap();
        assert!(shop.products.len() >= 24);
        assert!(shop.products.iter().filter(|product| product.dispense_ml.is_some()).count() >= 3);
        assert!(shop.products.len() < PAGE_ROWS_MAX as usize && shop.categories.len() < PAGE_ROWS_MAX as usize);
        assert!(shop.products.iter().all(|product| product.recipe.is_empty() == product.pieces.is_some()));
    }

    /// A shop with these products, categories and settings, that notes what was changed in it.
    fn shop_with(products: Value, categories: Value, settings: Value) -> (Router, Arc<Mutex<Vec<String>>>) {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&changes);
        let there: Vec<String> = products.as_array().unwrap().iter().map(|row| row["productId"].to_string()).collect();
        let change = move |method: Method, uri: Uri| async move {
            if method == Method::GET {
                let is_there = there.iter().any(|id| uri.path().ends_with(id.trim_matches('"')));
                return (if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND }, Json(json!({})));
            }
            noted.lock().unwrap().push(format!("{method} {uri}"));
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

    #[tokio::test]
    async fn a_shop_with_a_menu_or_settings_of_its_own_is_refused_and_left_as_it_is() {
        let somebodys = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        let (demos, new) = (json!({ "productId": id(Kind::Product, 1) }), new_shop().unwrap());
        for (products, categories, settings) in [
            (json!([{ "productId": somebodys }]), json!([]), new.clone()),
            (json!([demos, { "productId": somebodys }]), json!([]), new.clone()),
            (json!([]), json!([{ "categoryId": somebodys }]), new),
            (json!([]), json!([]), settings_of_an_owner()),
        ] {
            let (router, changes) = shop_with(products, categories, settings);
            let refused = refuse_others(router).await;
            assert!(matches!(refused, Err(DemoError::Somebodys)), "{refused:?}");
            assert_eq!(*changes.lock().unwrap(), [""; 0]);
        }
    }

    #[tokio::test]
    async fn a_new_shop_gets_the_demos_settings_and_menu() {
        for settings in [new_shop().unwrap(), shop().settings().unwrap()] {
            let is_new = settings == new_shop().unwrap();
            let (router, changes) = shop_with(json!([]), json!([]), settings);
            refuse_others(router.clone()).await.unwrap();
            fill(router).await.unwrap();
            let changes = changes.lock().unwrap();
            assert!(changes.len() > 24);
            assert_eq!(changes.contains(&"PUT /api/Shop".to_owned()), is_new);
        }
    }

    #[tokio::test]
    async fn a_shop_that_the_demo_filled_by_half_is_filled_and_keeps_its_settings() {
        let ours = json!([{ "productId": id(Kind::Product, 1) }]);
        let (router, changes) = shop_with(ours, json!([]), settings_of_an_owner());
        refuse_others(router.clone()).await.unwrap();
        fill(router).await.unwrap();
        let changes = changes.lock().unwrap();
        assert!(changes.len() > 24 && !changes.contains(&"PUT /api/Shop".to_owned()), "{changes:?}");
    }

    #[tokio::test]
    async fn a_demo_shop_that_its_owner_made_his_own_starts_again_as_it_is() {
        let last = id(Kind::Product, shop().products.last().unwrap().id);
        let menu = json!([{ "productId": last }, { "productId": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5" }]);
        let (router, changes) = shop_with(menu, json!([]), settings_of_an_owner());
        refuse_others(router.clone()).await.unwrap();
        fill(router).await.unwrap();
        assert_eq!(*changes.lock().unwrap(), [""; 0]);
    }
}
