//! Random changes of an input.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// The longest input.
const INPUT_BYTES_MAX: usize = 4_096;
/// How many changes an input gets at most.
const CHANGES_MAX: u32 = 4;
/// What parsers stumble over.
const SPICES: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"[[[[[[[[",
    b",",
    b":",
    b"..",
    b"%00",
    b"%ff",
    b"-0",
    b"1e400",
    b"1e-400",
    b"0.1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"\xff\xfe",
    "\u{202e}é🍵".as_bytes(),
];

/// Changes inputs. The same seed makes the same changes.
#[derive(Debug)]
pub struct Mutator(StdRng);

impl Mutator {
    /// A mutator of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// One of `corpus` with some changes.
    ///
    /// # Panics
    /// If `corpus` is empty.
    #[must_use]
    pub fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).clone();
        for _ in 0..self.0.random_range(1..=CHANGES_MAX) {
            self.change(&mut input, corpus);
            input.truncate(INPUT_BYTES_MAX);
        }
        input
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.0.random_range(0..from.len())]
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let start = self.0.random_range(0..=input.len());
        let end = self.0.random_range(start..=input.len());
        match self.0.random_range(0..7_u32) {
            0 => drop(input.drain(start..end)),
            1 => {
                let repeated = input[start..end].to_vec();
                input.splice(start..start, repeated);
            }
            2 => {
                let spice = *self.pick(&SPICES);
                input.splice(start..end.min(start + spice.len()), spice.iter().copied());
            }
            3 => {
                let spice = *self.pick(&SPICES);
                input.splice(start..start, spice.iter().copied());
            }
            4 => {
                let other = self.pick(corpus).clone();
                let from = self.0.random_range(0..=other.len());
                input.splice(start.., other[from..].iter().copied());
            }
            5 => {
                if let Some(byte) = input.get_mut(start) {
                    *byte ^= 1 << self.0.random_range(0..8_u32);
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(start) {
                    *byte = (self.0.next_u32() & 0x7f) as u8;
                }
            }
        }
    }
}
