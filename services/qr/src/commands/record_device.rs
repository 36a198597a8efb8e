//! DeviceChanged: what a dispenser pours, and how fast.

use contracts::device::DeviceView;
use db::{
    Tx,
    inbox::{self, Delivery},
};

use super::Codes;
use crate::{error::QrError, model::Machine, store};

impl Codes {
    /// The dispenser is as the gateway says, unless a newer state is known. Tablets have no codes.
    pub(crate) async fn record_device(&self, delivery: Delivery, view: DeviceView) -> Result<(), QrError> {
        let Some(machine) = Machine::of_view(view) else { return Ok(()) };
        let now = self.clock.now();
        let record = move |tx: &mut Tx<'_>| {
            inbox::once(tx, delivery, now, |tx| Ok::<_, QrError>(store::put_device(tx, &machine)?)).map(drop)
        };
        self.db.write_deferred(record).await
    }
}
