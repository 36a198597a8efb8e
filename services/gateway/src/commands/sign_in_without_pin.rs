//! The doors of a demo shop: signed in without a PIN. No route of the gateway leads here.

use access::PairedDevice;
use contracts::staff::{Role, SignedIn};

use super::{
    Staff,
    sign_in::{SignInPlace, begin_session},
};
use crate::{error::StaffError, store};

/// Nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Nobody of this role works here.
    #[error("no {0} works here")]
    Nobody(Role),
    /// The session cannot be stored or its token signed.
    #[error("the session cannot begin")]
    Failed(#[source] errors::BoxError),
}

impl Staff {
    /// Signs the first person of this role in, on `device` if there is one. Who was signed in there is signed out.
    pub(crate) async fn sign_in_without_pin(
        &self,
        role: Role,
        device: Option<PairedDevice>,
    ) -> Result<SignedIn, SignInError> {
        let (now, issuer) = (self.clock.now(), self.tokens.issuer());
        let signed_in = self.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            let Some(staff) = store::staff::find_first_of_role(tx, role)? else { return Ok(None) };
            let place = SignInPlace { tablet: device.as_ref(), earlier: None };
            begin_session(tx, &issuer, &staff, &place, now).map(Some)
        });
        let signed_in = signed_in.await.map_err(|error| SignInError::Failed(error.into()))?;
        let (signed_in, ended) = signed_in.ok_or(SignInError::Nobody(role))?;
        self.refuse_sessions(&ended);
        Ok(signed_in)
    }
}
