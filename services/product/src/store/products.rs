//! Rows of `products`.

use contracts::{
    ids::{CategoryId, ProductId},
    money::{Currency, Money},
    product::{Availability, ProductCard},
    time::Timestamp,
};
use db::{DbResult, Row, Tx, in_list};

use crate::model::{CheckedProduct, MENU_PRODUCTS_MAX};

fn card(row: &Row<'_>) -> DbResult<ProductCard> {
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

/// Adds a product, for sale at once. `None`: the id is another's.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    id: ProductId,
    product: &CheckedProduct,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        INSERT INTO products (product_id, category_id, name, description, price, currency, tax_name,
                              is_dispensable, dispense_ml, option_groups, version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11)
            ON CONFLICT (product_id) DO NOTHING
        RETURNING *";
    let params = (
        id,
        product.category_id,
        &product.name,
        &product.description,
        product.price.minor,
        product.price.currency,
        product.tax_name.as_deref(),
        product.dispense_ml.is_some(),
        product.dispense_ml,
        db::json(&product.option_groups)?,
        now,
    );
    tx.query_opt(SQL, params, card)
}

/// Replaces a product that has not been archived and, where `expected` says so, still has that version. `None`: not so.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: ProductId,
    product: &CheckedProduct,
    expected: Option<i64>,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET category_id = $2, name = $3, description = $4, price = $5, currency = $6, tax_name = $7,
                            is_dispensable = $8, dispense_ml = $9, option_groups = $10, updated_at = $11,
                            version = version + 1
         WHERE product_id = $1 AND is_archived = 0
           AND (CAST($12 AS BIGINT) IS NULL OR version = CAST($12 AS BIGINT))
        RETURNING *";
    let params = (
        id,
        product.category_id,
        &product.name,
        &product.description,
        product.price.minor,
        product.price.currency,
        product.tax_name.as_deref(),
        product.dispense_ml.is_some(),
        product.dispense_ml,
        db::json(&product.option_groups)?,
        now,
        expected,
    );
    tx.query_opt(SQL, params, card)
}

/// Puts a product on sale or takes it off. `None`: it is archived, does not exist, or is so already.
pub(crate) fn set_available(
    tx: &mut Tx<'_>,
    id: ProductId,
    is_available: bool,
    now: Timestamp,
) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET is_available = $2, version = version + 1, updated_at = $3
         WHERE product_id = $1 AND is_archived = 0 AND is_available <> $2
        RETURNING *";
    tx.query_opt(SQL, (id, is_available, now), card)
}

/// Takes a product off the menu for good. `None`: it was archived before, or does not exist.
pub(crate) fn archive(tx: &mut Tx<'_>, id: ProductId, now: Timestamp) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "
        UPDATE products SET is_archived = 1, version = version + 1, updated_at = $2
         WHERE product_id = $1 AND is_archived = 0
        RETURNING *";
    tx.query_opt(SQL, (id, now), card)
}

/// One product, archived or not.
pub(crate) fn find(tx: &mut Tx<'_>, id: ProductId) -> DbResult<Option<ProductCard>> {
    const SQL: &str = "SELECT * FROM products WHERE product_id = $1";
    tx.query_opt(SQL, (id,), card)
}

/// The products of these ids that exist, archived or not. `ids` is bounded by its caller.
pub(crate) fn find_many(tx: &mut Tx<'_>, ids: &[ProductId]) -> DbResult<Vec<ProductCard>> {
    let (places, ids) = in_list(ids);
    let sql = format!("SELECT * FROM products WHERE product_id IN ({places}) ORDER BY product_id");
    tx.query(&sql, ids, card)
}

/// Which products a page shows. `None`: no matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those of this category.
    pub category_id: Option<CategoryId>,
    /// Those that are, or are not, on sale.
    pub is_available: Option<bool>,
    /// Those whose name or description matches this pattern of LIKE, which escapes with `!`.
    pub pattern: Option<String>,
    /// Those that were archived too.
    pub include_archived: bool,
}

