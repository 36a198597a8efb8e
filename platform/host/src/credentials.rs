//! Who may call: every process follows the keys, devices and sessions that the gateway publishes.
//!
//! Who misses an event would accept a credential that was revoked. So an event that was skipped, or cannot be read, asks
//! for a reload, which the gateway's timer does from its database.

use access::Access;
use bus::{Bus, Received};
use contracts::event::{CloudEvent, DeviceChanged, EventKind, SessionEnded, TokenKeyAdded};
use errors::BoxError;
use tokio_util::sync::CancellationToken;

/// Follows the events of credentials, until the shutdown or the end of the bus.
pub(crate) fn follow(
    access: Access,
    bus: &dyn Bus,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let mut changes = bus.subscribe(&[EventKind::DeviceChanged, EventKind::SessionEnded, EventKind::TokenKeyAdded]);
    async move {
        while let Some(Some(received)) = shutdown.run_until_cancelled(changes.next()).await {
            match received {
                Received::Event(event) => {
                    if let Err(error) = apply(&access, &event) {
                        tracing::error!(event = %event.id, error = %errors::chain(&*error), "credentials cannot be read");
                        access.request_reload();
                    }
                }
                Received::Lagged => {
                    tracing::warn!(
                        "changes of credentials were skipped; they are read again from the gateway's database"
                    );
                    access.request_reload();
                }
            }
        }
    }
}

fn apply(access: &Access, event: &CloudEvent) -> Result<(), BoxError> {
    match event.kind {
        EventKind::DeviceChanged => access.put_device(&event.data::<DeviceChanged>()?.0, None),
        EventKind::SessionEnded => {
            let ended = event.data::<SessionEnded>()?;
            access.end_session(ended.session_id, ended.expires_at);
        }
        EventKind::TokenKeyAdded => {
            let added = event.data::<TokenKeyAdded>()?;
            access.add_key_text(added.key_id, &added.public_key, added.expires_at)?;
        }
        other => tracing::error!(kind = other.name(), "not a change of credentials"),
    }
    Ok(())
}
