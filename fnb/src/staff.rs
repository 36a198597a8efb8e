//! `fnb staff`: the people of a shop, for whoever has the machine itself.

use std::fmt::Write;

use contracts::staff::Pin;
use gateway::FirstStaff;

/// Prints the PINs of a new shop's first people to the terminal: the log may be kept, and read by others.
pub(crate) fn print_first(people: &[FirstStaff]) {
    for person in people {
        let role = person.role.to_string().to_lowercase();
        if let Some(pin) = &person.pin {
            eprintln!(
                "{role} PIN: {} ({}); it is shown this once; reset it with `fnb staff reset-pin {}`",
                spaced(pin),
                person.name,
                person.name
            );
        }
    }
}

/// The digits as people read them out: 481 926.
fn spaced(pin: &Pin) -> String {
    let digits = pin.digits();
    let half = digits.len().div_ceil(2);
    let mut text = String::new();
    let _ = write!(text, "{} {}", &digits[..half], &digits[half..]);
    text
}
