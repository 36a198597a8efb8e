//! The skeleton of a service: the same names in the same rooms, and consumers that only call commands.

use super::{
    Finding,
    rust_code::RustCode,
    source::{SourceFile, Tree},
};

/// What every `lib.rs` declares, and the reason to have it.
const IN_LIB: [(&str, &str); 4] = [
    ("pub const NAME: &str", "the service's name, which its schema, its consumer and its metrics share"),
    ("pub const SCHEMA: Schema", "its tables, which the program and the tests migrate"),
    ("pub async fn open(", "the one way to start the service: `pub async fn open(context: &ServiceContext, ...)`"),
    ("http::router(", "the call that builds its routes"),
];
/// What a consumer must not do itself, and what it does instead.
const NOT_IN_CONSUMERS: [(&str, &str); 8] = [
    (".write(", "a consumer opens no transaction: call a command, which does"),
    (".write_deferred(", "a consumer opens no transaction: call a command, which does"),
    (".write_once(", "a consumer opens no transaction: call a command, which does"),
    (".read(", "a consumer reads no rows: call a command, which does"),
    (".point_read(", "a consumer reads no rows: call a command, which does"),
    ("store::", "a consumer does not use the store: call a command, which does"),
    ("inbox::", "the inbox belongs to the command's transaction: pass `event.delivery()` to the command"),
    ("outbox::", "events are appended in the command's transaction: call a command"),
];

/// Finds services that lack a name of the skeleton, consumers that do more than call commands, and modules beside their
/// own folder.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.is_tests()) {
        let Some((_, path)) = file.in_service() else { continue };
        if path == "src/lib.rs" {
            findings.extend(missing_in_lib(file));
        } else if path == "src/consumers.rs" || path.starts_with("src/consumers/") {
            findings.extend(forbidden_in_consumers(file));
        }
    }
    findings.extend(missing_functions(tree));
    findings.extend(modules_beside_their_folder(tree));
    findings
}

fn missing_in_lib(file: &SourceFile) -> Vec<Finding> {
    let code = RustCode::parse(&file.text);
    let is_missing = |(declaration, _): &&(&str, &str)| !code.lines().any(|(_, line)| line.contains(declaration));
    let missing = IN_LIB.iter().filter(is_missing);
    missing
        .map(|(declaration, why)| {
            Finding::new(&file.path, 1, format!("every service has `{declaration}` in lib.rs: {why}"))
        })
        .collect()
}

/// The function that each room offers to `lib.rs`, in every service that has the room.
fn missing_functions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (room, function) in [("http", "router"), ("consumers", "consumer")] {
        let (declaration, export) = (format!("fn {function}("), format!("::{function};"));
        for file in tree.files.iter().filter(|file| is_head_of(file, room)) {
            let code = RustCode::parse(&file.text);
            let offers = |line: &str| {
                line.contains(&declaration) || (line.contains("use ") && line.trim_end().ends_with(&export))
            };
            if !code.lines().any(|(_, line)| offers(line)) {
                let what = format!("every service has `pub(crate) fn {function}(...)` in {room}: lib.rs calls it");
                findings.push(Finding::new(&file.path, 1, what));
            }
        }
    }
    findings
}

fn is_head_of(file: &SourceFile, room: &str) -> bool {
    let Some((_, path)) = file.in_service() else { return false };
    path == format!("src/{room}.rs") || path == format!("src/{room}/mod.rs")
}

fn forbidden_in_consumers(file: &SourceFile) -> Vec<Finding> {
    let code = RustCode::parse(&file.text);
    let mut findings = Vec::new();
    for (line, text) in code.lines() {
        for (forbidden, instead) in NOT_IN_CONSUMERS.iter().filter(|(forbidden, _)| text.contains(forbidden)) {
            findings.push(Finding::new(&file.path, line, format!("`{forbidden}`: {instead}")));
        }
    }
    findings
}

/// A folder has `mod.rs`: `x.rs` beside `x/` is a second way to do the same.
fn modules_beside_their_folder(tree: &Tree) -> Vec<Finding> {
    let is_folder = |folder: &str| {
        tree.files
            .iter()
            .any(|file| file.is_rust() && file.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    };
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(folder) = file.path.strip_suffix(".rs") else { continue };
        if is_folder(folder) {
            findings.push(Finding::new(&file.path, 1, format!("is beside its own folder: move it to {folder}/mod.rs")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "\
pub const NAME: &str = \"order\";
pub const SCHEMA: Schema = Schema::new(NAME);
pub async fn open(context: &ServiceContext) -> Result<Service, OpenError> {
    let (router, openapi) = http::router(orders, ready);
}
";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        check(&Tree { files }).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_service_with_the_whole_skeleton_is_accepted() {
        let files = [
            ("services/order/src/lib.rs", LIB),
            ("services/order/src/http/mod.rs", "pub(crate) fn router(orders: Orders) -> (Router, OpenApi) {}"),
            ("services/order/src/consumers.rs", "pub(crate) fn consumer(db: &Db) -> (Queue, Arc<dyn Consumer>) {}"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }

    #[test]
    fn each_missing_name_is_reported() {
        for (name, _) in IN_LIB {
            let findings = found(&[("services/order/src/lib.rs", &LIB.replace(name, "gone"))]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(name), "{findings:?}");
        }
        assert!(found(&[("services/order/src/http.rs", "")])[0].contains("fn router("));
        assert!(found(&[("services/order/src/consumers.rs", "")])[0].contains("fn consumer("));
        assert!(found(&[("services/order/src/http/stream.rs", "")]).is_empty());
        assert!(found(&[("services/gateway/src/http/mod.rs", "pub(crate) use settings::router;")]).is_empty());
    }

    #[test]
    fn a_name_in_a_comment_or_a_string_does_not_count() {
        let lib = LIB.replace("pub async fn open", "// pub async fn open");
        assert_eq!(found(&[("services/order/src/lib.rs", &lib)]).len(), 1);
    }

    #[test]
    fn a_consumer_opens_no_transaction_and_does_not_use_the_store() {
        let consumer = "fn consumer() {}\nasync fn on_x(state: &Orders) {\n";
        for (forbidden, _) in NOT_IN_CONSUMERS {
            let text = format!("{consumer} x{forbidden}\n}}");
            let findings = found(&[("services/order/src/consumers.rs", &text)]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with("services/order/src/consumers.rs:3: "), "{findings:?}");
        }
        let command = format!("{consumer} orders.record_payment(event.delivery(), event.data).await }}");
        assert!(found(&[("services/order/src/consumers.rs", &command)]).is_empty());
        assert!(found(&[("services/order/src/commands.rs", "db.write(|tx| store::insert(tx))")]).is_empty());
    }

    #[test]
    fn a_folder_has_mod_rs_and_no_file_of_its_name_beside_it() {
        let beside = [("platform/db/src/sqlite.rs", ""), ("platform/db/src/sqlite/writer.rs", "")];
        assert_eq!(found(&beside).len(), 1);
        assert!(found(&beside)[0].contains("move it to platform/db/src/sqlite/mod.rs"));
        assert!(found(&[("platform/db/src/sqlite/mod.rs", ""), ("platform/db/src/sqlite/writer.rs", "")]).is_empty());
        assert!(found(&[("platform/db/src/sql.rs", ""), ("platform/db/src/sqlite/mod.rs", "")]).is_empty());
    }
}
