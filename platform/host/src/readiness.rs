//! Readiness: whether a service can do its work.

use db::{Db, DbError};
use web::Ready;

/// A service is ready if its database answers, and commits what is written to it.
#[must_use]
pub fn ready(db: &Db) -> Ready {
    let db = db.clone();
    web::ready(move || {
        let db = db.clone();
        async move {
            let one = |tx: &mut db::Tx<'_>| tx.query_one("SELECT 1 AS one", (), |row| row.get::<i64>("one"));
            db.read(one).await.map_err(|error: DbError| errors::chain(&error).to_string())?;
            db.check_writable().await.map_err(|error| errors::chain(&error).to_string())
        }
    })
}
