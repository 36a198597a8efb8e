//! What can go wrong with settings, people and devices, and the problems that it becomes.

mod devices;
mod settings;

pub(crate) use devices::DeviceError;
pub(crate) use settings::{SettingsError, StaffError};
