//! Who calls: tokens, paired devices, roles, and the signatures of dispensers.
//!
//! Owns the question whether a credential is valid now, and which policy a caller satisfies. [`Access`] answers it in every
//! process from memory: the gateway fills it, and events keep it current. [`signature`] is how a
//! dispenser signs. Does not know HTTP routes, and does not know how people and devices are stored.

mod caller;
mod policy;
mod registry;
pub mod signature;
#[cfg(test)]
mod tests;
mod token;

pub use caller::{Approval, Caller, NotApproved, Principal};
pub use policy::{CallerRole, Policy, RoleSet};
pub use registry::{Access, PairedDevice, SigningKey};
pub use token::{Claims, IssueError, PublicKey, TokenError, TokenIssuer, TokenSubject};
