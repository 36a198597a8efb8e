//! `POST /api/Device/current/token`.

use access::{PairedDevice, TokenSubject};
use contracts::device::{DeviceKind, RenewedToken};

use super::{Devices, devices::DEVICE_TOKEN_LIFETIME};
use crate::error::DeviceError;

impl Devices {
    /// Another token of a tablet, for another half year. The one before is valid until its own end.
    ///
    /// # Errors
    /// [`DeviceError::NotATablet`].
    pub(crate) fn renew_token(&self, device: &PairedDevice) -> Result<RenewedToken, DeviceError> {
        if device.kind == DeviceKind::Dispenser {
            return Err(DeviceError::NotATablet);
        }
        let subject = TokenSubject::Device { device_id: device.device_id };
        let (token, expires_at) = self.tokens.issuer().issue(subject, self.clock.now(), DEVICE_TOKEN_LIFETIME)?;
        Ok(RenewedToken { token, expires_at })
    }
}
