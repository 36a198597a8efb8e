//! A timer: what this process missed of credentials is read again from the database.

use access::Access;

use super::{Devices, Tokens, tokens::TokenKeyError};

/// What is reloaded.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access: Access,
    pub(crate) tokens: Tokens,
    pub(crate) devices: Devices,
}

impl Credentials {
    /// Reads keys, ended sessions and devices again if events of them were missed. Refuses keys that
    /// `fnb credentials reset` revoked, which no event says.
    pub(crate) async fn reload(&self) -> Result<(), TokenKeyError> {
        self.tokens.refuse_revoked_keys().await?;
        if !self.access.take_reload_request() {
            return Ok(());
        }
        let loaded = self.load().await;
        match &loaded {
            Ok(()) => tracing::info!("credentials were read again, because changes of them were skipped"),
            Err(_) => self.access.request_reload(),
        }
        loaded
    }

    async fn load(&self) -> Result<(), TokenKeyError> {
        self.tokens.load().await?;
        Ok(self.devices.load_devices().await?)
    }
}