/// A page in the menu's order, after the product `after`, of `limit` rows at most. Rows never leave the table, so a
/// product is a place to go on from even after it was archived.
pub(crate) fn page(
    tx: &mut Tx<'_>,
    filter: &Filter,
    after: Option<ProductId>,
    limit: u32,
) -> DbResult<Vec<ProductCard>> {
    const SQL: &str = "
        SELECT p.* FROM products p JOIN categories c ON c.category_id = p.category_id
         WHERE (p.is_archived = 0 OR CAST($1 AS BIGINT) = 1)
           AND (CAST($2 AS TEXT) IS NULL OR p.category_id = CAST($2 AS TEXT))
           AND (CAST($3 AS BIGINT) IS NULL OR p.is_available = CAST($3 AS BIGINT))
           AND (CAST($4 AS TEXT) IS NULL
                OR LOWER(p.name) LIKE LOWER(CAST($4 AS TEXT)) ESCAPE '!'
                OR LOWER(p.description) LIKE LOWER(CAST($4 AS TEXT)) ESCAPE '!')
           AND (CAST($5 AS TEXT) IS NULL OR (c.position, c.category_id, p.name, p.product_id) >
               (SELECT b.position, b.category_id, a.name, a.product_id
                  FROM products a JOIN categories b ON b.category_id = a.category_id
                 WHERE a.product_id = CAST($5 AS TEXT)))
         ORDER BY c.position, c.category_id, p.name, p.product_id
         LIMIT $6";
    let params =
        (filter.include_archived, filter.category_id, filter.is_available, filter.pattern.as_deref(), after, limit);
    tx.query(SQL, params, card)
}

/// Every product that is not archived, and whether it is on sale.
pub(crate) fn availability(tx: &mut Tx<'_>) -> DbResult<Vec<Availability>> {
    const SQL: &str = "
        SELECT product_id, is_available, version FROM products WHERE is_archived = 0 ORDER BY product_id LIMIT $1";
    tx.query(SQL, (MENU_PRODUCTS_MAX,), |row| {
        Ok(Availability {
            product_id: row.get("product_id")?,
            is_available: row.get("is_available")?,
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
pub(crate) fn names_in_category(tx: &mut Tx<'_>, id: CategoryId, limit: u32) -> DbResult<Vec<String>> {
    const SQL: &str = "
        SELECT name FROM products WHERE category_id = $1 AND is_archived = 0 ORDER BY name, product_id LIMIT $2";
    tx.query(SQL, (id, limit), |row| row.get("name"))
}

/// The currencies that products which are not archived have their prices in.
pub(crate) fn currencies(tx: &mut Tx<'_>) -> DbResult<Vec<Currency>> {
    const SQL: &str = "SELECT DISTINCT currency FROM products WHERE is_archived = 0 ORDER BY currency";
    tx.query(SQL, (), |row| row.get("currency"))
}

/// The taxes that products which are not archived name.
pub(crate) fn taxes(tx: &mut Tx<'_>) -> DbResult<Vec<String>> {
    const SQL: &str = "
        SELECT DISTINCT tax_name FROM products WHERE is_archived = 0 AND tax_name IS NOT NULL ORDER BY tax_name LIMIT $1";
    tx.query(SQL, (MENU_PRODUCTS_MAX,), |row| row.get("tax_name"))
}

/// The `limit` products of the menu after the id `after`: for a walk over all of them.
pub(crate) fn on_menu_after(tx: &mut Tx<'_>, after: Option<ProductId>, limit: u32) -> DbResult<Vec<ProductCard>> {
    const SQL: &str = "
        SELECT * FROM products
         WHERE is_archived = 0 AND (CAST($1 AS TEXT) IS NULL OR product_id > CAST($1 AS TEXT))
         ORDER BY product_id LIMIT $2";
    tx.query(SQL, (after, limit), card)
}
