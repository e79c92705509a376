//! `cashpoint devices`: found, acted upon, killed, and still the same machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::support::control::Control;
use crate::support::process::{Process, cashpoint, told};
use crate::support::run;

/// Starts the devices with their state in `folder`; its control interface.
fn start(folder: &Path) -> (Process, Control) {
    let state = folder.join("atm.json");
    let mut command = cashpoint();
    command.args(["devices", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--motion-ms", "0", "--state"]);
    let mut process = Process::spawn(command.arg(state));
    let ready = process.ready();
    assert!(ready.starts_with("ready ws://127.0.0.1:") && ready.ends_with("/xfs4iot/v1.0"), "{ready}");
    let control = Control::at(&process.line("control "));
    (process, control)
}

#[test]
fn the_machine_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut devices, control) = start(folder.path());
    for file in ["atm.json", "atm.keys.toml"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let keys = std::fs::read_to_string(folder.path().join("atm.keys.toml")).unwrap();
    for name in ["key_block_protection", "authenticate_host", "authenticate_device", "offline_verifier"] {
        assert!(keys.contains(&format!("{name} = \"")), "{name}");
    }
    let before = control.state();
    assert_eq!(before["inside_minor"], 80_000_00);
    assert_eq!((&before["conserved"], &before["power"]), (&json!(true), &json!("on")));

    let (status, refused) = control.post("/person", &json!({"action": "take_notes"}));
    assert_eq!((status, &refused["code"]), (409, &json!("impossible")));
    let (status, _) = control.post("/faults", &json!({"fault": "paper_out", "step": "pick"}));
    assert_eq!(status, 422);
    let (status, now) =
        control.post("/faults", &json!([{"fault": "cassette_missing", "step": "pick", "lasts": "always"}]));
    assert_eq!((status, &now["cassettes"][0]["usable"]), (200, &json!("no")));
    let (_, now) = control.post("/person", &json!({"action": "replenish", "notes": [1, 2, 3]}));
    assert_eq!(now["inside_minor"], 50_00 + 2 * 20_00 + 3 * 10_00);
    let (_, now) = control.post("/quirks", &json!({"success": "left_out"}));
    assert_eq!(now["quirks"]["success"], "left_out");
    let (_, now) = control.post("/power", &json!({"power": "off"}));
    assert_eq!(now["power"], "off");

    devices.kill();
    let (_devices, control) = start(folder.path());
    let now = control.state();
    assert_eq!((&now["power"], &now["inside_minor"]), (&json!("on"), &json!(120_00)));
    assert_eq!(now["faults"][0]["fault"], "cassette_missing");
    let cleared = control.clear_faults();
    assert_eq!(cleared["faults"], json!([]));
}

#[test]
fn it_listens_to_this_machine_alone() {
    let (code, _, error) = told(&run(&["devices", "--listen", "0.0.0.0:0"]));
    assert_eq!(code, 2);
    assert!(error.contains("127.0.0.1"), "{error}");
}
