//! `DELETE /api/Session`.

use contracts::ids::SessionId;
use db::DbError;

use super::{Staff, staff::append_sessions_ended};
use crate::store;

impl Staff {
    /// Ends a session. A session that has ended stays so.
    pub(crate) async fn sign_out(&self, session_id: SessionId) -> Result<(), DbError> {
        let now = self.clock.now();
        let ended = self.db.write::<_, DbError, _>(move |tx| {
            let ended = store::sessions::end_session(tx, session_id, now)?;
            append_sessions_ended(tx, ended.as_slice(), now)?;
            Ok(ended)
        });
        self.refuse_sessions(ended.await?.as_slice());
        Ok(())
    }
}
