//! `/`, `/docs`, `/docs/errors`

use crate::support::{Demo, Host, Site};

/// Every code of the contract.
const CODES: &[&str] = &[
    "invalid_request",
    "invalid_amount",
    "invalid_account_id",
    "unauthenticated",
    "session_expired",
    "wrong_credentials",
    "forbidden",
    "channel_required",
    "account_not_found",
    "transaction_not_found",
    "atm_not_found",
    "not_found",
    "method_not_allowed",
    "email_taken",
    "atm_id_taken",
    "card_number_taken",
    "body_too_large",
    "unsupported_media_type",
    "insufficient_funds",
    "over_transaction_limit",
    "daily_limit_exceeded",
    "over_deposit_limit",
    "atm_out_of_cash",
    "amount_not_dispensable",
    "atm_inactive",
    "atm_mismatch",
    "terminal_only",
    "card_expired",
    "card_stolen",
    "card_lost",
    "account_closed",
    "account_not_empty",
    "same_account",
    "currency_mismatch",
    "idempotency_key_reused",
    "card_blocked",
    "too_many_requests",
    "overloaded",
    "database_unavailable",
    "clock_disagrees",
    "internal",
];

fn page(site: &Site, path: &str) -> String {
    let answer = site.get(path).send();
    assert_eq!(answer.status(), 200, "{answer}");
    assert!(answer.header("content-type").is_some_and(|media| media.starts_with("text/html")), "{answer}");
    assert!(answer.header("x-request-id").is_some(), "{answer}");
    answer.text().to_owned()
}

#[test]
fn it_explains_every_code_where_the_problem_documents_link_to() {
    let demo = Demo::start();
    let errors = page(&demo, "/docs/errors");
    for code in CODES {
        assert!(errors.contains(&format!(r#"id="{code}""#)), "/docs/errors has no anchor {code}");
    }
    let refused = demo.get("/api/accounts").refused(401, "unauthenticated", "");
    let link = refused.member("type").text();
    let path = link.strip_prefix(&demo.url()).unwrap_or(link);
    let (path, anchor) = path.split_once('#').unwrap();
    assert!(page(&demo, path).contains(&format!(r#"id="{anchor}""#)));
}

#[test]
fn it_shows_its_pages_to_anyone_and_loads_nothing_from_elsewhere() {
    for host in [None, Some(Host::start(&[]))] {
        let demo = host.is_none().then(Demo::start);
        let site: &Site = match (&demo, &host) {
            (Some(demo), _) => demo,
            (None, Some(host)) => host,
            (None, None) => unreachable!(),
        };
        for path in ["/", "/docs", "/docs/errors"] {
            let text = page(site, path);
            for outside in ["src=\"http", "src='http", "src=\"//", "@import", "url(http"] {
                assert!(!text.contains(outside), "{path} loads something from elsewhere: {outside}");
            }
        }
    }
}

#[test]
fn it_gives_every_request_its_own_id() {
    let demo = Demo::start();
    let ids: std::collections::BTreeSet<String> = ["/", "/docs", "/nowhere", "/api/accounts", "/openapi.json", "/"]
        .iter()
        .map(|path| demo.get(path).send().header("x-request-id").expect("every answer carries an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 6);
    demo.get("/nowhere").refused(404, "not_found", "");
}
