//! What `/metrics` tells, and that dashboard and alerts ask for nothing else.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use cashpoint_bank::bank::{Bank, Mode, Setting};
use cashpoint_bank::clock::ManualClock;
use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::sandbox;
use cashpoint_core::time::Timestamp;
use cashpoint_host::notify::{Notifications, Notifier};
use cashpoint_host::server::ServerOptions;
use cashpoint_host::{Host, Listen, Mount, Options};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

struct Site {
    router: Router,
    bank: Bank,
    clock: Arc<ManualClock>,
    options: Options,
    _folder: TempDir,
}

impl Site {
    fn sandbox() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let (database, keys) = (folder.path().join("bank.db"), folder.path().join("keys.toml"));
        let setting = Setting::new(database, keys, clock.clone(), entropy.clone()).with_mode(Mode::Sandbox);
        let (bank, _) = Bank::open(setting).expect("an empty folder takes a bank");
        sandbox::seed(&bank).expect("the play data goes in");
        let options = Options { mount: Mount::OnePort, clock: clock.clone(), entropy, ..Options::default() };
        let router = cashpoint_host::router(bank.clone(), options.clone());
        Self { router, bank, clock, options, _folder: folder }
    }

    async fn ask(&self, line: &str, token: &str, body: &str) -> (u16, String) {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        (status, String::from_utf8(body).unwrap())
    }

    async fn metrics(&self) -> Metrics {
        let (status, text) = self.ask("GET /metrics", "", "").await;
        assert_eq!(status, 200);
        Metrics::read(&text)
    }
}

/// Families with their kinds, and samples by name and labels.
struct Metrics {
    families: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the text strictly: every sample belongs to the family that was begun last.
    fn read(text: &str) -> Self {
        let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
        let mut family = String::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(!help.is_empty(), "{line}");
                family = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, family);
                assert!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}: twice");
            } else {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let base = name.split('{').next().unwrap();
                let kind = families[&family].as_str();
                let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.iter().any(|suffix| base == format!("{family}{suffix}")), "{line} in {family}");
                assert!(kind != "counter" || base.ends_with("_total"), "{line}");
                assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line}: twice");
            }
        }
        Self { families, samples }
    }

    #[track_caller]
    fn is(&self, name: &str, value: f64) {
        let found = self.samples.get(name).unwrap_or_else(|| {
            let base = name.split('{').next().unwrap();
            let near: Vec<_> = self.samples.keys().filter(|own| own.starts_with(base)).collect();
            panic!("{name} is not there, only {near:#?}")
        });
        assert!((found - value).abs() < 1e-9, "{name} is {found}, not {value}");
    }

    fn more(&self, name: &str, before: &Self) -> f64 {
        self.samples[name] - before.samples[name]
    }
}

