//! What can go wrong with stock, and the problem that it becomes.

use axum::http::StatusCode;
use contracts::{
    ids::{InventoryId, OptionId, OrderId, ProductId},
    inventory::{InventoryView, OutOfStock, STOCK_QUANTITY_MAX, Shortage},
};
use db::{DbError, approvals::ApprovalError, idempotency::IdempotencyError};
use web::{CallError, Problem};

use crate::model;

/// Why a command was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    /// The request is not valid; the text names what to change.
    #[error("{0}")]
    Invalid(String),
    /// There is no such item of stock.
    #[error("no item of stock {0}")]
    UnknownItem(InventoryId),
    /// A recipe is written for a product that does not exist.
    #[error("no product {0}")]
    UnknownProduct(ProductId),
    /// A recipe names an option that its product does not have.
    #[error("{product} has no option {option_id}")]
    UnknownOption {
        /// Which option.
        option_id: OptionId,
        /// The name of the product.
        product: String,
    },
    /// A recipe names an item that does not exist.
    #[error("a recipe names the unknown item {0}")]
    UnknownRecipeItem(InventoryId),
    /// The id that the client chose belongs to another item.
    #[error("the item {0} exists")]
    ItemExists(InventoryId),
    /// Someone else changed the settings of the item in between.
    #[error("the settings of the item {id} are at version {actual}")]
    VersionMismatch {
        /// Which item.
        id: InventoryId,
        /// The version that they have.
        actual: i64,
    },
    /// The product is counted as another item.
    #[error("the product {0} is counted as another item")]
    ProductAlreadyCounted(ProductId),
    /// More was to leave the shelf than is on hand.
    #[error("{} of {} are on hand, fewer than {wanted}", .item.on_hand, .item.name)]
    InsufficientStock {
        /// The item as it is.
        item: Box<InventoryView>,
        /// How much was to leave.
        wanted: i64,
    },
    /// More would be on hand than is allowed.
    #[error("{} would have more than {STOCK_QUANTITY_MAX}", .0.name)]
    StockLimitExceeded(Box<InventoryView>),
    /// An order needs more than is available.
    #[error("out of stock: {}", model::out_of_stock_detail(.0))]
    OutOfStock(Vec<Shortage>),
    /// The order's id belongs to an order that differs, or that has ended.
    #[error("the order id {0} is taken")]
    OrderIdTaken(OrderId),
    /// Product could not be asked.
    #[error("Product could not be asked")]
    Product(#[from] CallError),
    /// A manager's approval does not count.
    #[error("the approval cannot be used")]
    Approval(#[from] ApprovalError),
    /// The idempotency key was used for something else, or its row could not be read.
    #[error("the idempotency key cannot be used")]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error("Inventory's database failed")]
    Db(#[from] DbError),
}

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Invalid(detail) => Self::invalid(detail),
            InventoryError::UnknownItem(id) => Self::not_found("item of stock", id),
            InventoryError::UnknownProduct(id) => Self::not_found("product", id),
            InventoryError::UnknownOption { option_id, product } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown-option",
                "Unknown option",
                format!(
                    "{product} has no option {option_id}. Take the ids from GET /api/Product/{{productId}}, or leave the \
                     option out of the recipe."
                ),
            ),
            InventoryError::UnknownRecipeItem(id) => Self::new(
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
            InventoryError::VersionMismatch { id, actual } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "version-mismatch",
                "The item was changed in between",
                format!(
                    "The item of stock {id} is at version {actual} of its settings now. Read it again with GET \
                     /api/Inventory/{id} and make the change on what it is now."
                ),
            ),
            InventoryError::ProductAlreadyCounted(id) => Self::conflict(
                "product-counted-elsewhere",
                "Product is counted elsewhere",
                format!("The product {id} is counted as another item already. Use that item, or free it first."),
            ),
            InventoryError::InsufficientStock { item, wanted } => Self::conflict(
                "insufficient-stock",
                "Insufficient stock",
                format!(
                    "{name}: {on_hand} {unit} are on hand, fewer than {wanted}. Take at most that, or send a COUNT.",
                    name = item.name,
                    on_hand = item.on_hand,
                    unit = item.unit,
                ),
            )
            .with_context(&item),
            InventoryError::StockLimitExceeded(item) => Self::conflict(
                "stock-limit-exceeded",
                "Stock limit exceeded",
                format!(
                    "{name}: {on_hand} {unit} are on hand, and at most {STOCK_QUANTITY_MAX} can be. Send a smaller quantity.",
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
                format!("The order id {id} belongs to another order, or this order has ended. Send the order with a new id."),
            ),
            InventoryError::Product(error) => error.into(),
            InventoryError::Approval(error) => error.into(),
            InventoryError::Idempotency(error) => error.into(),
            InventoryError::Db(error) => error.into(),
        }
    }
}
