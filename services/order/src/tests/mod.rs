//! Orders through their routes, on both databases.

mod callers;
mod event_order;
mod events;
mod observing;
mod placing;
mod reading;
mod shop;
mod transitions;
