//! fnb
fn main() {}
