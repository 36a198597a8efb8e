//! `POST /api/Session`.

use std::time::Duration;

use access::{PairedDevice, TokenIssuer, TokenSubject};
use contracts::{
    audit::Actor,
    device::DeviceKind,
    event::SessionEnded,
    ids::SessionId,
    staff::{Role, SessionView, SignIn, SignedIn},
    time::Timestamp,
};
use db::{Tx, outbox};
use web::Caller;

use super::{
    Staff,
    staff::{act, append_sessions_ended, take_attempts},
};
use crate::{
    error::StaffError,
    store::{self, staff::StaffRow},
};

/// How long a person stays signed in at most: a long shift.
pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The place that a person signs in at, and the session that ends there.
pub(super) struct SignInPlace<'a> {
    /// The paired tablet. `None`: a browser that is not paired.
    pub(super) tablet: Option<&'a PairedDevice>,
    /// The session that the same browser has until now.
    pub(super) earlier: Option<SessionId>,
}

impl Staff {
    /// Signs a person in with their PIN. Who was signed in on the same tablet is signed out. `is_here`: the request comes
    /// from this machine, which needs no pairing.
    ///
    /// # Errors
    /// `PairFirst`; `WrongPin`, also for an unknown person; `Locked` after too many wrong ones; `NotAtKiosk`;
    /// `PinQueueFull`.
    #[tracing::instrument(level = "debug", skip_all, fields(staff_id = %request.staff_id))]
    pub(crate) async fn sign_in(&self, caller: Caller, is_here: bool, request: SignIn) -> Result<SignedIn, StaffError> {
        let tablet = caller.device.clone().filter(|device| device.kind != DeviceKind::Dispenser);
        if tablet.is_none() && !is_here {
            return Err(StaffError::PairFirst);
        }
        let staff = self.verify_pin(request.staff_id, request.pin, caller.actor()).await?;
        let (now, issuer) = (self.clock.now(), self.tokens.issuer());
        let may_sign_in = tablet.as_ref().is_none_or(|tablet| may_sign_in(staff.role, tablet.kind));
        let signed_in = self.db.write(move |tx| {
            store::staff::lock_staff(tx)?;
            let actor = Actor { staff: Some(staff.to_ref()), ..caller.actor() };
            let action = if may_sign_in { "staff.signed_in" } else { "staff.sign_in_refused" };
            let (failed_attempts, act) = take_attempts(tx, staff.staff_id, act(&actor, action, &staff, now))?;
            if failed_attempts > 0 {
                outbox::append_act(tx, act)?;
            }
            if !may_sign_in {
                // Not an error yet: that the PIN was right is written.
                return Ok(None);
            }
            let place = SignInPlace { tablet: tablet.as_deref(), earlier: caller.session_id };
            begin_session(tx, &issuer, &staff, &place, now).map(Some)
        });
        let (signed_in, ended) = signed_in.await?.ok_or(StaffError::NotAtKiosk)?;
        self.refuse_sessions(&ended);
        Ok(signed_in)
    }
}

/// Whether people of this role sign in on this kind of tablet: at a kiosk, among guests, only whoever looks after it.
pub(super) fn may_sign_in(role: Role, tablet: DeviceKind) -> bool {
    tablet != DeviceKind::Kiosk || role >= Role::Manager
}

/// Begins a session of `staff`, unless their PIN was changed since it was verified, and ends the earlier ones of the place.
pub(super) fn begin_session(
    tx: &mut Tx<'_>,
    issuer: &TokenIssuer,
    staff: &StaffRow,
    place: &SignInPlace<'_>,
    now: Timestamp,
) -> Result<(SignedIn, Vec<SessionEnded>), StaffError> {
    let (device_id, name) = place.tablet.map(|tablet| (tablet.device_id, tablet.name.as_str())).unzip();
    let staff =
        store::staff::note_sign_in(tx, staff.staff_id, &staff.pin_hash, name, now)?.ok_or(StaffError::WrongPin)?;
    let mut ended = match device_id {
        Some(device_id) => store::sessions::end_sessions_on(tx, device_id, now)?,
        None => Vec::new(),
    };
    if let Some(earlier) = place.earlier {
        ended.extend(store::sessions::end_session(tx, earlier, now)?);
    }
    append_sessions_ended(tx, &ended, now)?;

    let session_id = SessionId::new(now);
    let subject = TokenSubject::Session { session_id, staff: staff.to_ref(), device_id };
    let (token, expires_at) = issuer.issue(subject, now, SESSION_LIFETIME)?;
    store::sessions::insert_session(tx, session_id, staff.staff_id, device_id, now, expires_at)?;
    let session = SessionView { staff: staff.to_ref(), device_id, expires_at };
    Ok((SignedIn { session, token }, ended))
}
