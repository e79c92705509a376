//! Which crate may depend on which: the map of the workspace, checked against `cargo metadata`.
//!
//! Only what ships counts: dependencies for tests are free. Manifests are held to two habits, so that a reader of the
//! root manifest sees every third-party crate with its reason.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Finding;
use crate::process;

/// What one package may depend on.
struct Package {
    name: &'static str,
    /// Packages of this workspace.
    ours: &'static [&'static str],
    others: Others,
}

/// Third-party crates.
enum Others {
    /// These and no more.
    Only(&'static [&'static str]),
    /// Any but these.
    Not(&'static [&'static str]),
}

/// What the bank does without. It has tokio for its PostgreSQL client alone, in one module (ADR 14).
const NETWORK: &[&str] = &[
    "axum",
    "futures",
    "futures-util",
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "async-trait",
    "reqwest",
    "tower",
    "tower-http",
    "utoipa",
];
const SQL: &[&str] = &["rusqlite", "refinery", "postgres", "tokio-postgres", "deadpool-postgres", "sqlx"];
const WIRE: &[&str] = &[
    "serde",
    "serde_json",
    "jiff",
    "aes",
    "aes-gcm",
    "cmac",
    "des",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "sha2",
    "subtle",
    "utoipa",
    "zeroize",
    "data-encoding",
];

/// What only tests may switch on: with a feature of theirs a process ends by itself, or has a defect.
const FOR_TESTS: &[&str] = &["cashpoint-boundary", "cashpoint-mutant"];

const PACKAGES: &[Package] = &[
    Package { name: "cashpoint-core", ours: &["cashpoint-mutant"], others: Others::Only(&["zeroize", "subtle"]) },
    Package { name: "cashpoint-boundary", ours: &[], others: Others::Only(&["tracing"]) },
    Package { name: "cashpoint-mutant", ours: &[], others: Others::Only(&[]) },
    Package { name: "cashpoint-files", ours: &[], others: Others::Only(&["rustix", "zeroize"]) },
    Package { name: "cashpoint-wire", ours: &["cashpoint-core"], others: Others::Only(WIRE) },
    Package {
        name: "cashpoint-bank",
        ours: &["cashpoint-boundary", "cashpoint-core", "cashpoint-files", "cashpoint-mutant", "cashpoint-wire"],
        others: Others::Not(NETWORK),
    },
    Package {
        name: "cashpoint-devices",
        ours: &["cashpoint-boundary", "cashpoint-core", "cashpoint-files", "cashpoint-mutant", "cashpoint-wire"],
        others: Others::Not(SQL),
    },
    Package {
        name: "cashpoint-terminal",
        ours: &["cashpoint-boundary", "cashpoint-core", "cashpoint-files", "cashpoint-wire"],
        others: Others::Not(&["refinery", "postgres", "tokio-postgres", "deadpool-postgres", "sqlx"]),
    },
    Package {
        name: "cashpoint-host",
        ours: &["cashpoint-core", "cashpoint-wire", "cashpoint-bank"],
        others: Others::Not(SQL),
    },
    Package {
        name: "cashpoint-sim",
        ours: &["cashpoint-core", "cashpoint-wire", "cashpoint-bank", "cashpoint-devices"],
        others: Others::Only(&["tempfile", "zeroize"]),
    },
    Package {
        name: "cashpoint",
        ours: &[
            "cashpoint-core",
            "cashpoint-files",
            "cashpoint-wire",
            "cashpoint-bank",
            "cashpoint-devices",
            "cashpoint-host",
            "cashpoint-sim",
            "cashpoint-terminal",
        ],
        others: Others::Not(SQL),
    },
    Package {
        name: "cashpoint-fuzz",
        ours: &[
            "cashpoint-core",
            "cashpoint-wire",
            "cashpoint-bank",
            "cashpoint-host",
            "cashpoint-sim",
            "cashpoint-terminal",
            "cashpoint",
        ],
        others: Others::Not(SQL),
    },
    Package { name: "xtask", ours: &[], others: Others::Only(&["anyhow", "clap", "serde_json"]) },
];

/// Checks every package of the workspace against the map.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let output = process::cargo()?
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("starting cargo")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let root = root.to_string_lossy();
    Ok(packages.iter().flat_map(|package| check_package(package, &root)).collect())
}

fn check_package(package: &Value, root: &str) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let manifest = package["manifest_path"].as_str().unwrap_or_default();
    let file = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/').to_owned();
    let finding = |message: String| Finding { file: file.clone(), line: 1, message };
    let Some(rules) = PACKAGES.iter().find(|rules| rules.name == name) else {
        return vec![finding(format!(
            "{name} is not on the map: add what it may depend on to xtask/src/tidy/edges.rs"
        ))];
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let shipped = dependencies.filter(|dependency| dependency["kind"] != "dev");
    let shipped: Vec<&Value> = shipped.collect();
    let names = shipped.iter().filter_map(|dependency| dependency["name"].as_str());
    let refused = names
        .filter(|dependency| !rules.permit(dependency))
        .map(|dependency| format!("{name} must not depend on {dependency} (the map is in xtask/src/tidy/edges.rs)"));
    refused.chain(switched_on(package, &shipped)).map(finding).collect()
}

