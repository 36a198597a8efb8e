//! What can go wrong with stock, and how each refusal looks.

use axum::http::StatusCode;
use contracts::{
    ids::{InventoryId, OrderId, ProductId},
    inventory::{InventoryView, OutOfStock, STOCK_QUANTITY_MAX, Shortage},
};
use db::{DbError, idempotency::IdempotencyError};
use web::Problem;

use crate::model;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    /// The request cannot be meant so; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// There is no such item of stock.
    #[error("no item of stock {0}")]
    NoItem(InventoryId),
    /// A recipe names an item that does not exist.
    #[error("a recipe names the unknown item {0}")]
    UnknownPart(InventoryId),
    /// The id that the client chose is another item's.
    #[error("the item {0} exists")]
    ItemExists(InventoryId),
    /// Someone else changed its settings in between.
    #[error("the settings of the item {id} are at version {actual}")]
    ChangedMeanwhile {
        /// Which item.
        id: InventoryId,
        /// The version that they have.
        actual: i64,
    },
    /// The product is counted as another item.
    #[error("the product {0} is another item's")]
    ProductCounted(ProductId),
    /// More was to leave the shelf than is there.
    #[error("{} of {} are there, fewer than {wanted}", .item.on_hand, .item.name)]
    TooLittle {
        /// The item as it is.
        item: Box<InventoryView>,
        /// How much was to leave.
        wanted: i64,
    },
    /// More was to come than a storeroom has room for.
    #[error("{} would have more than {STOCK_QUANTITY_MAX}", .0.name)]
    TooMuch(Box<InventoryView>),
    /// An order needs more than can be had.
    #[error("out of stock: {}", model::out_of_stock_detail(.0))]
    OutOfStock(Vec<Shortage>),
    /// The order's id belongs to an order that differs, or that has ended.
    #[error("the order id {0} is taken")]
    OrderIdTaken(OrderId),
    /// The idempotency key was used for something else.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Invalid(detail) => Self::invalid(detail),
            InventoryError::NoItem(id) => Self::not_found("item of stock", id),
            InventoryError::UnknownPart(id) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown-inventory-item",
                "Unknown item of stock",
                format!("There is no item of stock {id}. Create it first, or leave it out of the recipe."),
            ),
            InventoryError::ItemExists(id) => Self::conflict(
                "inventory-id-taken",
                "Item exists",
                format!("There is an item of stock {id} already. Change it with PUT, or leave the id out."),
            ),
            InventoryError::ChangedMeanwhile { id, actual } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "version-differs",
                "The item was changed in between",
                format!(
                    "The item of stock {id} is at version {actual} of its settings now. Read it again with GET \
                     /api/Inventory/{id} and make the change on what it is now."
                ),
            ),
            InventoryError::ProductCounted(id) => Self::conflict(
                "product-counted-elsewhere",
                "Product is counted elsewhere",
                format!("The product {id} is counted as another item already. Use that item, or free it first."),
            ),
            InventoryError::TooLittle { item, wanted } => Self::conflict(
                "too-little-stock",
                "Too little stock",
                format!(
                    "{name}: {on_hand} {unit} are there, fewer than {wanted}. Take at most that, or write down a COUNT.",
                    name = item.name,
                    on_hand = item.on_hand,
                    unit = item.unit,
                ),
            )
            .with_context(&item),
            InventoryError::TooMuch(item) => Self::conflict(
                "too-much-stock",
                "Too much stock",
                format!(
                    "{name}: {on_hand} {unit} are there, and at most {STOCK_QUANTITY_MAX} can be. Give a smaller quantity.",
                    name = item.name,
                    on_hand = item.on_hand,
                    unit = item.unit,
                ),
            )
            .with_context(&item),
            InventoryError::OutOfStock(shortages) => {
                let detail = model::out_of_stock_detail(&shortages);
                Self::conflict("out-of-stock", "Out of stock", detail).with_context(&OutOfStock { shortages })
            }
            InventoryError::OrderIdTaken(id) => Self::conflict(
                "order-id-taken",
                "Order id is taken",
                format!("The order id {id} is another order's, or this one has ended. Send the order with a new id."),
            ),
            InventoryError::Idempotency(error) => error.into(),
            InventoryError::Db(error) => error.into(),
        }
    }
}
