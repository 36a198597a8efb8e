//! docs/OBSERVABILITY.md and `/metrics` name the same metrics.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::{
    api_client::ApiClient,
    program::{RunningShop, TestShop},
};

const PAGE: &str = include_str!("../../docs/OBSERVABILITY.md");
/// The folders whose code may record a metric.
const FOLDERS: [&str; 3] = ["platform", "services", "fnb"];

#[test]
fn every_metric_of_a_shop_with_a_sale_is_documented() {
    let shop = TestShop::demo(&[]);
    let running = shop.start();
    sell_a_cup(&running);
    shop.books().wait_until_idle();
    let exported = exported(running.client.get("/metrics").expect(200).as_str().unwrap());
    let documented = documented();
    let missing: Vec<&String> = exported.difference(&documented).collect();
    assert!(missing.is_empty(), "add to a table of docs/OBSERVABILITY.md, with what to do when it moves: {missing:?}");
}

#[test]
fn every_documented_metric_is_recorded_by_the_program() {
    let root = repository();
    let code: String = FOLDERS
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let unknown: Vec<String> = documented().into_iter().filter(|name| !code.contains(&format!("\"{name}\""))).collect();
    assert!(unknown.is_empty(), "docs/OBSERVABILITY.md names metrics that nothing records: {unknown:?}");
}

/// Orders, pays and pours, so that counters of all three exist.
fn sell_a_cup(running: &RunningShop) {
    let client = &running.client;
    let order = client.post("/api/Order", &ApiClient::order(&[(&client.product("Cold brew"), 1)])).expect(201);
    let payment = client.post("/api/Payment", &ApiClient::cash(&order)).expect(201);
    let code = client.receipt(&payment)["qrCode"].clone();
    client.post("/api/QrCode/validate", &json!({ "code": code })).expect(200);
}

/// The names in Prometheus' text format: `# TYPE name kind`.
fn exported(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    names.map(str::to_owned).collect()
}

/// The names in the first column of the page's tables of metrics.
fn documented() -> BTreeSet<String> {
    let metrics = PAGE.split("## Metrics").nth(1).unwrap().split("\n## ").next().unwrap();
    let first_columns = metrics.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    first_columns.flat_map(|column| column.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file of a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