#[tokio::test]
async fn it_counts_what_happens() {
    let site = Site::sandbox();
    let before = site.metrics().await;
    let john = r#"{"card_number":"4532123456789012","pin":"1234","atm_id":"ATM001"}"#;
    let (_, session) = site.ask("POST /api/sessions", "", john).await;
    let session: Value = serde_json::from_str(&session).unwrap();
    let (token, account) = (session["token"].as_str().unwrap(), session["accounts"][0]["account_id"].as_str().unwrap());
    let withdraw = format!("POST /api/accounts/{account}/withdraw");
    assert_eq!(site.ask(&withdraw, token, r#"{"amount":30.00}"#).await.0, 201);
    assert_eq!(site.ask(&withdraw, token, r#"{"amount":20.00}"#).await.0, 201);
    assert_eq!(site.ask(&withdraw, token, r#"{"amount":600.00}"#).await.0, 422);
    assert_eq!(site.ask(&withdraw, "", r#"{"amount":600.00}"#).await.0, 401);
    let deposit = format!("POST /api/accounts/{account}/deposit");
    assert_eq!(site.ask(&deposit, token, r#"{"amount":5.00}"#).await.0, 201);
    assert_eq!(site.ask("BREW /api/accounts", token, "").await.0, 405);
    assert_eq!(site.ask("GET /nowhere/at/all", token, "").await.0, 404);
    let after = site.metrics().await;
    for (name, value) in [
        (
            r#"cashpoint_http_requests_total{method="POST",path="/api/accounts/{account_id}/withdraw",status="201"}"#,
            2.0,
        ),
        (
            r#"cashpoint_http_requests_total{method="POST",path="/api/accounts/{account_id}/withdraw",status="422"}"#,
            1.0,
        ),
        (
            r#"cashpoint_http_requests_total{method="POST",path="/api/accounts/{account_id}/withdraw",status="401"}"#,
            1.0,
        ),
        (r#"cashpoint_http_requests_total{method="POST",path="/api/sessions",status="201"}"#, 1.0),
        (r#"cashpoint_http_requests_total{method="-",path="-",status="405"}"#, 1.0),
        (r#"cashpoint_http_requests_total{method="-",path="-",status="404"}"#, 1.0),
        (
            r#"cashpoint_http_request_duration_seconds_count{method="POST",path="/api/accounts/{account_id}/withdraw"}"#,
            4.0,
        ),
        (r#"cashpoint_refusals_total{code="over_transaction_limit"}"#, 1.0),
        (r#"cashpoint_refusals_total{code="unauthenticated"}"#, 1.0),
        (r#"cashpoint_refusals_total{code="insufficient_funds"}"#, 0.0),
        (r#"cashpoint_machine_cash{machine="ATM001",currency="USD"}"#, 9_955.0),
        (r#"cashpoint_machine_dispensable{machine="ATM001",currency="USD"}"#, 9_950.0),
        (r#"cashpoint_machine_in_flight{machine="ATM001",currency="USD"}"#, 0.0),
        (r#"cashpoint_machine_active{machine="ATM001",kind="api"}"#, 1.0),
        (r#"cashpoint_machine_transactions_total{machine="ATM001",type="withdrawal",currency="USD"}"#, 2.0),
        (r#"cashpoint_machine_volume_total{machine="ATM001",type="withdrawal",currency="USD"}"#, 50.0),
        (r#"cashpoint_machine_volume_total{machine="ATM001",type="deposit",currency="USD"}"#, 5.0),
        (r#"cashpoint_machine_refusals_total{machine="ATM001",code="over_transaction_limit"}"#, 1.0),
        (r#"cashpoint_events_total{type="withdrawal"}"#, 2.0),
        ("cashpoint_sessions_active", 1.0),
        ("cashpoint_queue_depth", 0.0),
        ("cashpoint_queue_capacity", 16_384.0),
        ("cashpoint_database_up", 1.0),
        ("cashpoint_clock_agrees", 1.0),
        (r#"cashpoint_build_info{version="0.1.0",mode="sandbox"}"#, 1.0),
    ] {
        after.is(name, value);
    }
    // A log-in, two withdrawals, a deposit; and one refusal by a rule.
    assert!((after.more(r#"cashpoint_commands_total{outcome="done"}"#, &before) - 4.0).abs() < 1e-9);
    assert!((after.more(r#"cashpoint_commands_total{outcome="refused"}"#, &before) - 1.0).abs() < 1e-9);
    assert!((after.more(r#"cashpoint_sessions_begun_total{kind="card"}"#, &before) - 1.0).abs() < 1e-9);
    assert!((after.more("cashpoint_group_size_sum", &before) - 5.0).abs() < 1e-9);
    assert!((after.more("cashpoint_commit_duration_seconds_count", &before) - 5.0).abs() < 1e-9);
    assert!(after.samples["cashpoint_password_evaluations_total"] > 0.0);
    site.clock.set_wall(site.bank.now().plus_s(-60));
    let parted = site.metrics().await;
    parted.is("cashpoint_clock_agrees", 0.0);
    parted.is("cashpoint_clock_ahead_seconds", -60.0);
    let nowhere = parted.samples.keys().find(|name| name.contains("nowhere") || name.contains("BREW"));
    assert_eq!(nowhere, None);
}

#[tokio::test]
async fn its_histograms_add_up() {
    let site = Site::sandbox();
    let metrics = site.metrics().await;
    for (family, kind) in metrics.families.iter().filter(|(_, kind)| *kind == "histogram") {
        let counts: Vec<_> =
            metrics.samples.keys().filter(|name| name.starts_with(&format!("{family}_count"))).collect();
        for count in counts {
            let labels = count.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
            let all = match labels {
                "" => format!("{family}_bucket{{le=\"+Inf\"}}"),
                labels => format!("{family}_bucket{{{labels},le=\"+Inf\"}}"),
            };
            assert!((metrics.samples[&all] - metrics.samples[count]).abs() < 1e-9, "{kind} {count}");
        }
    }
}

#[tokio::test]
async fn it_tells_the_rest_while_the_database_is_away() {
    let site = Site::sandbox();
    let (bank, options) = (site.bank.clone(), Options { desk_places: 0, ..site.options.clone() });
    let router = cashpoint_host::router(bank, options);
    let site = Site { router, ..site };
    let metrics = site.metrics().await;
    metrics.is("cashpoint_database_up", 0.0);
    assert!(!metrics.samples.keys().any(|name| name.starts_with("cashpoint_machine_cash")));
    assert!(metrics.families.contains_key("cashpoint_machine_cash"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_knows_the_server_and_the_feeds_of_its_host() {
    let site = Site::sandbox();
    let notifications = Notifications::to_log(&site.bank, Arc::new(SeededEntropy::new(9)));
    let notifier = Notifier::start(&site.bank, notifications).await;
    site.options.metrics.watch_feeds(notifier.figures().to_vec());
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let listen = Listen { public: anywhere, operations: anywhere };
    let host = Host::start(site.bank.clone(), listen, site.options.clone(), ServerOptions::default()).await.unwrap();
    let address = host.local_addr();
    let text = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    })
    .await
    .unwrap();
    let metrics = Metrics::read(&text);
    metrics.is("cashpoint_connections_open", 1.0);
    metrics.is("cashpoint_connections_accepted_total", 1.0);
    metrics.is("cashpoint_http_requests_in_flight", 1.0);
    assert!(metrics.samples.contains_key(r#"cashpoint_outbox_lag_seconds{channel="log"}"#));
    assert!(metrics.samples.contains_key(r#"cashpoint_outbox_delivered_total{channel="log"}"#));
    host.stop().await;
    notifier.stop().await;
}

/// Names that begin as ours do.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words =
        text.split(|c: char| !word(c)).filter(|word| word.starts_with("cashpoint_") || word.starts_with("process_"));
    words.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_dashboard_the_alerts_and_the_manual_ask_for_what_there_is() {
    let families = Site::sandbox().metrics().await.families;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| {
        std::fs::read_to_string(format!("{root}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let known = |name: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        families.contains_key(name)
            || histogram.is_some_and(|base| families.get(base).is_some_and(|kind| kind == "histogram"))
    };
    for path in ["deploy/grafana/cashpoint.json", "deploy/prometheus/alerts.yml", "docs/operations.md"] {
        let names = named(&read(path));
        assert!(names.len() > 10, "{path}");
        let unknown: Vec<_> = names.iter().filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
    let manual = named(&read("docs/operations.md"));
    let missing: Vec<_> = families.keys().filter(|name| !manual.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/operations.md does not say what these are: {missing:?}");
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/cashpoint.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 10);
}
