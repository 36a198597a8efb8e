//! Approvals: a manager's approval is for one act. The inbox keeps which ones are used.

use contracts::{audit::Actor, ids::EventId, time::Timestamp};

use crate::{
    DbError, Tx,
    inbox::{self, Delivery},
};

/// The consumer under which the inbox keeps approvals. They end long before the inbox is pruned.
const CONSUMER: &str = "approval";

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// An act used it before.
    #[error("This approval was used already: each is for one act. Let a manager enter their PIN once more.")]
    Used,
    /// The database failed.
    #[error("the approval cannot be looked up or used")]
    Db(#[from] DbError),
}

/// Uses up the approval of `actor` in the transaction of the act. Without an approval it changes nothing. Call it inside
/// [`idempotency::once`](crate::idempotency::once): a repeated request gets its first response.
///
/// # Errors
/// [`ApprovalError::Used`] if another act used it.
pub fn use_up(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp) -> Result<(), ApprovalError> {
    let Some(approval_id) = actor.approval_id else { return Ok(()) };
    let delivery = Delivery { consumer: CONSUMER, event_id: EventId::from_uuid(approval_id.as_uuid()) };
    match inbox::once::<_, DbError>(tx, delivery, now, |_| Ok(()))? {
        Some(()) => Ok(()),
        None => Err(ApprovalError::Used),
    }
}
