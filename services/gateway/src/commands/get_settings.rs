//! `GET /api/Shop`.

use db::DbError;

use super::Settings;
use crate::{model::VersionedSettings, store};

impl Settings {
    /// The current settings.
    pub(crate) async fn get_settings(&self) -> Result<VersionedSettings, DbError> {
        self.db.read(store::get_settings).await
    }
}
