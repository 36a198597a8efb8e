//! `POST /api/Approval`.

use std::time::Duration;

use access::TokenSubject;
use contracts::{
    audit::{Actor, AuditArea, AuditEntry},
    ids::ApprovalId,
    staff::{ApprovalView, CreateApproval, Role},
};
use db::{DbError, outbox};
use web::Caller;

use super::{
    Staff,
    staff::{act, take_attempts},
};
use crate::error::StaffError;

/// How long an approval is valid: the cashier confirms and the request is sent, also over a slow network.
const APPROVAL_LIFETIME: Duration = Duration::from_secs(2 * 60);
/// The longest id of a subject.
const SUBJECT_CHARS_MAX: usize = 64;

impl Staff {
    /// Approves one act of the person who is signed in with the PIN of a manager. The audit trail keeps the approval, and
    /// the act itself with who approved it.
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
        let (now, may_approve) = (self.clock.now(), manager.role >= Role::Manager);
        let (approval_id, approved_by) = (ApprovalId::new(now), manager.to_ref());
        let CreateApproval { action, subject, .. } = request;
        let act = if may_approve {
            let approval_id = Some(approval_id);
            let actor = Actor { approved_by: Some(approved_by.clone()), approval_id, ..caller.actor() };
            AuditEntry::new(actor, AuditArea::Person, "approval.given", &subject, <&str>::from(action), now)
        } else {
            act(&caller.actor(), "approval.refused", &manager, now)
        };
        self.db
            .write::<_, DbError, _>(move |tx| {
                let (_, act) = take_attempts(tx, manager.staff_id, act.clone())?;
                outbox::append_act(tx, act)
            })
            .await?;
        if !may_approve {
            return Err(StaffError::CannotApprove { name: approved_by.name });
        }
        let approved =
            TokenSubject::Approval { approval_id, session_id, action, subject, approved_by: approved_by.clone() };
        let (approval, expires_at) = self.tokens.issuer().issue(approved, now, APPROVAL_LIFETIME)?;
        Ok(ApprovalView { approval, approved_by, expires_at })
    }
}
