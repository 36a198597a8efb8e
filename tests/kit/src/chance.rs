//! What randomised tests draw from, and every order in which things can come.

/// Replays a run of a randomised test.
const SEED_VARIABLE: &str = "FNB_TEST_SEED";

/// The seed of this run, which it prints; `FNB_TEST_SEED` replays one.
#[must_use]
pub fn seed() -> u64 {
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(given) => given.parse().expect("a seed that a run printed"),
        Err(_) => rand::random(),
    };
    println!("{SEED_VARIABLE}={seed}");
    seed
}

/// Every order in which `things` can come.
#[must_use]
pub fn permutations<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let first = |index: usize| {
        let mut rest = things.to_vec();
        let thing = rest.remove(index);
        permutations(&rest).into_iter().map(move |tail| [vec![thing.clone()], tail].concat())
    };
    (0..things.len()).flat_map(first).collect()
}
