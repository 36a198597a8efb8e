//! Who sees which orders.

use access::Caller;
use contracts::{audit::Actor, ids::DeviceId};

/// Whose orders a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Staff and the other services: every order.
    Shop,
    /// A kiosk: the orders that were placed on it.
    Kiosk(DeviceId),
}

impl Viewer {
    /// Whether it sees an order that `placed_by` placed.
    #[must_use]
    pub(crate) fn sees(self, placed_by: &Actor) -> bool {
        match self {
            Self::Shop => true,
            Self::Kiosk(kiosk) => placed_by.device.as_ref().is_some_and(|device| device.device_id == kiosk),
        }
    }
}

impl From<&Caller> for Viewer {
    fn from(caller: &Caller) -> Self {
        caller.kiosk().map_or(Self::Shop, |kiosk| Self::Kiosk(kiosk.device_id))
    }
}

#[cfg(test)]
mod tests {
    use contracts::{device::DeviceRef, time::Timestamp};

    use super::*;

    #[test]
    fn a_kiosk_sees_the_orders_that_were_placed_on_it_and_the_shop_sees_all() {
        let at = |device_id| Actor { device: Some(DeviceRef { device_id, name: "Kiosk".into() }), ..Actor::default() };
        let (kiosk, other) = (DeviceId::new(Timestamp(0)), DeviceId::new(Timestamp(0)));
        assert!(Viewer::Kiosk(kiosk).sees(&at(kiosk)));
        assert!(!Viewer::Kiosk(kiosk).sees(&at(other)));
        assert!(!Viewer::Kiosk(kiosk).sees(&Actor::default()), "it was placed on a device that is not paired");
        assert!(Viewer::Shop.sees(&at(other)) && Viewer::Shop.sees(&Actor::default()));
    }
}
