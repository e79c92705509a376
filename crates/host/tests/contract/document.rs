//! What the document says of itself.

use std::collections::BTreeSet;

use cashpoint_bank::bank::Mode;
use cashpoint_host::Mount;
use cashpoint_wire::problem::Code;
use serde_json::Value;

use super::client::Contract;
use super::world::World;

async fn bare() -> World {
    World::bare(Mode::Sandbox, Mount::OnePort).await
}

async fn contract() -> Contract {
    bare().await.contract
}

/// Walks through everything in it.
fn each<'a>(value: &'a Value, see: &mut impl FnMut(&'a str, &'a Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                see(name, member);
                each(member, see);
            }
        }
        Value::Array(list) => list.iter().for_each(|member| each(member, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn it_has_every_path_of_the_contract() {
    let contract = contract().await;
    let described: BTreeSet<String> =
        contract.operations().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    for promised in [
        "POST /api/customers",
        "GET /api/customers/current",
        "PATCH /api/customers/current",
        "PUT /api/customers/current/password",
        "POST /api/sessions",
        "GET /api/sessions/current",
        "DELETE /api/sessions/current",
        "GET /api/accounts",
        "POST /api/accounts",
        "POST /api/accounts/{account_id}/close",
        "GET /api/accounts/{account_id}/balance",
        "POST /api/accounts/{account_id}/withdraw",
        "POST /api/accounts/{account_id}/deposit",
        "POST /api/accounts/{account_id}/transfer",
        "GET /api/accounts/{account_id}/transactions",
        "GET /api/transactions/{transaction_id}",
        "GET /api/transactions",
        "POST /api/operators/customers",
        "POST /api/operators/sessions",
        "POST /api/cards",
        "PUT /api/cards/{card_id}/pin",
        "POST /api/cards/{card_id}/pin",
        "POST /api/cards/{card_id}/report",
        "POST /api/cards/{card_id}/unblock",
        "DELETE /api/cards/{card_id}",
        "POST /api/counters",
        "POST /api/atms",
        "GET /api/atms",
        "GET /api/atms/{atm_id}",
        "PATCH /api/atms/{atm_id}",
        "POST /api/atms/{atm_id}/enrolment-codes",
        "POST /api/atms/{atm_id}/replenishments",
        "GET /api/policies",
        "PUT /api/policies",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /openapi.json",
        "GET /docs",
        "GET /docs/errors",
        "GET /",
        "GET /accounts/{n}/balance",
        "POST /accounts/{n}/withdraw",
        "POST /accounts/{n}/deposit",
        "GET /sandbox/outbox",
    ] {
        assert!(described.contains(promised), "{promised}");
    }
}

#[tokio::test]
async fn it_has_every_code_with_its_status_and_text() {
    let contract = contract().await;
    for code in Code::ALL {
        let response = &contract.document["components"]["responses"][code.name()];
        assert!(response["description"].as_str().unwrap().contains(code.detail()), "{code:?}");
        let example = &response["content"]["application/problem+json"]["examples"][code.name()];
        let example = &contract.resolved(example)["value"];
        assert_eq!((&example["code"], &example["status"]), (&code.name().into(), &code.status().into()));
        let codes = contract.document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
        assert!(codes.unwrap().contains(&code.name().into()), "{code:?}");
    }
}

#[tokio::test]
async fn its_references_lead_somewhere_and_its_operations_have_names_of_their_own() {
    let contract = contract().await;
    assert_eq!(contract.document["openapi"], "3.1.0");
    each(&contract.document, &mut |name, value| {
        if name == "$ref" {
            let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(contract.document.pointer(pointer).is_some(), "{pointer}");
        }
    });
    let operations = contract.operations();
    let ids: BTreeSet<_> = operations.iter().map(|(_, _, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations.len());
    for (method, path, operation) in operations {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        assert!(operation["tags"][0].is_string() && operation["security"].is_array(), "{method} {path}");
    }
}

#[tokio::test]
async fn its_examples_have_the_form_that_it_describes() {
    let contract = contract().await;
    let mut seen = 0;
    let mut see = |content: &Value, what: &str| {
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            let example = contract.resolved(example);
            let errors = contract.errors(&contract.closed(&content["schema"]), &example["value"]);
            assert!(errors.is_empty(), "{what} {name}: {errors:?}");
            seen += 1;
        }
    };
    for (method, path, operation) in contract.operations() {
        let what = format!("{method} {path}");
        see(&operation["requestBody"]["content"]["application/json"], &what);
        for response in operation["responses"].as_object().unwrap().values() {
            let contents = contract.resolved(response)["content"].as_object().cloned().unwrap_or_default();
            contents.values().for_each(|content| see(content, &what));
        }
    }
    assert!(seen > 500, "{seen}");
}

#[tokio::test]
async fn its_amounts_keep_their_decimals() {
    let text = bare().await.get("/openapi.json").await.body;
    assert!(text.contains(r#""value":{"amount":100.00,"atm_id":"ATM123"}"#));
    assert!(text.contains(r#""value":{"account_id":"12345","balance":1000.00,"currency":"USD""#));
    assert!(!text.contains('\u{e000}'));
}

#[tokio::test]
async fn it_tells_only_what_its_host_has() {
    let real = World::bare(Mode::Real, Mount::Apart).await;
    let document = &real.contract.document;
    for (path, there) in
        [("/api/accounts", true), ("/accounts/{n}/balance", false), ("/sandbox/outbox", false), ("/health/live", false)]
    {
        assert_eq!(document["paths"].get(path).is_some(), there, "{path}");
        let told = real.get(&path.replace("{n}", "10001")).await;
        assert_eq!(told.status != 404, there, "{path}");
    }
}

#[tokio::test]
async fn its_pages_load_nothing_from_elsewhere() {
    let world = bare().await;
    for path in ["/", "/docs", "/docs/errors"] {
        let told = world.get(path).await;
        assert_eq!((told.status, told.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let policy = told.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        let page = told.body.to_lowercase();
        for forbidden in
            ["<script", "<style", " style=", "javascript:", "http://", "https://", "src=", "@import", "url("]
        {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        for link in links.filter(|link| !link.starts_with('#')) {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let told = world.get(target).await;
            assert_eq!(told.status, 200, "{path}: {link}");
            assert!(anchor.is_empty() || told.body.contains(&format!("id=\"{anchor}\"")), "{path}: {link}");
        }
    }
    let (page, contract) = (world.get("/docs").await.body, &world.contract);
    for (method, path, operation) in contract.operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("<section id=\"{id}\">\n<h3><code>{method} {path}</code>")), "{method} {path}");
    }
    for name in contract.document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    let css = world.get("/docs/style.css").await.body;
    assert!(!css.contains("url(") && !css.contains("@import"));
}
