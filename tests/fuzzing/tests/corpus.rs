//! Runs every fuzz target over its corpus and over random mutations of it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fuzzing::{Mutator, TARGETS, Target};

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("fuzz")
}

/// The inputs of a target, in the order of their names.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("corpus").join(target.name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs inputs until one fails, and names that.
fn first_failure(target: &Target, mut inputs: impl Iterator<Item = Vec<u8>>) -> Option<String> {
    let fails = |input: &Vec<u8>| catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err();
    inputs.find(fails).map(|input| format!("{} fails for b\"{}\"", target.name, input.escape_ascii()))
}

#[test]
fn every_input_of_the_corpus_holds() {
    let failures: Vec<_> =
        TARGETS.iter().filter_map(|target| first_failure(target, corpus(target).into_iter())).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn random_mutations_of_the_corpus_hold() {
    let seed = testkit::seed();
    let run = |target: &Target| {
        let (corpus, mut mutator) = (corpus(target), Mutator::new(seed));
        first_failure(target, (0..target.mutations).map(|_| mutator.mutate(&corpus)))
    };
    let failures: Vec<_> = TARGETS.iter().filter_map(run).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_target_has_a_program_for_cargo_fuzz() {
    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for Target { name, .. } in TARGETS {
        let program = fs::read_to_string(fuzz_folder().join("targets").join(format!("{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzzing::{name}(data)")), "{program}");
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
}
