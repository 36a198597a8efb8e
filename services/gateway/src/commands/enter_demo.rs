//! `POST /demo/{door}`: into the demo shop without a PIN and without a pairing code.

use std::sync::Arc;

use access::PairedDevice;
use contracts::{
    audit::Actor,
    device::{CreatePairingCode, DeviceKind, DeviceView, PairDevice, RenewedToken, WriteDevice},
    staff::{Role, SignedIn},
    time::Timestamp,
};
use tokio::sync::Mutex;

use super::{
    DEVICE_TOKEN_LIFETIME, Devices, Staff,
    sign_in::{SignInPlace, begin_session},
};
use crate::{
    error::{DeviceError, StaffError},
    model::{Door, GuessSource},
    store,
};

/// The doors of the demo shop. Only the program that opened the gateway has them, and mounts them in a demo shop.
#[derive(Clone)]
pub struct DemoDoors {
    staff: Staff,
    devices: Devices,
    /// One enters after the other, so that each device is paired once.
    entering: Arc<Mutex<()>>,
}

/// Nobody came in.
#[derive(Debug, thiserror::Error)]
pub enum DemoDoorError {
    /// Nobody of this role works here any more.
    #[error("no {0} works here: add one, or start with a new folder")]
    Nobody(Role),
    /// The session cannot begin.
    #[error("the session cannot begin")]
    SignIn(#[source] errors::BoxError),
    /// The device cannot be paired.
    #[error("the device cannot be paired")]
    Device(#[source] errors::BoxError),
}

/// Who came in.
pub(crate) struct Entered {
    /// The credential of the device.
    pub(crate) device: Option<RenewedToken>,
    /// The session of the person.
    pub(crate) session: Option<SignedIn>,
}

impl DemoDoors {
    pub(crate) fn new(staff: Staff, devices: Devices) -> Self {
        Self { staff, devices, entering: Arc::default() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.staff.now()
    }

    /// Signs the first person of this role in, on no device.
    ///
    /// # Errors
    /// [`DemoDoorError`].
    pub async fn sign_in(&self, role: Role) -> Result<SignedIn, DemoDoorError> {
        self.begin_session(role, None).await
    }

    /// Goes through a door: as the device behind it, as a person, or as both.
    pub(crate) async fn enter(&self, door: Door) -> Result<Entered, DemoDoorError> {
        let _entering = self.entering.lock().await;
        match door {
            Door::Owner => Ok(Entered { device: None, session: Some(self.begin_session(Role::Owner, None).await?) }),
            Door::Pos => {
                let (device, token) = self.device("POS 1", DeviceKind::Pos).await?;
                let session = self.begin_session(Role::Cashier, Some(device)).await?;
                Ok(Entered { device: Some(token), session: Some(session) })
            }
            Door::Kiosk => self.device_alone("Kiosk 1", DeviceKind::Kiosk).await,
            Door::Dispenser => self.device_alone("Dispenser 1", DeviceKind::Dispenser).await,
        }
    }

    async fn device_alone(&self, name: &str, kind: DeviceKind) -> Result<Entered, DemoDoorError> {
        Ok(Entered { device: Some(self.device(name, kind).await?.1), session: None })
    }

    /// The device of this name, which is paired if there is none, and its credential.
    async fn device(&self, name: &str, kind: DeviceKind) -> Result<(PairedDevice, RenewedToken), DemoDoorError> {
        self.paired(name, kind).await.map_err(|error| DemoDoorError::Device(error.into()))
    }

    async fn paired(&self, name: &str, kind: DeviceKind) -> Result<(PairedDevice, RenewedToken), DeviceError> {
        let is_it = |device: &DeviceView| device.kind == kind && device.name == name && device.revoked_at.is_none();
        let view = match self.devices.list_devices().await?.into_iter().find(is_it) {
            Some(view) => view,
            None => self.pair(name, kind).await?,
        };
        // Not with the pairing alone: a crash may come between, and the owner may pair it again.
        let view = if view.kind == DeviceKind::Dispenser { self.allow_bearer(view).await? } else { view };
        let device = self.devices.access.device(view.device_id).ok_or(DeviceError::Unknown(view.device_id))?;
        let token = match &device.signing_key {
            Some(key) => RenewedToken {
                token: format!("{}.{}", device.device_id, key.to_text()),
                expires_at: self.now() + DEVICE_TOKEN_LIFETIME,
            },
            None => self.devices.renew_token(&device)?,
        };
        Ok(((*device).clone(), token))
    }

    /// Pairs a device as its owner does.
    async fn pair(&self, name: &str, kind: DeviceKind) -> Result<DeviceView, DeviceError> {
        let request = CreatePairingCode { kind, name: name.to_owned(), place: None };
        let code = self.devices.create_pairing_code(Actor::default(), request, "").await?.code;
        let request = PairDevice { code, name: None, place: None };
        Ok(self.devices.pair_device(request, None, GuessSource::Machine).await?.device)
    }

    /// The dispenser may send its key itself, so that the API's browser can be one.
    async fn allow_bearer(&self, dispenser: DeviceView) -> Result<DeviceView, DeviceError> {
        if dispenser.is_bearer_allowed {
            return Ok(dispenser);
        }
        let DeviceView { device_id, name, place, products, ml_per_second, version, .. } = dispenser;
        let write = WriteDevice { name, place, products, ml_per_second, is_bearer_allowed: true };
        self.devices.replace_device(Actor::default(), device_id, write, Some(version)).await
    }

    async fn begin_session(&self, role: Role, device: Option<PairedDevice>) -> Result<SignedIn, DemoDoorError> {
        let (now, issuer) = (self.now(), self.staff.tokens.issuer());
        let begun = self.staff.db.write::<_, StaffError, _>(move |tx| {
            store::staff::lock_staff(tx)?;
            let Some(person) = store::staff::find_first_of_role(tx, role)? else { return Ok(None) };
            let place = SignInPlace { tablet: device.as_ref(), earlier: None };
            begin_session(tx, &issuer, &person, &place, now).map(Some)
        });
        let begun = begun.await.map_err(|error| DemoDoorError::SignIn(error.into()))?;
        let (signed_in, ended) = begun.ok_or(DemoDoorError::Nobody(role))?;
        self.staff.refuse_sessions(&ended);
        Ok(signed_in)
    }
}

impl std::fmt::Debug for DemoDoors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoDoors").finish_non_exhaustive()
    }
}
