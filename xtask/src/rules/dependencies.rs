//! The dependency rule: services depend on platform and contracts and never on each other, platform on contracts, contracts
//! on nothing of ours.

use super::Finding;

/// A crate of the workspace and what it depends on.
#[derive(Debug)]
pub(crate) struct Package {
    name: String,
    /// Its folder, from the workspace's root.
    folder: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of the crate itself, or of its build script.
    Build,
    /// Of its tests alone.
    Tests,
}

/// Clients of a database, a broker or a cache: only adapters in platform/ may depend on them.
const ADAPTER_LIBRARIES: [&str; 8] =
    ["rusqlite", "postgres", "tokio-postgres", "refinery", "lapin", "redis", "fred", "clickhouse"];

/// Crates of platform/ about errors and traces: they depend on nothing of ours, and any crate but contracts and xtask may
/// depend on them.
const FOUNDATION: [&str; 2] = ["errors", "trace"];

/// Reads the packages from the output of `cargo metadata`.
pub(super) fn packages(metadata: &serde_json::Value) -> Vec<Package> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    packages.iter().map(|package| read_package(package, root)).collect()
}

fn read_package(package: &serde_json::Value, root: &str) -> Package {
    let manifest = package["manifest_path"].as_str().unwrap_or_default();
    let folder = manifest.trim_start_matches(root).trim_end_matches("Cargo.toml").trim_matches('/');
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |dependency: &serde_json::Value| Dependency {
        name: dependency["name"].as_str().unwrap_or_default().to_owned(),
        kind: if dependency["kind"] == "dev" { Kind::Tests } else { Kind::Build },
    };
    Package {
        name: package["name"].as_str().unwrap_or_default().to_owned(),
        folder: folder.to_owned(),
        dependencies: dependencies.iter().map(read).collect(),
    }
}

/// The crates of ours that `package` may depend on. `None`: every one.
fn allowed<'a>(package: &Package, platform: &[&'a str]) -> Option<Vec<&'a str>> {
    let contracts_and = |more: &[&'a str]| Some([&["contracts"], FOUNDATION.as_slice(), more].concat());
    match (package.name.as_str(), package.folder.split('/').next()) {
        ("contracts" | "xtask" | "errors" | "trace", _) => Some(Vec::new()),
        ("cache", _) => Some(FOUNDATION.to_vec()),
        ("clock" | "bus", _) => contracts_and(&[]),
        // It measures what a credential costs.
        ("bench", _) => contracts_and(&["access", "clock"]),
        ("db" | "access", _) => contracts_and(&["clock"]),
        ("web", _) => contracts_and(&["access", "db"]),
        // The program puts everything together, and so do the fuzz targets.
        ("fnb" | "fuzzing", _) => None,
        (_, Some("platform" | "services" | "tests")) => contracts_and(platform),
        _ => contracts_and(&[]),
    }
}

/// Finds dependencies that break the rule.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let is_platform = |package: &&Package| package.folder.starts_with("platform/");
    let platform: Vec<&str> = packages.iter().filter(is_platform).map(|package| package.name.as_str()).collect();
    packages.iter().flat_map(|package| check_package(package, &ours, &platform)).collect()
}

fn check_package(package: &Package, ours: &[&str], platform: &[&str]) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let allowed = allowed(package, platform);
    let mut findings = Vec::new();
    for Dependency { name, kind } in &package.dependencies {
        let is_ours = ours.contains(&name.as_str());
        let is_allowed = allowed.as_ref().is_none_or(|allowed| allowed.contains(&name.as_str()));
        let is_test_support = *kind == Kind::Tests && (name == "testkit" || platform.contains(&name.as_str()));
        if is_ours && !is_allowed && !is_test_support {
            findings.push(Finding::new(&manifest, 1, forbidden(package, name, allowed.as_deref().unwrap_or_default())));
        }
        if ADAPTER_LIBRARIES.contains(&name.as_str()) && !may_use_adapter_libraries(package) {
            let what = format!(
                "{} depends on {name}, whose types stay inside platform/: use the port that platform/ offers",
                package.name
            );
            findings.push(Finding::new(&manifest, 1, what));
        }
    }
    findings
}

