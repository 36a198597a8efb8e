//! `fnb.example.toml` explains every setting: these tests keep it complete, and equal to the defaults.

use std::collections::BTreeSet;

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use serde_json::{Map, Value};

use crate::config::Config;

const EXAMPLE: &str = include_str!("../../fnb.example.toml");
/// Below this a comment cannot explain what a setting does, in which unit or from which choices.
const EXPLANATION_CHARS_MIN: usize = 40;

/// The defaults by name; a setting without one is null.
fn defaults() -> Map<String, Value> {
    match serde_json::to_value(Config::default()).unwrap() {
        Value::Object(settings) => settings,
        other => panic!("the settings are not an object: {other}"),
    }
}

/// The line of a setting starts with `#` and its name without a space between; all other comments are prose.
fn as_setting(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The file with every setting switched on.
fn switched_on() -> String {
    EXAMPLE.lines().filter_map(as_setting).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_file_names_every_setting_and_no_other() {
    let named: BTreeSet<String> =
        switched_on().parse::<toml::Table>().unwrap().into_iter().map(|(name, _)| name).collect();
    let known: BTreeSet<String> = defaults().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<&String> = known.difference(&named).collect();
    assert!(missing.is_empty(), "add to fnb.example.toml, with an explanation: {missing:?}");
    let unknown: Vec<&String> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "remove from fnb.example.toml: {unknown:?}");
}

#[test]
fn the_example_file_shows_the_defaults() {
    let shown: Config = Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::string(&switched_on()))
        .extract()
        .expect("every example is a valid value");
    let Value::Object(shown) = serde_json::to_value(shown).unwrap() else { panic!("the settings are not an object") };
    for (name, default) in defaults() {
        if !default.is_null() {
            assert_eq!(shown[&name], default, "{name} in fnb.example.toml is not the default");
        }
    }
}

#[test]
fn the_example_file_changes_nothing_until_a_setting_is_switched_on() {
    assert!(EXAMPLE.parse::<toml::Table>().unwrap().is_empty());
}

#[test]
fn the_example_file_explains_every_setting() {
    let mut explanation = 0;
    for line in EXAMPLE.lines() {
        match as_setting(line) {
            Some(setting) => {
                assert!(explanation >= EXPLANATION_CHARS_MIN, "fnb.example.toml does not explain {setting}");
                explanation = 0;
            }
            None if line.is_empty() => explanation = 0,
            None => explanation += line.len(),
        }
    }
}
