//! The host's configuration file.
//!
//! What holds: only keys that are known are taken; what is taken, written down again, is taken as the same; what may be
//! secret is not shown; and a complaint names the settings.

use std::net::SocketAddr;

use cashpoint::configuration::{DatabaseUrl, HostSettings, bank_files};
use serde_json::Value as Json;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "configuration",
    check,
    finish: || {},
    dictionary: &[
        "listen = ",
        "operations = ",
        "database = ",
        "keys = ",
        "tls_cert = ",
        "tls_key = ",
        "behind_proxy = ",
        "most_connections = ",
        "most_requests = ",
        "most_waiting = ",
        "webhook_url = ",
        "webhook_secret_file = ",
        "smtp_url = ",
        "mail_from = ",
        "log_format = ",
        "sandbox = ",
        "expose_sandbox = ",
        "\"127.0.0.1:8080\"",
        "\"[::1]:0\"",
        "\"sqlite:bank.db\"",
        "[\"10.0.0.0/8\"]",
        "\"smtp://name:password@localhost\"",
        "\"json\"",
        "true",
        "\n",
        "[host]",
        "[[host]]",
        "\"\"\"",
        "'''",
        "{ a = 1 }",
        "\\u0000",
        "1979-05-27T07:32:00Z",
        "0x7fffffffffffffff",
        "-1",
        "inf",
        "# ",
        "\r\n",
        ".",
        "default",
        "global",
    ],
};

const KEYS: [&str; 17] = [
    "listen",
    "operations",
    "database",
    "keys",
    "tls_cert",
    "tls_key",
    "behind_proxy",
    "most_connections",
    "most_requests",
    "most_waiting",
    "webhook_url",
    "webhook_secret_file",
    "smtp_url",
    "mail_from",
    "log_format",
    "sandbox",
    "expose_sandbox",
];

fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let settings = match HostSettings::from_file(text) {
        Ok(settings) => settings,
        Err(complaint) => {
            let told = format!("{complaint:#}");
            assert!(told.starts_with("the settings of the host") || told.contains("go together"), "{told}");
            return;
        }
    };
    // Another reader, which need not agree about what TOML is.
    if let Ok(table) = text.parse::<toml::Table>() {
        assert!(table.keys().all(|key| KEYS.contains(&key.as_str())), "{text:?}");
        if let Some(listen) = table.get("listen") {
            assert_eq!(listen.as_str().map(str::parse::<SocketAddr>), Some(Ok(settings.listen)));
        }
    }
    let shown = format!("{settings:?}");
    let known = serde_json::to_value(&settings).expect("settings are plain values");
    let written = toml::to_string(&known.as_object().map(without_nothing)).expect("settings are plain values");
    let again = HostSettings::from_file(&written).unwrap_or_else(|complaint| panic!("{written}: {complaint:#}"));
    assert_eq!(serde_json::to_value(&again).expect("settings are plain values"), known, "{written}");
    let server = known["smtp_url"].as_str();
    assert_eq!(server.is_some(), shown.contains("smtp_url: Some(****)"), "{shown}");
    // Whatever the text names, nothing is opened here.
    if let Ok(files) = bank_files(&settings.database, settings.keys.clone()) {
        // A server's address is shown without its user and password.
        assert!(
            files.database.is_shared() || settings.database == DatabaseUrl::from(files.database.to_string().as_str())
        );
    }
}

/// TOML has no word for nothing: what is not set is not there.
fn without_nothing(settings: &serde_json::Map<String, Json>) -> serde_json::Map<String, Json> {
    settings.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect()
}
