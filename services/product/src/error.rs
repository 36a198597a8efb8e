//! What can go wrong with the menu, and the problem that it becomes.

use axum::http::StatusCode;
use contracts::ids::{CategoryId, ProductId};
use db::{DbError, idempotency::IdempotencyError};
use web::Problem;

use crate::model::InvalidMenu;

/// Why a command was refused or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProductError {
    /// No product has this id.
    #[error("there is no product {0}")]
    UnknownProduct(ProductId),
    /// No category has this id.
    #[error("there is no category {0}")]
    UnknownCategory(CategoryId),
    /// What was sent cannot be on the menu.
    #[error(transparent)]
    Invalid(#[from] InvalidMenu),
    /// The id belongs to another product.
    #[error(
        "The product {0} exists already. Leave productId out to add another one, or change this one with PUT \
         /api/Product/{0}."
    )]
    ProductExists(ProductId),
    /// The id belongs to another category.
    #[error(
        "The category {0} exists already. Leave categoryId out to add another one, or change this one with PUT \
         /api/Category/{0}."
    )]
    CategoryExists(CategoryId),
    /// The product is archived.
    #[error("{name} was archived and cannot be changed. Add a new one with POST /api/Product.")]
    ProductArchived {
        /// What the menu called it.
        name: String,
    },
    /// The category is archived.
    #[error("The category {name} was archived and cannot be changed. Add a new one with POST /api/Category.")]
    CategoryArchived {
        /// What the menu called it.
        name: String,
    },
    /// The category still has products.
    #[error(
        "The category {name} still has {products}. Move each to another category or delete it, then delete the category."
    )]
    CategoryInUse {
        /// What the menu calls it.
        name: String,
        /// The first few products, as a person lists them.
        products: String,
    },
    /// Someone else changed it in between.
    #[error(
        "The {what} is at version {actual} now: someone changed it in between. Read it again with GET {path} and make the \
         change on what it is now."
    )]
    VersionMismatch {
        /// A product or a category.
        what: &'static str,
        /// The path to read it at.
        path: String,
        /// The version that it has.
        actual: i64,
    },
    /// More products than a menu can hold.
    #[error(
        "The menu has {0} products, as many as it can hold. Delete one that is not sold any more, then add this one."
    )]
    MenuFull(i64),
    /// The Idempotency-Key was used before, or its row could not be read.
    #[error("the idempotency key cannot be used")]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error("Product's database failed")]
    Db(#[from] DbError),
}

impl From<ProductError> for Problem {
    fn from(error: ProductError) -> Self {
        let detail = error.to_string();
        match error {
            ProductError::UnknownProduct(id) => Self::not_found("product", id),
            ProductError::UnknownCategory(id) => Self::not_found("category", id),
            ProductError::Invalid(_) => Self::invalid(detail),
            ProductError::ProductExists(_) => Self::conflict("product-exists", "This product exists already", detail),
            ProductError::CategoryExists(_) => {
                Self::conflict("category-exists", "This category exists already", detail)
            }
            ProductError::ProductArchived { .. } => {
                Self::conflict("product-archived", "This product is archived", detail)
            }
            ProductError::CategoryArchived { .. } => {
                Self::conflict("category-archived", "This category is archived", detail)
            }
            ProductError::CategoryInUse { .. } => {
                Self::conflict("category-in-use", "This category still has products", detail)
            }
            ProductError::VersionMismatch { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version-mismatch", "It was changed in between", detail)
            }
            ProductError::MenuFull(_) => Self::conflict("menu-full", "The menu is full", detail),
            ProductError::Idempotency(error) => error.into(),
            ProductError::Db(error) => error.into(),
        }
    }
}
