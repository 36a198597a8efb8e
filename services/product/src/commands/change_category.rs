//! Categories come to the menu, change and leave it.

use contracts::{
    ids::CategoryId,
    product::{CategoryView, WriteCategory},
};
use db::{
    Tx,
    idempotency::{self, IdempotencyKey},
};

use super::Products;
use crate::{
    error::ProductError,
    model::{InvalidMenu, NAMES_LISTED_MAX, check_name, listed},
    store,
};

impl Products {
    /// Adds a category. The same request again is answered as the first time.
    ///
    /// # Errors
    /// Where its name cannot be on a menu, or its id is another's.
    pub(crate) async fn create_category(
        &self,
        key: Option<IdempotencyKey>,
        write: WriteCategory,
    ) -> Result<CategoryView, ProductError> {
        let now = self.clock.now();
        let name = check_name("name", &write.name)?;
        let id = write.category_id.unwrap_or_else(|| CategoryId::new(now));
        self.db
            .write(move |tx| {
                if let Some(earlier) = idempotency::find_response(tx, key.as_ref())? {
                    return Ok(earlier);
                }
                let category = store::categories::insert(tx, id, &name, write.position, now)?;
                let category = category.ok_or(ProductError::CategoryExists(id))?;
                idempotency::save_response(tx, key.as_ref(), &category, now)?;
                Ok(category)
            })
            .await
    }

    /// Names and places a category. With `expected`, only if that is still its version.
    ///
    /// # Errors
    /// Where its name cannot be on a menu, or it does not exist, has left the menu or has another version by now.
    pub(crate) async fn replace_category(
        &self,
        id: CategoryId,
        expected: Option<i64>,
        write: WriteCategory,
    ) -> Result<CategoryView, ProductError> {
        if write.category_id.is_some_and(|written| written != id) {
            return Err(InvalidMenu::CategoryIdDiffers.into());
        }
        let now = self.clock.now();
        let name = check_name("name", &write.name)?;
        self.db
            .write(move |tx| match store::categories::update(tx, id, &name, write.position, expected, now)? {
                Some(category) => Ok(category),
                None => {
                    let found = store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))?;
                    if found.is_archived {
                        return Err(ProductError::CategoryArchived { name: found.name });
                    }
                    Err(ProductError::version_differs("category", format!("/api/Category/{id}"), found.version))
                }
            })
            .await
    }

    /// Takes a category off the menu for good, once nothing stands in it. Doing it twice changes nothing.
    ///
    /// # Errors
    /// Where it does not exist, or which products are still in it.
    pub(crate) async fn archive_category(&self, id: CategoryId) -> Result<(), ProductError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let Some(category) = store::categories::hold(tx, id)? else {
                    store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))?;
                    return Ok(());
                };
                refuse_in_use(tx, category)?;
                store::categories::archive(tx, id, now)?;
                Ok(())
            })
            .await
    }
}

fn refuse_in_use(tx: &mut Tx<'_>, category: CategoryView) -> Result<(), ProductError> {
    let total = store::products::count_in_category(tx, category.category_id)?;
    if total == 0 {
        return Ok(());
    }
    let names_max = u32::try_from(NAMES_LISTED_MAX).unwrap_or(u32::MAX);
    let names = store::products::names_in_category(tx, category.category_id, names_max)?;
    let products = listed(&names, usize::try_from(total).unwrap_or(usize::MAX));
    Err(ProductError::CategoryInUse { name: category.name, products })
}
