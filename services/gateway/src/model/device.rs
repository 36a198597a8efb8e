//! The rules of devices: their letters, and what an owner may write.

use contracts::{
    device::{
        DEVICE_NAME_CHARS_MAX, DISPENSER_PRODUCTS_MAX, DeviceKind, DeviceView, PUMP_ML_PER_SECOND_MAX,
        REVOKE_REASON_CHARS_MAX, UNPAIRED_LETTER, WriteDevice,
    },
    qr::PUMP_ML_PER_SECOND,
    text::{self, InvalidText, LineBreaks},
};

/// The most devices in use: more than any shop has.
pub(crate) const DEVICES_MAX: u32 = 200;

/// What an owner wrote of a device is not acceptable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidDevice {
    /// A text that no list can show.
    #[error("{0}.")]
    Text(#[from] InvalidText),
    /// A text without anything to read.
    #[error("{0} is empty. Write at least one character.")]
    Blank(&'static str),
    /// Too many products.
    #[error("products names {0} products; a dispenser pours at most {DISPENSER_PRODUCTS_MAX}. Leave some out.")]
    TooManyProducts(usize),
    /// A rate that no pump has.
    #[error(
        "mlPerSecond is {0}. Measure how much the pump pours in ten seconds, and send a tenth of it: 1 to \
         {PUMP_ML_PER_SECOND_MAX}."
    )]
    Rate(u32),
    /// Products, a rate or a bearer key for a tablet.
    #[error("{0} is a tablet. Only a dispenser has products, mlPerSecond and isBearerAllowed: leave them out.")]
    NotADispenser(String),
}

/// The first letters that no device in use has: A to Z, then AA to ZZ, without the one of people on devices that are not
/// paired. `None`: it is a dispenser, or all are taken.
pub(crate) fn free_letter(kind: DeviceKind, taken: &[String]) -> Option<String> {
    if kind == DeviceKind::Dispenser {
        return None;
    }
    let alphabet = || (b'A'..=b'Z').map(char::from);
    let pairs = alphabet().flat_map(|first| alphabet().map(move |second| String::from_iter([first, second])));
    alphabet().map(String::from).chain(pairs).find(|letter| letter != UNPAIRED_LETTER && !taken.contains(letter))
}

/// Refuses a reason that no list can show.
pub(crate) fn check_reason(reason: &str) -> Result<(), InvalidDevice> {
    if reason.trim().is_empty() {
        return Err(InvalidDevice::Blank("reason"));
    }
    Ok(text::check("reason", reason, REVOKE_REASON_CHARS_MAX, LineBreaks::Forbidden)?)
}

/// Refuses a name or a place that no list can show.
pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), InvalidDevice> {
    if text.trim().is_empty() {
        return Err(InvalidDevice::Blank(field));
    }
    Ok(text::check(field, text, DEVICE_NAME_CHARS_MAX, LineBreaks::Forbidden)?)
}

/// Refuses a name and a place that no list can show.
pub(crate) fn check_name(name: &str, place: Option<&str>) -> Result<(), InvalidDevice> {
    check_text("name", name)?;
    place.map_or(Ok(()), |place| check_text("place", place))
}

/// The device with what the owner writes, in its next version.
///
/// # Errors
/// What is not acceptable.
pub(crate) fn written(device: &DeviceView, write: WriteDevice) -> Result<DeviceView, InvalidDevice> {
    check_name(&write.name, write.place.as_deref())?;
    let mut products = write.products;
    products.sort_unstable();
    products.dedup();
    if products.len() > DISPENSER_PRODUCTS_MAX {
        return Err(InvalidDevice::TooManyProducts(products.len()));
    }
    let has_pump = device.kind == DeviceKind::Dispenser;
    if !has_pump && (!products.is_empty() || write.ml_per_second.is_some() || write.is_bearer_allowed) {
        return Err(InvalidDevice::NotADispenser(device.name.clone()));
    }
    let rate = write.ml_per_second.unwrap_or(PUMP_ML_PER_SECOND);
    if !(1..=PUMP_ML_PER_SECOND_MAX).contains(&rate) {
        return Err(InvalidDevice::Rate(rate));
    }
    Ok(DeviceView {
        name: write.name,
        place: write.place,
        products,
        ml_per_second: has_pump.then_some(rate),
        is_bearer_allowed: write.is_bearer_allowed,
        version: device.version + 1,
        ..device.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_follow_each_other_and_those_of_revoked_devices_are_used_again() {
        let free = |taken: &[&str]| {
            let taken: Vec<String> = taken.iter().map(|letter| (*letter).to_owned()).collect();
            free_letter(DeviceKind::Pos, &taken)
        };
        assert_eq!(free(&[]).as_deref(), Some("A"));
        assert_eq!(free(&["A", "C"]).as_deref(), Some("B"));
        assert_eq!(free_letter(DeviceKind::Dispenser, &[]), None);
        let mut taken: Vec<String> = Vec::new();
        while let Some(letter) = free_letter(DeviceKind::Kiosk, &taken) {
            taken.push(letter);
        }
        assert_eq!((taken.len(), taken[24].as_str(), taken[25].as_str()), (25 + 26 * 26, "Z", "AA"));
        assert!(!taken.iter().any(|letter| letter == UNPAIRED_LETTER));
    }
}
