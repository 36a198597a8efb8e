//! `DELETE /api/Category/{categoryId}`.

use contracts::{audit::Actor, ids::CategoryId, product::CategoryView};
use db::Tx;

use super::{Products, append_category_act};
use crate::{
    error::ProductError,
    model::{NAMES_LISTED_MAX, join_names},
    store,
};

impl Products {
    /// Takes an empty category off the menu for good. Archiving it again changes nothing.
    ///
    /// # Errors
    /// `UnknownCategory`, or `CategoryInUse` with the products that are still in it.
    #[tracing::instrument(level = "debug", skip_all, fields(category_id = %id))]
    pub(crate) async fn archive_category(&self, actor: Actor, id: CategoryId) -> Result<(), ProductError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let Some(category) = store::categories::lock(tx, id)? else {
                    store::categories::find(tx, id)?.ok_or(ProductError::UnknownCategory(id))?;
                    return Ok(());
                };
                refuse_in_use(tx, &category)?;
                store::categories::archive(tx, id, now)?;
                let archived = CategoryView { is_archived: true, ..category.clone() };
                append_category_act(tx, &actor, "category.archived", (&category, &archived), now)?;
                Ok(())
            })
            .await
    }
}

fn refuse_in_use(tx: &mut Tx<'_>, category: &CategoryView) -> Result<(), ProductError> {
    let total = store::products::count_in_category(tx, category.category_id)?;
    if total == 0 {
        return Ok(());
    }
    let names_max = u32::try_from(NAMES_LISTED_MAX).unwrap_or(u32::MAX);
    let names = store::products::list_names_in_category(tx, category.category_id, names_max)?;
    let products = join_names(&names, usize::try_from(total).unwrap_or(usize::MAX));
    Err(ProductError::CategoryInUse { name: category.name.clone(), products })
}
