//! Rows of `products`.

use contracts::{
    ids::{CategoryId, ProductId},
    money::{Currency, Money},
    product::{Availability, ProductCard},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, in_list, like_contains};

use crate::model::{CheckedProduct, MENU_PRODUCTS_MAX};

fn card_from_row(row: &Row<'_>) -> DbResult<ProductCard> {
    let currency: Currency = row.get("currency")?;
    Ok(ProductCard {
        product_id: row.get("product_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        category_id: row.get("category_id")?,
        price: Money::new(row.get("price")?, currency).amount(),
        currency,
        tax_name: row.get("tax_name")?,
        is_dispensable: row.get("is_dispensable")?,
        dispense_ml: row.get("dispense_ml")?,
        option_groups: row.json("option_groups")?,
        is_available: row.get("is_available")?,
        is_archived: row.get("is_archived")?,
        version: row.get("version")?,
        updated_at: row.get("updated_at")?,
    })
}

/// What is searched in: name and description in lower case. Rust folds every alphabet, SQLite only A to Z.
fn search_text(product: &CheckedProduct) -> String {
    folded(&format!("{}\n{}", product.name, product.description))
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Inserts a product, on sale at once. `None`: the id is taken.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    id: ProductId,
    product: &CheckedProduct,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        INSERT INTO products (product_id, category_id, name, description, search_text, price, currency, tax_name,
                              is_dispensable, dispense_ml, option_groups, version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12)
            ON CONFLICT (product_id) DO NOTHING
        RETURNING *";
    let params = (
        id,
        product.category_id,
        &product.name,
        &product.description,
        search_text(product),
        product.price.minor,
        product.price.currency,
        product.tax_name.as_deref(),
        product.dispense_ml.is_some(),
        product.dispense_ml,
        db::json(&product.option_groups)?,
        now,
    );
    tx.query_opt(SQL, params, card_from_row)
}

/// Replaces a product that is not archived and, with `expected`, still has that version. `None`: it is archived, has
/// another version, or does not exist.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: ProductId,
    product: &CheckedProduct,
    expected: Option<i64>,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET category_id = $2, name = $3, description = $4, search_text = $5, price = $6, currency = $7,
                            tax_name = $8, is_dispensable = $9, dispense_ml = $10, option_groups = $11,
                            updated_at = $12, version = version + 1
         WHERE product_id = $1 AND is_archived = 0
           AND (CAST($13 AS BIGINT) IS NULL OR version = CAST($13 AS BIGINT))
        RETURNING *";
    let params = (
        id,
        product.category_id,
        &product.name,
        &product.description,
        search_text(product),
        product.price.minor,
        product.price.currency,
        product.tax_name.as_deref(),
        product.dispense_ml.is_some(),
        product.dispense_ml,
        db::json(&product.option_groups)?,
        now,
        expected,
    );
    tx.query_opt(SQL, params, card_from_row)
}

/// Locks a product until the transaction ends, so that what is read of it is what the change replaces. `None`: it is
/// archived, or does not exist.
pub(crate) fn lock(tx: &mut Tx<'_>, id: ProductId) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET version = version WHERE product_id = $1 AND is_archived = 0
        RETURNING *";
    tx.query_opt(SQL, (id,), card_from_row)
}

/// Puts a product on sale or takes it off. `None`: it is archived, does not exist, or has that setting already.
pub(crate) fn set_availability(
    tx: &mut Tx<'_>,
    id: ProductId,
    is_available: bool,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET is_available = $2, version = version + 1, updated_at = $3
         WHERE product_id = $1 AND is_archived = 0 AND is_available <> $2
        RETURNING *";
    tx.query_opt(SQL, (id, is_available, now), card_from_row)
}

/// Takes a product off the menu for good. `None`: it was archived before, or does not exist.
pub(crate) fn archive(tx: &mut Tx<'_>, id: ProductId, now: Timestamp) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET is_archived = 1, version = version + 1, updated_at = $2
         WHERE product_id = $1 AND is_archived = 0
        RETURNING *";
    tx.query_opt(SQL, (id, now), card_from_row)
}

/// One product, archived or not.
pub(crate) fn find(tx: &mut Tx<'_>, id: ProductId) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "SELECT * FROM products WHERE product_id = $1";
    tx.query_opt(SQL, (id,), card_from_row)
}

/// The products of these ids that exist, archived or not. `ids` is bounded by its caller.
pub(crate) fn list_by_ids(tx: &mut Tx<'_>, ids: &[ProductId]) -> DbResult<Vec<ProductCard>> {
    let (places, ids) = in_list(ids);
    let sql = format!("SELECT * FROM products WHERE product_id IN ({places}) ORDER BY product_id");
    tx.query(&sql, ids, card_from_row)
}

