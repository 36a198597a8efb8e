//! The rooms (modules) of a service: every service has the same ones, so that a reader of one knows where to look in all.

use super::{Finding, rust_code::RustCode, source::Tree};

/// The rooms of every service. A room is a file or a folder.
const ROOMS: [&str; 7] = ["lib", "http", "commands", "consumers", "model", "store", "error"];
/// A room that only one service has.
const ROOMS_OF_ONE: [(&str, &str); 1] = [
    // Payment providers: an adapter each, behind one port.
    ("payment", "gateways"),
];
/// In the head of `lib.rs`, ignoring case: the service has no consumers.
const CONSUMES_NOTHING: &str = "consumes nothing";

/// Finds missing rooms, files outside any room, and SQL outside `store`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut services: Vec<&str> = tree.files.iter().filter_map(|file| Some(file.in_service()?.0)).collect();
    services.dedup();
    let mut findings: Vec<Finding> = services.iter().flat_map(|service| missing(tree, service)).collect();
    findings.extend(files_outside_rooms(tree));
    findings.extend(sql_outside_store(tree));
    findings
}

fn declares_no_consumers(lib: &str) -> bool {
    let head = lib.lines().filter_map(|line| line.strip_prefix("//!")).collect::<String>();
    head.to_lowercase().contains(CONSUMES_NOTHING)
}

fn missing(tree: &Tree, service: &str) -> Vec<Finding> {
    let lib = format!("services/{service}/src/lib.rs");
    let consumes_nothing = tree.files.iter().any(|file| file.path == lib && declares_no_consumers(&file.text));
    let is_there = |room: &str| {
        tree.files.iter().filter_map(|file| file.in_service()).filter(|(of, _)| *of == service).any(|(_, path)| {
            let path = path.trim_start_matches("src/");
            path == format!("{room}.rs") || path.starts_with(&format!("{room}/"))
        })
    };
    let mut findings = Vec::new();
    for room in ROOMS.into_iter().chain(["migrations"]) {
        if is_there(room) || (room == "consumers" && consumes_nothing) {
            continue;
        }
        let hint =
            if room == "consumers" { ", or write in the head of lib.rs that the service consumes nothing" } else { "" };
        findings.push(Finding::new(&lib, 1, format!("{service} has no room `{room}`: add {room}{hint}")));
    }
    findings
}

/// Rust files that are in none of the rooms.
fn files_outside_rooms(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let Some((service, path)) = file.in_service() else { continue };
        let room = path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
        let is_room = ROOMS.contains(&room) || room == "tests" || ROOMS_OF_ONE.contains(&(service, room));
        if path == "build.rs" || (path.starts_with("src/") && is_room) {
            continue;
        }
        let what = format!("is in none of the rooms of a service ({}, tests): move it into one", ROOMS.join(", "));
        findings.push(Finding::new(&file.path, 1, what));
    }
    findings
}

fn sql_outside_store(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        let Some((_, path)) = file.in_service() else { continue };
        if path == "src/store.rs" || path.starts_with("src/store/") {
            continue;
        }
        for (line, _) in RustCode::parse(&file.text).strings().filter(|(_, string)| is_sql(string)) {
            let what = "SQL outside store: give the statement a function of its own there, and call it";
            findings.push(Finding::new(&file.path, *line, what));
        }
    }
    findings
}

/// Whether a string is a statement. Our SQL has keywords in capitals; prose does not.
pub(super) fn is_sql(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        let begins = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX ", "WITH RECURSIVE "];
        begins.iter().any(|begin| line.starts_with(begin) || line == begin.trim_end())
            || (line.starts_with("UPDATE ") && text.contains("SET "))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::source::SourceFile, *};

    fn service(extra: &[(&str, &str)]) -> Vec<String> {
        let rooms = ["lib", "http", "commands", "consumers", "model", "store", "error"];
        let mut files: Vec<SourceFile> =
            rooms.iter().map(|room| SourceFile::new(&format!("services/order/src/{room}.rs"), "")).collect();
        files.push(SourceFile::new("services/order/migrations/V1__orders.sql", ""));
        for (path, text) in extra {
            let path = format!("services/order/{path}");
            files.retain(|file| file.path != path);
            files.push(SourceFile::new(&path, text));
        }
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_service_with_every_room_is_accepted_and_a_room_may_be_a_folder() {
        assert_eq!(service(&[]), [""; 0]);
        assert_eq!(service(&[("src/commands/place_order.rs", ""), ("src/tests/placing.rs", "")]), [""; 0]);
    }

    #[test]
    fn a_missing_room_is_reported_and_consumers_may_be_declared_missing() {
        let without_consumers = |lib: &str| {
            let files = ["http", "commands", "model", "store", "error"].iter();
            let mut files: Vec<SourceFile> =
                files.map(|room| SourceFile::new(&format!("services/product/src/{room}.rs"), "")).collect();
            files.push(SourceFile::new("services/product/src/lib.rs", lib));
            files.push(SourceFile::new("services/product/migrations/V1__products.sql", ""));
            check(&Tree { files })
        };
        assert!(without_consumers("//! The menu. Consumes nothing.").is_empty());
        assert!(without_consumers("//! The menu.")[0].what.contains("no room `consumers`"));
    }

    #[test]
    fn a_file_outside_every_room_is_reported() {
        assert!(service(&[("src/pricing.rs", "")])[0].contains("pricing.rs:1: is in none"));
    }

    #[test]
    fn sql_is_allowed_only_in_store_and_tests() {
        let sql = "fn f() {\n  \"\n    UPDATE orders\n SET status = $1\"\n}";
        assert!(service(&[("src/commands.rs", sql)])[0].starts_with("services/order/src/commands.rs:2: SQL outside"));
        assert_eq!(service(&[("src/store.rs", sql), ("src/tests/books.rs", sql)]), [""; 0]);
        assert_eq!(service(&[("src/error.rs", "\"UPDATE it and Select again\"")]), [""; 0]);
    }
}
