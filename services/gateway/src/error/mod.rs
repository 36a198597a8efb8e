//! What can go wrong, and the problem that it becomes.

mod settings;
mod staff;

pub(crate) use settings::SettingsError;
pub(crate) use staff::StaffError;
