//! StockShort: an order that was accepted without a reservation has too little stock.

use contracts::event::StockShort;
use db::{
    DbError, Tx,
    inbox::{self, Delivery},
};

use super::{Orders, append_order_changed};
use crate::store;

impl Orders {
    /// Marks an order SHORT, unless it was revived since with other stock. `GET /api/Order?stock=SHORT` lists them.
    ///
    /// # Errors
    /// [`DbError`]: the event comes again.
    #[tracing::instrument(name = "mark_stock_short", level = "debug", skip_all, fields(order_id = %short.order_id))]
    pub(crate) async fn mark_stock_short(&self, delivery: Delivery, short: StockShort) -> Result<(), DbError> {
        let now = self.clock.now();
        let mark = move |tx: &mut Tx<'_>| {
            inbox::once(tx, delivery, now, |tx| {
                let marked = store::mark_stock_short(tx, short.order_id, short.order_version, now)?;
                marked.map(|order| append_order_changed(tx, order)).transpose()
            })
        };
        self.db.write_deferred::<_, DbError, _>(mark).await.map(drop)
    }
}
