//! Seeds of randomised tests, and permutations.

/// The environment variable that replays a run of a randomised test.
const SEED_VARIABLE: &str = "FNB_TEST_SEED";

/// A random seed, which is printed, or the one of `FNB_TEST_SEED`.
#[must_use]
pub fn seed() -> u64 {
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => seed.parse().expect("a seed that a run printed"),
        Err(_) => rand::random(),
    };
    println!("{SEED_VARIABLE}={seed}");
    seed
}

/// Every permutation of `items`.
#[must_use]
pub fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let starting_with = |index: usize| {
        let mut rest = items.to_vec();
        let item = rest.remove(index);
        permutations(&rest).into_iter().map(move |tail| [vec![item.clone()], tail].concat())
    };
    (0..items.len()).flat_map(starting_with).collect()
}
