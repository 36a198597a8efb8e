//! Rows of `categories`.

use contracts::{ids::CategoryId, product::CategoryView, time::Timestamp};
use db::{DbResult, Row, Tx};

fn category_from_row(row: &Row<'_>) -> DbResult<CategoryView> {
    Ok(CategoryView {
        category_id: row.get("category_id")?,
        name: row.get("name")?,
        position: row.get("position")?,
        is_archived: row.get("is_archived")?,
        version: row.get("version")?,
    })
}

/// Inserts a category. `None`: the id is taken.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    id: CategoryId,
    name: &str,
    position: i64,
    now: Timestamp,
) -> DbResult<Option<CategoryView>> {
    const SQL: &str = "
        INSERT INTO categories (category_id, name, position, version, updated_at) VALUES ($1, $2, $3, 1, $4)
            ON CONFLICT (category_id) DO NOTHING
        RETURNING *";
    tx.query_opt(SQL, (id, name, position, now), category_from_row)
}

/// One category, archived or not.
pub(crate) fn find(tx: &mut Tx<'_>, id: CategoryId) -> DbResult<Option<CategoryView>> {
    const SQL: &str = "SELECT * FROM categories WHERE category_id = $1";
    tx.query_opt(SQL, (id,), category_from_row)
}

/// Up to `limit` categories in the menu's order, after the category `after`. Rows are never deleted, so a cursor stays
/// valid after its category was archived.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    include_archived: bool,
    after: Option<CategoryId>,
    limit: u32,
) -> DbResult<Vec<CategoryView>> {
    const SQL: &str = "
        SELECT * FROM categories
         WHERE (is_archived = 0 OR CAST($1 AS BIGINT) = 1)
           AND (CAST($2 AS TEXT) IS NULL OR (position, category_id) >
               (SELECT a.position, a.category_id FROM categories a WHERE a.category_id = CAST($2 AS TEXT)))
         ORDER BY position, category_id
         LIMIT $3";
    tx.query(SQL, (include_archived, after, limit), category_from_row)
}

/// Names and places a category that is not archived and, with `expected`, still has that version. `None`: it is
/// archived, has another version, or does not exist.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: CategoryId,
    name: &str,
    position: i64,
    expected: Option<i64>,
    now: Timestamp,
) -> DbResult<Option<CategoryView>> {
    const SQL: &str = "
        UPDATE categories SET name = $2, position = $3, version = version + 1, updated_at = $4
         WHERE category_id = $1 AND is_archived = 0
           AND (CAST($5 AS BIGINT) IS NULL OR version = CAST($5 AS BIGINT))
        RETURNING *";
    tx.query_opt(SQL, (id, name, position, now, expected), category_from_row)
}

/// Locks a category until the transaction ends, so that no product is added to it while it is archived. `None`: it is
/// archived, or does not exist.
pub(crate) fn lock(tx: &mut Tx<'_>, id: CategoryId) -> DbResult<Option<CategoryView>> {
    const SQL: &str = "
        UPDATE categories SET version = version WHERE category_id = $1 AND is_archived = 0
        RETURNING *";
    tx.query_opt(SQL, (id,), category_from_row)
}

/// Archives a category that [`lock`] locked.
pub(crate) fn archive(tx: &mut Tx<'_>, id: CategoryId, now: Timestamp) -> DbResult<()> {
    const SQL: &str = "
        UPDATE categories SET is_archived = 1, version = version + 1, updated_at = $2
         WHERE category_id = $1 AND is_archived = 0";
    tx.execute(SQL, (id, now)).map(drop)
}
