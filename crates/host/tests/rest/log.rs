//! One line per request, and nothing in it that a client sent.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::support::{JOHN, Site, with_header};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn it_writes_one_line_per_request_and_no_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let site = Site::sandbox();
    let token = site.log_in(JOHN).await;
    let account = site.account(&token).await;
    let paid = site.ask(&format!("POST /api/accounts/{account}/withdraw"), &token, r#"{"amount":10.00}"#).await;
    let wrong = site.ask("POST /api/sessions", "", &JOHN.replace("\"1234\"", "\"8642\"")).await;
    let lost = site.ask("GET /nowhere/canary-path?canary=query", "", "").await;
    let keyed = with_header(
        "POST /api/accounts/10001/deposit",
        &token,
        "{\"canary-field\":1}",
        ("idempotency-key", "canary-key"),
    );
    let malformed = site.send(keyed).await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for (told, pattern, code) in [
        (&paid, "/api/accounts/{account_id}/withdraw", "-"),
        (&wrong, "/api/sessions", "wrong_credentials"),
        (&lost, "-", "not_found"),
        (&malformed, "/api/accounts/{account_id}/deposit", "invalid_request"),
    ] {
        let id = told.header("x-request-id");
        let own = log.lines().filter(|line| line.contains(id) && line.contains(" cashpoint::request: "));
        let own: Vec<_> = own.collect();
        let [line] = own.as_slice() else { panic!("{own:#?}") };
        for part in [
            format!("path=\"{pattern}\""),
            format!("status={}", told.status.as_u16()),
            format!("code=\"{code}\""),
            "micros=".into(),
        ] {
            assert!(line.contains(&part), "{part} in {line}");
        }
    }
    // A request can be followed to its commit, through the queue and through the desk.
    for (told, commits) in [(&paid, 1), (&wrong, 1), (&lost, 0), (&malformed, 0)] {
        let id = told.header("x-request-id");
        let committed = |line: &&str| line.contains(id) && line.contains("cashpoint::group: committed writer=");
        assert_eq!(log.lines().filter(committed).count(), commits, "{id}");
    }
    for secret in [token.as_str(), "4532123456789012", "8642", "canary"] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}
