//! How many streams may be open: in total, and of one device or person.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use access::{Caller, Principal};

/// More screens than a large shop has. Each holds a connection.
const STREAMS_MAX: usize = 256;
/// A till opens one for each screen that it shows, and a reloaded page leaves its last one for a while.
const STREAMS_PER_CLIENT_MAX: usize = 8;

/// Who opens streams. `None`: another service of the shop.
type Client = Option<Principal>;

/// The streams that are open, by who opened them.
#[derive(Clone, Default)]
pub(super) struct StreamPermits(Arc<Mutex<HashMap<Client, usize>>>);

/// A stream's place, until it is dropped.
pub(super) struct StreamPermit {
    permits: StreamPermits,
    client: Client,
}

/// How many streams are open already, and who may open no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooManyStreams {
    OfClient(usize),
    InTotal(usize),
}

impl StreamPermits {
    /// A place for one more stream of `caller`.
    pub(super) fn admit(&self, caller: &Caller) -> Result<StreamPermit, TooManyStreams> {
        let client = caller.principal();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&client).is_some_and(|of_client| *of_client >= STREAMS_PER_CLIENT_MAX) {
            return Err(TooManyStreams::OfClient(STREAMS_PER_CLIENT_MAX));
        }
        // At most one entry for each open stream.
        if open.values().sum::<usize>() >= STREAMS_MAX {
            return Err(TooManyStreams::InTotal(STREAMS_MAX));
        }
        *open.entry(client).or_default() += 1;
        Ok(StreamPermit { permits: self.clone(), client })
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.permits.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_client) = open.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::{
        ids::StaffId,
        staff::{Role, StaffRef},
        time::Timestamp,
    };

    use super::*;

    fn person() -> Caller {
        let staff = StaffRef { staff_id: StaffId::new(Timestamp(0)), name: "Sari".into(), role: Role::Cashier };
        Caller { staff: Some(staff), ..Caller::default() }
    }

    #[test]
    fn a_person_has_eight_streams_and_one_that_ends_makes_room() {
        let (permits, sari) = (StreamPermits::default(), person());
        let mut open: Vec<_> = (0..8).map(|_| permits.admit(&sari).ok().unwrap()).collect();
        assert_eq!(permits.admit(&sari).err(), Some(TooManyStreams::OfClient(8)));
        assert!(permits.admit(&person()).is_ok(), "another person has their own");
        open.pop();
        assert!(permits.admit(&sari).is_ok());
        drop(open);
        assert!(permits.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_shop_has_256_streams() {
        let permits = StreamPermits::default();
        let open: Vec<_> = (0..256).map(|_| permits.admit(&person()).ok().unwrap()).collect();
        assert_eq!(permits.admit(&person()).err(), Some(TooManyStreams::InTotal(256)));
        drop(open);
        assert!(permits.admit(&person()).is_ok());
    }
}
