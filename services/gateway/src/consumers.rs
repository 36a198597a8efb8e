//! The events of `gateway_events`: acts for the audit trail. The handler calls one command.

use std::sync::Arc;

use bus::{ConsumeError, Consumer};
use contracts::event::{ActAudited, Queue};
use db::Db;
use host::{Event, EventConsumer, retry};

use crate::{NAME, commands::AuditTrail};

/// The consumer of `gateway_events`.
pub(crate) fn consumer(db: &Db, trail: AuditTrail) -> (Queue, Arc<dyn Consumer>) {
    EventConsumer::new(NAME, Queue::Gateway, db, trail).on(on_act_audited).build()
}

async fn on_act_audited(trail: AuditTrail, event: Event<ActAudited>) -> Result<(), ConsumeError> {
    trail.record_act(event.delivery(), event.data.0).await.map_err(retry)
}
