//! A dispenser as the shop describes it.

use access::PairedDevice;
use contracts::{
    device::{DeviceKind, DeviceView},
    ids::{DeviceId, ProductId},
    qr::{MachineView, PUMP_ML_PER_SECOND},
};

/// A dispenser: what it pours, and how fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) device_id: DeviceId,
    pub(crate) name: String,
    pub(crate) place: Option<String>,
    /// The products that it pours. Empty: all.
    pub(crate) products: Vec<ProductId>,
    /// The rate of its pump.
    pub(crate) ml_per_second: u32,
    pub(crate) is_revoked: bool,
    /// Grows with every change of this description.
    pub(crate) version: i64,
    /// Grows with every key that it gets: the numbers of signed requests begin anew with each.
    pub(crate) key_version: i64,
}

impl Machine {
    /// The dispenser of an event. `None`: it is a tablet.
    pub(crate) fn of_view(view: DeviceView) -> Option<Self> {
        (view.kind == DeviceKind::Dispenser).then_some(Self {
            device_id: view.device_id,
            name: view.name,
            place: view.place,
            products: view.products,
            ml_per_second: view.ml_per_second.unwrap_or(PUMP_ML_PER_SECOND),
            is_revoked: view.revoked_at.is_some(),
            version: view.version,
            key_version: view.key_version,
        })
    }

    /// The dispenser that calls, of which no event may have come yet. `None`: it is a tablet.
    pub(crate) fn of_caller(caller: &access::Caller) -> Option<Self> {
        let device: &PairedDevice = caller.device.as_deref()?;
        (caller.staff.is_none() && device.kind == DeviceKind::Dispenser).then(|| Self {
            device_id: device.device_id,
            name: device.name.clone(),
            place: device.place.clone(),
            products: device.products.clone(),
            ml_per_second: device.ml_per_second.unwrap_or(PUMP_ML_PER_SECOND),
            is_revoked: device.is_revoked,
            version: device.version,
            key_version: device.key_version,
        })
    }
}

/// Whether a machine with this list pours the product.
pub(crate) fn pours(products: &[ProductId], product_id: ProductId) -> bool {
    products.is_empty() || products.contains(&product_id)
}

/// The machine to send a guest to: one whose list names the product, or else one that pours everything.
pub(crate) fn machine_for(product_id: ProductId, machines: Vec<(Vec<ProductId>, MachineView)>) -> Option<MachineView> {
    let able = machines.into_iter().filter(|(products, _)| pours(products, product_id));
    able.min_by_key(|(products, _)| products.is_empty()).map(|(_, machine)| machine)
}

#[cfg(test)]
mod tests {
    use contracts::time::Timestamp;

    use super::*;

    #[test]
    fn a_guest_is_led_to_a_machine_that_names_the_product_before_any_other() {
        let (latte, tea) = (ProductId::new(Timestamp(0)), ProductId::new(Timestamp(0)));
        let machine = |name: &str| MachineView { name: name.into(), place: None };
        let machines = vec![(vec![], machine("All")), (vec![latte], machine("Milk")), (vec![tea], machine("Tea"))];
        assert_eq!(machine_for(latte, machines.clone()).unwrap().name, "Milk");
        assert_eq!(machine_for(ProductId::new(Timestamp(0)), machines.clone()).unwrap().name, "All");
        assert_eq!(machine_for(latte, machines[2..].to_vec()), None);
    }
}
