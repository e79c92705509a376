//! The log on standard error, as text or as JSON.

use serde_json::Value;

use crate::support::Site;
use crate::support::process::{Process, START, address, cashpoint};

/// The lines that a host logs while it answers one request, and the request's id.
fn logged(arguments: &[&str], variables: &[(&str, &str)], file: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.toml");
    let database = folder.path().join("bank.db");
    let settings = format!(
        "listen = \"127.0.0.1:0\"\noperations = \"127.0.0.1:0\"\ndatabase = \"sqlite:{}\"\n{file}",
        database.display()
    );
    std::fs::write(&path, settings).unwrap();
    let mut command = cashpoint();
    command.args(["host", "--config"]).arg(&path).args(arguments).env("RUST_LOG", "info,cashpoint=debug");
    command.envs(variables.iter().copied());
    let mut process = Process::spawn(&mut command);
    let site = Site::new(address(&process.ready()));
    let told = site.post("/api/operators/sessions").json(r#"{"username":"x","password":"secret words"}"#);
    let told = told.send();
    assert_eq!(told.status(), 401);
    let id = told.header("x-request-id").unwrap().to_owned();
    process.terminate();
    assert_eq!(process.wait(START).and_then(|status| status.code()), Some(0));
    (process.stderr().lines().map(str::to_owned).collect(), id)
}

#[test]
fn it_logs_objects_where_it_is_asked_to() {
    for (arguments, variables, file) in [
        (["--log", "json"].as_slice(), [].as_slice(), ""),
        (&[], &[("CASHPOINT_LOG_FORMAT", "json")], ""),
        (&[], &[], "log_format = \"json\"\n"),
    ] {
        let (lines, id) = logged(arguments, variables, file);
        let objects: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        for object in &objects {
            assert!(object["timestamp"].is_string() && object["level"].is_string(), "{object}");
        }
        let request = objects.iter().find(|object| object["request_id"] == id.as_str()).unwrap();
        assert_eq!((&request["code"], &request["status"]), (&"wrong_credentials".into(), &401.into()));
        // From the request to its commit: the span has the id.
        let committed = objects
            .iter()
            .find(|object| object["message"] == "committed" && object["span"]["request_id"] == id.as_str());
        assert!(committed.is_some_and(|object| object["seq"].is_u64() && object["commands"].is_u64()), "{objects:#?}");
        assert!(!lines.iter().any(|line| line.contains("secret words")));
    }
}

#[test]
fn it_logs_text_unless_asked() {
    let (lines, id) = logged(&[], &[], "");
    assert!(lines.iter().any(|line| line.contains(&id) && line.contains("code=\"wrong_credentials\"")), "{lines:#?}");
    assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_err()));
}
