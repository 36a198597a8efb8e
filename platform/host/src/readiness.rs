//! Whether a service can do its work: its database answers.

use db::{Db, DbError};
use web::Ready;

/// A service is ready when its database answers.
#[must_use]
pub fn ready(db: &Db) -> Ready {
    let db = db.clone();
    web::ready(move || {
        let db = db.clone();
        async move {
            let asked = db.read(|tx| tx.query_one("SELECT 1 AS one", (), |row| row.get::<i64>("one"))).await;
            asked.map(drop).map_err(|error: DbError| error.to_string())
        }
    })
}