fn forbidden(package: &Package, name: &str, allowed: &[&str]) -> String {
    let instead = if package.folder.starts_with("services/") {
        "services know each other by contracts alone: call the other's route, or subscribe to its event".to_owned()
    } else if allowed.is_empty() {
        "it depends on nothing of ours: move what it needs into it, or reverse the dependency".to_owned()
    } else {
        format!("of ours it may depend on {}: move what it needs there", allowed.join(", "))
    };
    format!("{} depends on {name}; {instead}", package.name)
}

/// Benchmarks read the database files from outside.
fn may_use_adapter_libraries(package: &Package) -> bool {
    package.folder.starts_with("platform/") || package.name == "bench"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(package: &str, dependency: &str, kind: &str) -> Vec<String> {
        let known = [
            "contracts",
            "platform/cache",
            "platform/clock",
            "platform/db",
            "platform/errors",
            "platform/host",
            "platform/trace",
            "services/order",
            "services/qr",
        ];
        let others = known.iter().filter(|folder| **folder != package).map(|folder| entry(folder, "", ""));
        let metadata = format!(
            r#"{{"workspace_root":"/w","packages":[{}]}}"#,
            others.chain([entry(package, dependency, kind)]).collect::<Vec<_>>().join(",")
        );
        let findings = check(&packages(&serde_json::from_str(&metadata).unwrap()));
        findings.into_iter().map(|finding| finding.to_string()).collect()
    }

    fn entry(folder: &str, dependency: &str, kind: &str) -> String {
        let name = folder.rsplit('/').next().unwrap();
        let dependencies =
            if dependency.is_empty() { String::new() } else { format!(r#"{{"name":"{dependency}","kind":{kind}}}"#) };
        format!(r#"{{"name":"{name}","manifest_path":"/w/{folder}/Cargo.toml","dependencies":[{dependencies}]}}"#)
    }

    #[test]
    fn a_service_depends_on_contracts_and_platform_and_never_on_another_service() {
        assert!(workspace("services/order", "contracts", "null").is_empty());
        assert!(workspace("services/order", "host", "null").is_empty());
        let found = workspace("services/order", "qr", "null");
        assert!(found[0].starts_with("services/order/Cargo.toml:1: order depends on qr; services know"), "{found:?}");
        assert!(!workspace("services/order", "qr", r#""dev""#).is_empty());
    }

    #[test]
    fn contracts_depend_on_nothing_of_ours_and_the_database_not_on_the_host() {
        assert!(!workspace("contracts", "db", "null").is_empty());
        assert!(workspace("contracts", "serde", "null").is_empty());
        assert!(workspace("platform/db", "clock", "null").is_empty());
        assert!(!workspace("platform/db", "host", "null").is_empty());
    }

    #[test]
    fn errors_and_trace_depend_on_nothing_of_ours_and_all_but_contracts_may_use_them() {
        for foundation in FOUNDATION {
            let folder = format!("platform/{foundation}");
            assert!(!workspace(&folder, "contracts", "null").is_empty());
            assert!(!workspace(&folder, "clock", "null").is_empty());
            for user in ["platform/cache", "platform/clock", "platform/db", "platform/host", "services/order", "bench"]
            {
                assert!(workspace(user, foundation, "null").is_empty(), "{user} on {foundation}");
            }
            assert!(!workspace("contracts", foundation, "null").is_empty());
            assert!(!workspace("xtask", foundation, "null").is_empty());
        }
    }

    #[test]
    fn only_platform_and_the_benchmarks_depend_on_a_database_library() {
        assert!(workspace("platform/db", "rusqlite", "null").is_empty());
        assert!(!workspace("services/order", "rusqlite", r#""dev""#).is_empty());
        assert!(workspace("bench", "rusqlite", "null").is_empty());
        assert!(!workspace("fnb", "rusqlite", r#""dev""#).is_empty());
    }
}
