//! No cycles between the modules of a crate: of two modules, one can be read without the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Finding,
    rust_code::RustCode,
    source::{SourceFile, Tree},
};

/// The modules that each top-level module of a crate names.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Finds cycles between top-level modules. `lib.rs` and `main.rs` may name all of them, and tests may too.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<(&str, &SourceFile)>> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        if let Some((folder, module)) = module_of(&file.path) {
            crates.entry(folder).or_default().push((module, file));
        }
    }
    crates.iter().flat_map(|(folder, files)| check_crate(folder, files)).collect()
}

fn check_crate(folder: &str, files: &[(&str, &SourceFile)]) -> Vec<Finding> {
    let modules: BTreeSet<&str> = files.iter().map(|(module, _)| *module).collect();
    let mut graph = Graph::new();
    for (module, file) in files {
        let code: String = RustCode::parse(&file.text).lines().flat_map(|(_, line)| [line, "\n"]).collect();
        for name in names_after_crate(&code) {
            if let Some(named) = modules.get(name).filter(|named| **named != *module) {
                graph.entry(module).or_default().insert(named);
            }
        }
    }
    let mut reported = BTreeSet::new();
    let mut findings = Vec::new();
    for module in &modules {
        let Some(cycle) = shortest_cycle(&graph, module) else { continue };
        if reported.insert(cycle.iter().copied().collect::<BTreeSet<_>>()) {
            let what = format!(
                "modules in a cycle: {} -> {module}: move what both need into a module of its own",
                cycle.join(" -> ")
            );
            findings.push(Finding::new(&format!("{folder}/src/lib.rs"), 1, what));
        }
    }
    findings
}

/// `services/order/src/store/rows.rs` is in the crate `services/order` and its module `store`.
fn module_of(path: &str) -> Option<(&str, &str)> {
    let (folder, rest) = path.split_once("/src/")?;
    let module = rest.split(['/', '.']).next()?;
    (!["lib", "main", "tests"].contains(&module)).then_some((folder, module))
}

/// The first names of all paths that start with `crate::`, also of `crate::{a::B, c}`.
fn names_after_crate(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(names_in_group(group)),
            None => names.push(first_name(rest)),
        }
    }
    names
}

/// The first name of each path in `a::B, c::{D, E}}`, up to the brace that closes the group.
fn names_in_group(group: &str) -> Vec<&str> {
    let mut names = vec![first_name(group)];
    let mut depth = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

fn first_name(path: &str) -> &str {
    path.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The shortest way from `module` back to itself, without the repeated end.
fn shortest_cycle<'a>(graph: &Graph<'a>, module: &'a str) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![module]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| graph.get(last)).into_iter().flatten() {
                if *next == module {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn two_modules_that_name_each_other_are_reported_once() {
        let files = [
            ("services/order/src/error.rs", "use crate::{\n    model::{self, Order},\n    NAME,\n};"),
            ("services/order/src/model/mod.rs", "fn f() -> crate::error::OrderError {}"),
        ];
        let expected = "services/order/src/lib.rs:1: modules in a cycle: error -> model -> error: move what both need \
                        into a module of its own";
        assert_eq!(found(&files), [expected]);
    }

    #[test]
    fn a_longer_cycle_is_reported_and_a_chain_is_accepted() {
        let chain = [
            ("bench/src/a.rs", "use crate::b::B;"),
            ("bench/src/b.rs", "use crate::{c::C, a_word};"),
            ("bench/src/c.rs", "// crate::a\nconst TEXT: &str = \"crate::a\";"),
        ];
        assert!(found(&chain).is_empty());
        let cycle = [chain[0], chain[1], ("bench/src/c.rs", "use crate::a;")];
        assert!(found(&cycle)[0].contains("a -> b -> c -> a"));
    }

    #[test]
    fn a_module_may_name_itself_and_tests_may_name_everything() {
        let tests = "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}";
        let files = [
            ("bench/src/a.rs", tests),
            ("bench/src/b.rs", "use crate::{a::A, b::B};"),
            ("bench/src/tests/mod.rs", "use crate::{a, b};"),
            ("bench/src/main.rs", "use crate::{a, b};"),
        ];
        assert!(found(&files).is_empty());
    }
}