/// What is built to be used has nothing that is for tests alone: a feature of theirs is only for dependencies of tests.
fn switched_on(package: &Value, shipped: &[&Value]) -> Vec<String> {
    let for_tests = |name: &str| FOR_TESTS.contains(&name);
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    let direct =
        shipped.iter().filter(|dependency| some(&dependency["features"])).filter_map(|dep| dep["name"].as_str());
    let features = package["features"].as_object().into_iter().flatten();
    let named = features.flat_map(|(_, turns_on)| turns_on.as_array().into_iter().flatten().filter_map(Value::as_str));
    let named = named.filter_map(|feature| feature.split_once('/')).map(|(name, _)| name.trim_end_matches('?'));
    let switched = direct.chain(named).filter(|name| for_tests(name));
    switched.map(|name| format!("a feature of {name} is for tests alone: name it under [dev-dependencies]")).collect()
}

impl Package {
    fn permit(&self, dependency: &str) -> bool {
        let is_ours = PACKAGES.iter().any(|package| package.name == dependency);
        match &self.others {
            _ if is_ours => self.ours.contains(&dependency),
            Others::Only(permitted) => permitted.contains(&dependency),
            Others::Not(refused) => !refused.contains(&dependency),
        }
    }
}

/// Checks the text of one `Cargo.toml`.
pub(super) fn check_manifest(file: &str, text: &str) -> Vec<Finding> {
    let finding = |line: usize, message: &str| Finding { file: file.to_owned(), line, message: message.to_owned() };
    let mut findings = Vec::new();
    if text.contains("[package]") && !text.contains("[lints]\nworkspace = true") {
        findings.push(finding(
            1,
            "no `[lints] workspace = true`: the workspace's lints, and `unsafe_code = \"forbid\"`, hold nowhere else",
        ));
    }
    let mut section = "";
    let mut has_reason = false;
    for (index, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        if line.starts_with('[') {
            section = line;
        } else if line.starts_with('#') {
            has_reason = true;
        } else if line.is_empty() {
            has_reason = false;
        } else if section == "[workspace.dependencies]" {
            // One reason may stand above several lines that belong together.
            if !has_reason && !line.contains("path = ") {
                findings.push(finding(index, "no reason above it: say in a comment why this crate is here"));
            }
        } else if section.ends_with("dependencies]") && !line.contains("workspace = true") {
            findings.push(finding(
                index,
                "name it in the root manifest, with its reason, and write `.workspace = true` here",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_edge(package: &str, dependency: &str, kind: Option<&str>, refused: usize) {
        let package = serde_json::json!({
            "name": package,
            "manifest_path": "/x/crates/a/Cargo.toml",
            "dependencies": [{ "name": dependency, "kind": kind }],
        });
        let findings = check_package(&package, "/x");
        assert_eq!(findings.len(), refused, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.file == "crates/a/Cargo.toml"), "{findings:?}");
    }

    #[test]
    fn it_holds_packages_to_the_map() {
        check_edge("cashpoint-core", "zeroize", None, 0);
        check_edge("cashpoint-core", "serde", None, 1);
        check_edge("cashpoint-core", "serde", Some("build"), 1);
        check_edge("cashpoint-core", "proptest", Some("dev"), 0);
        check_edge("cashpoint-core", "cashpoint-bank", None, 1);
        check_edge("cashpoint-wire", "tokio", None, 1);
        check_edge("cashpoint-bank", "rusqlite", None, 0);
        check_edge("cashpoint-bank", "axum", None, 1);
        check_edge("cashpoint-bank", "cashpoint-host", None, 1);
        check_edge("cashpoint-devices", "cashpoint-bank", None, 1);
        check_edge("cashpoint-terminal", "cashpoint-bank", None, 1);
        check_edge("cashpoint-host", "axum", None, 0);
        check_edge("cashpoint-host", "rusqlite", None, 1);
        check_edge("somebody-new", "std", None, 1);
    }

    #[test]
    fn it_wants_what_is_for_tests_in_tests_alone() {
        let check = |kind: Option<&str>, features: &[&str], own: serde_json::Value| {
            let dependency = serde_json::json!({ "name": "cashpoint-mutant", "kind": kind, "features": features });
            let package = serde_json::json!({
                "name": "cashpoint-core",
                "manifest_path": "/x/crates/core/Cargo.toml",
                "dependencies": [dependency],
                "features": own,
            });
            check_package(&package, "/x").len()
        };
        assert_eq!(check(None, &[], serde_json::json!({})), 0);
        assert_eq!(check(Some("dev"), &["chosen"], serde_json::json!({})), 0);
        assert_eq!(check(None, &["chosen"], serde_json::json!({})), 1);
        assert_eq!(check(None, &[], serde_json::json!({ "defects": ["cashpoint-mutant/chosen"] })), 1);
        assert_eq!(check(None, &[], serde_json::json!({ "other": ["dep:zeroize"] })), 0);
    }

    #[track_caller]
    fn check_text(text: &str, expected: &[usize]) {
        let lines: Vec<_> = check_manifest("Cargo.toml", text).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn it_wants_a_reason_for_every_crate() {
        check_text("[workspace.dependencies]\n# Why.\na = \"1\"\nb = \"2\"\n\nc = { path = \"c\" }\n", &[]);
        check_text("[workspace.dependencies]\n# Why.\na = \"1\"\n\nb = \"2\"\n", &[5]);
        check_text("[dev-dependencies]\na.workspace = true\nb = \"1\"\n", &[3]);
    }

    #[test]
    fn it_wants_the_lints_of_the_workspace() {
        check_text("[package]\nname = \"a\"\n", &[1]);
        check_text("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n", &[]);
    }
}
