//! Orders through their routes, on both databases.

mod events;
mod order_of_arrival;
mod placing;
mod reading;
mod shop;
mod standing;
