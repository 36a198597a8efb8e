//! `POST /api/Approval`.

use std::time::Duration;

use access::TokenSubject;
use contracts::staff::{ApprovalView, CreateApproval, Role};
use db::DbError;
use web::Caller;

use super::Staff;
use crate::{error::StaffError, store};

/// How long an approval is valid: the cashier confirms and the request is sent, also over a slow network.
const APPROVAL_LIFETIME: Duration = Duration::from_secs(2 * 60);
/// The longest id of a subject.
const SUBJECT_CHARS_MAX: usize = 64;

impl Staff {
    /// Approves one act of the person who is signed in with the PIN of a manager. The act itself is what the audit trail
    /// keeps, with who approved it.
    ///
    /// # Errors
    /// As at sign-in; `CannotApprove` if the PIN is right and the person is no manager.
    #[tracing::instrument(level = "debug", skip_all, fields(staff_id = %request.staff_id))]
    pub(crate) async fn create_approval(
        &self,
        caller: Caller,
        request: CreateApproval,
    ) -> Result<ApprovalView, StaffError> {
        let session_id = caller.session_id.ok_or(StaffError::NoSession)?;
        if !(1..=SUBJECT_CHARS_MAX).contains(&request.subject.chars().count()) {
            return Err(StaffError::InvalidSubject);
        }
        let manager = self.verify_pin(request.staff_id, request.pin, caller.actor()).await?;
        let manager_id = manager.staff_id;
        self.db.write::<_, DbError, _>(move |tx| store::staff::delete_attempts(tx, manager_id)).await?;
        if manager.role < Role::Manager {
            return Err(StaffError::CannotApprove { name: manager.name });
        }
        let approved_by = manager.to_ref();
        let (action, subject) = (request.action, request.subject);
        let approval = TokenSubject::Approval { session_id, action, subject, approved_by: approved_by.clone() };
        let (approval, expires_at) = self.tokens.issuer().issue(approval, self.clock.now(), APPROVAL_LIFETIME)?;
        Ok(ApprovalView { approval, approved_by, expires_at })
    }
}
