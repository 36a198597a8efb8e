//! What can go wrong with settings, people and devices, and the problems that it becomes.

mod devices;
mod settings;
mod staff;

pub(crate) use devices::DeviceError;
pub(crate) use settings::SettingsError;
pub(crate) use staff::{PinHashError, PinQueueFull, StaffError};
