//! `PUT /api/Recipe/{productId}`.

use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::ProductId,
    inventory::{RecipeView, WriteRecipe},
    product::ProductCard,
    time::Timestamp,
};
use db::{DbResult, Tx, outbox};

use super::Inventory;
use crate::{error::InventoryError, model, store};

impl Inventory {
    /// Writes the whole recipe of a product. Orders that hold stock already keep what they hold.
    ///
    /// # Errors
    /// `Invalid`; `UnknownProduct`, `UnknownOption` and `UnknownRecipeItem` if it names what does not exist;
    /// `Product` if Product cannot be asked.
    #[tracing::instrument(level = "debug", skip_all, fields(%product_id))]
    pub(crate) async fn write_recipe(
        &self,
        actor: Actor,
        product_id: ProductId,
        recipe: WriteRecipe,
    ) -> Result<RecipeView, InventoryError> {
        model::check_recipe(&recipe).map_err(InventoryError::Invalid)?;
        let card = self.product_card(product_id).await?;
        if let Some(unknown) = model::unknown_option(&recipe, &card) {
            return Err(InventoryError::UnknownOption { option_id: unknown, product: card.name });
        }
        model::check_dispensed_part(&recipe, &card).map_err(InventoryError::Invalid)?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                let ids = model::items_of_recipe(&recipe);
                let existing = store::existing_items(tx, &ids)?;
                if let Some(unknown) = ids.into_iter().find(|id| !existing.contains(id)) {
                    return Err(InventoryError::UnknownRecipeItem(unknown));
                }
                let before = store::lock_recipe(tx, product_id)?;
                store::upsert_recipe(tx, product_id, &recipe, now)?;
                append_written(tx, &actor, &card, before.as_ref(), &recipe, now)?;
                let WriteRecipe { parts, options } = recipe.clone();
                Ok(RecipeView { product_id, parts, options, is_default: false })
            })
            .await
    }

    async fn product_card(&self, product_id: ProductId) -> Result<ProductCard, InventoryError> {
        let cards: Vec<ProductCard> = self.product.get(&format!("/internal/Product/cards?ids={product_id}")).await?;
        cards.into_iter().next().ok_or(InventoryError::UnknownProduct(product_id))
    }
}

/// The act for the audit trail. `before` is absent if nobody had written a recipe.
fn append_written(
    tx: &mut Tx<'_>,
    actor: &Actor,
    card: &ProductCard,
    before: Option<&WriteRecipe>,
    after: &WriteRecipe,
    now: Timestamp,
) -> DbResult<()> {
    let act = AuditEntry::new(actor.clone(), AuditArea::Stock, "recipe.written", card.product_id, &*card.name, now);
    let act = match before {
        Some(before) => act.with_change(before, after)?,
        None => act.with_after(after)?,
    };
    outbox::append_act(tx, act)
}