/// Which products a page shows. `None`: any.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProductFilter {
    /// Those of this category.
    pub category_id: Option<CategoryId>,
    /// Those that are, or are not, on sale.
    pub is_available: Option<bool>,
    /// Those with this text in name or description, in any case.
    pub text: Option<String>,
    /// Archived ones too.
    pub include_archived: bool,
}

/// Up to `limit` products in the menu's order, after the product `after`. Rows are never deleted, so a cursor stays
/// valid after its product was archived.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    filter: &ProductFilter,
    after: Option<ProductId>,
    limit: u32,
) -> DbResult<Vec<ProductCard>> {
    const SQL: &str = "
        SELECT p.* FROM products p JOIN categories c ON c.category_id = p.category_id
         WHERE (p.is_archived = 0 OR CAST($1 AS BIGINT) = 1)
           AND (CAST($2 AS TEXT) IS NULL OR p.category_id = CAST($2 AS TEXT))
           AND (CAST($3 AS BIGINT) IS NULL OR p.is_available = CAST($3 AS BIGINT))
           AND (CAST($4 AS TEXT) IS NULL OR p.search_text LIKE CAST($4 AS TEXT) ESCAPE '!')
           AND (CAST($5 AS TEXT) IS NULL OR (c.position, c.category_id, p.name, p.product_id) >
               (SELECT b.position, b.category_id, a.name, a.product_id
                  FROM products a JOIN categories b ON b.category_id = a.category_id
                 WHERE a.product_id = CAST($5 AS TEXT)))
         ORDER BY c.position, c.category_id, p.name, p.product_id
         LIMIT $6";
    let pattern = filter.text.as_deref().map(|text| like_contains(&folded(text)));
    let params = (filter.include_archived, filter.category_id, filter.is_available, pattern, after, limit);
    tx.query(SQL, params, card_from_row)
}

/// Every product that is not archived, and whether it is on sale; without its stock.
pub(crate) fn list_availability(tx: &mut Tx<'_>) -> DbResult<Vec<Availability>> {
    const SQL: &str = "
        SELECT product_id, is_available, version FROM products WHERE is_archived = 0 ORDER BY product_id LIMIT $1";
    tx.query(SQL, (MENU_PRODUCTS_MAX,), |row| {
        Ok(Availability {
            product_id: row.get("product_id")?,
            is_available: row.get("is_available")?,
            is_sold_out: None,
            version: row.get("version")?,
        })
    })
}

/// How many products are not archived.
pub(crate) fn count_on_menu(tx: &mut Tx<'_>) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS products FROM products WHERE is_archived = 0";
    tx.query_one(SQL, (), |row| row.get("products"))
}

/// How many products of a category are not archived.
pub(crate) fn count_in_category(tx: &mut Tx<'_>, id: CategoryId) -> DbResult<i64> {
    const SQL: &str = "SELECT COUNT(*) AS products FROM products WHERE category_id = $1 AND is_archived = 0";
    tx.query_one(SQL, (id,), |row| row.get("products"))
}

/// The names of the first `limit` products of a category that are not archived.
pub(crate) fn list_names_in_category(tx: &mut Tx<'_>, id: CategoryId, limit: u32) -> DbResult<Vec<String>> {
    const SQL: &str = "
        SELECT name FROM products WHERE category_id = $1 AND is_archived = 0 ORDER BY name, product_id LIMIT $2";
    tx.query(SQL, (id, limit), |row| row.get("name"))
}

/// The currencies of the prices of products that are not archived.
pub(crate) fn list_currencies(tx: &mut Tx<'_>) -> DbResult<Vec<Currency>> {
    const SQL: &str = "SELECT DISTINCT currency FROM products WHERE is_archived = 0 ORDER BY currency";
    tx.query(SQL, (), |row| row.get("currency"))
}

/// The taxes that products that are not archived name.
pub(crate) fn list_taxes(tx: &mut Tx<'_>) -> DbResult<Vec<String>> {
    const SQL: &str = "
        SELECT DISTINCT tax_name FROM products WHERE is_archived = 0 AND tax_name IS NOT NULL ORDER BY tax_name LIMIT $1";
    tx.query(SQL, (MENU_PRODUCTS_MAX,), |row| row.get("tax_name"))
}

/// Up to `limit` products of the menu by id, after the id `after`.
pub(crate) fn list_on_menu(tx: &mut Tx<'_>, after: Option<ProductId>, limit: u32) -> DbResult<Vec<ProductCard>> {
    const SQL: &str = "
        SELECT * FROM products
         WHERE is_archived = 0 AND (CAST($1 AS TEXT) IS NULL OR product_id > CAST($1 AS TEXT))
         ORDER BY product_id LIMIT $2";
    tx.query(SQL, (after, limit), card_from_row)
}
