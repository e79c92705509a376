//! What is tried on every path alike.

use serde_json::{Value, json};

use super::world::{Who, World};

/// A request that a path takes.
pub(crate) struct Good {
    pub(crate) line: String,
    pub(crate) who: Who,
    pub(crate) body: String,
}

impl World {
    /// A request that the operation takes, once and in this order.
    pub(crate) fn good(&self, id: &str) -> Good {
        let known = &self.known;
        let (account, card, empty) = (&known.account, &known.card_id, &known.empty);
        let plain = |line: String, who: Who| Good { line, who, body: String::new() };
        let with = |line: String, who: Who, body: Value| Good { line, who, body: body.to_string() };
        let own = |rest: &str| format!("/api/accounts/{account}/{rest}");
        match id {
            "listAccounts" => plain("GET /api/accounts".into(), Who::Card),
            "openAccount" => {
                with("POST /api/accounts".into(), Who::Online, json!({"type": "savings", "currency": "USD"}))
            }
            "closeAccount" => plain(format!("POST /api/accounts/{empty}/close"), Who::Online),
            "getBalance" => plain(format!("GET {}", own("balance")), Who::Card),
            "withdraw" => with(format!("POST {}", own("withdraw")), Who::Card, json!({"amount": 20, "atm_id": "HALL"})),
            "deposit" => with(format!("POST {}", own("deposit")), Who::Card, json!({"amount": "20.00"})),
            "transfer" => with(
                format!("POST {}", own("transfer")),
                Who::Card,
                json!({"target_account_id": known.other, "amount": 1.5}),
            ),
            "listTransactions" => {
                let query = "type=deposit&from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z&limit=5";
                plain(format!("GET {}?{query}", own("transactions")), Who::Card)
            }
            "listMachineTransactions" => plain("GET /api/transactions?atm_id=HALL&limit=5".into(), Who::Staff),
            "getTransaction" => plain(format!("GET /api/transactions/{}", known.transaction), Who::Card),
            "logIn" => with(
                "POST /api/sessions".into(),
                Who::Nobody,
                json!({"email": known.email, "password": known.password}),
            ),
            "getSession" => plain("GET /api/sessions/current".into(), Who::Card),
            "logOut" => plain("DELETE /api/sessions/current".into(), Who::Online),
            "logInOperator" => with(
                "POST /api/operators/sessions".into(),
                Who::Nobody,
                json!({"username": known.username, "password": known.staff_password}),
            ),
            "signUp" => with(
                "POST /api/customers".into(),
                Who::Nobody,
                json!({"name": "Ann", "email": "ann@example.org", "password": "correct horse", "phone": "+1 555 0100",
                    "address": "1 Road\nTown", "account": {"type": "checking", "currency": "EUR"}}),
            ),
            "getCustomer" => plain("GET /api/customers/current".into(), Who::Online),
            "updateCustomer" => with(
                "PATCH /api/customers/current".into(),
                Who::Online,
                json!({"name": "Zoë", "phone": "+1 555 0101", "address": null}),
            ),
            "changePassword" => with(
                "PUT /api/customers/current/password".into(),
                Who::Online,
                json!({"old_password": known.password, "new_password": known.password}),
            ),
            "createCustomer" => with(
                "POST /api/operators/customers".into(),
                Who::Staff,
                json!({"name": "Cy", "email": "cy@example.org", "accounts": [
                    {"type": "checking", "currency": "USD", "opening_balance": "50"}, {"type": "savings", "currency": "JPY"}]}),
            ),
            "getNotificationWishes" => plain("GET /api/customers/current/notifications".into(), Who::Online),
            "changeNotificationWishes" => with(
                "PUT /api/customers/current/notifications".into(),
                Who::Online,
                json!({"email": ["withdrawal"], "webhook": "none"}),
            ),
            "listDeadLetters" => plain("GET /api/notifications/dead?limit=5".into(), Who::Staff),
            "issueCard" => with(
                "POST /api/cards".into(),
                Who::Staff,
                json!({"customer_id": known.customer, "account_ids": [known.empty], "pin": "8520"}),
            ),
            "changePin" => with(
                format!("PUT /api/cards/{card}/pin"),
                Who::Card,
                json!({"old_pin": known.pin, "new_pin": known.pin}),
            ),
            "resetPin" => plain(format!("POST /api/cards/{card}/pin"), Who::Staff),
            "unblockCard" => plain(format!("POST /api/cards/{card}/unblock"), Who::Staff),
            "reportCard" => with(format!("POST /api/cards/{card}/report"), Who::Staff, json!({"reason": "lost"})),
            "removeCard" => plain(format!("DELETE /api/cards/{card}"), Who::Staff),
            _ => self.good_elsewhere(id),
        }
    }

    fn good_elsewhere(&self, id: &str) -> Good {
        let plain = |line: &str, who: Who| Good { line: line.to_owned(), who, body: String::new() };
        let with = |line: &str, who: Who, body: Value| Good { line: line.to_owned(), who, body: body.to_string() };
        match id {
            "listCounters" => plain("GET /api/counters", Who::Staff),
            "createCounter" => with("POST /api/counters", Who::Staff, json!({"counter_id": "C1", "location": "Lobby"})),
            "listAtms" => plain("GET /api/atms", Who::Staff),
            "createAtm" => with(
                "POST /api/atms",
                Who::Staff,
                json!({"atm_id": "A1", "location": "Lobby", "kind": "terminal",
                    "cassettes": [{"denomination": 20, "currency": "USD", "count": 5}]}),
            ),
            "getAtm" => plain("GET /api/atms/HALL", Who::Staff),
            "updateAtm" => {
                with("PATCH /api/atms/HALL", Who::Staff, json!({"location": "Old hall", "status": "active"}))
            }
            "issueEnrolmentCode" => plain("POST /api/atms/UNIT/enrolment-codes", Who::Staff),
            "replenishAtm" => with(
                "POST /api/atms/HALL/replenishments",
                Who::Staff,
                json!({"cassettes": [{"denomination": 20, "counted_out": 498, "counted_in": 500}], "deposit_bin": 0}),
            ),
            "getReplenishment" => plain("GET /api/atms/UNIT/replenishments/1", Who::Staff),
            "listCases" => plain("GET /api/cases?status=all&limit=5", Who::Staff),
            "getCase" => plain(&format!("GET /api/cases/{}", self.known.cases[0]), Who::Staff),
            "resolveCase" => {
                with(&format!("POST /api/cases/{}/resolve", self.known.cases[0]), Who::Staff, json!({"paid": "20.00"}))
            }
            "getPolicies" => plain("GET /api/policies", Who::Staff),
            "changePolicies" => {
                with("PUT /api/policies", Who::Staff, json!({"withdrawal_limit": 500, "daily_transfer_limit": null}))
            }
            "tellerBalance" => plain("GET /accounts/10001/balance", Who::Nobody),
            "tellerWithdraw" => with("POST /accounts/10001/withdraw", Who::Nobody, json!({"amount": 1})),
            "tellerDeposit" => with("POST /accounts/10001/deposit", Who::Nobody, json!({"amount": 1})),
            "listNotifications" => plain("GET /sandbox/outbox?customer_id=2&after=0&limit=5", Who::Nobody),
            "getLiveness" => plain("GET /health/live", Who::Nobody),
            "getReadiness" => plain("GET /health/ready", Who::Nobody),
            "getMetrics" => plain("GET /metrics", Who::Nobody),
            "getStart" => plain("GET /", Who::Nobody),
            "getDocument" => plain("GET /openapi.json", Who::Nobody),
            "getDocumentation" => plain("GET /docs", Who::Nobody),
            "getErrorCodes" => plain("GET /docs/errors", Who::Nobody),
            "getStyle" => plain("GET /docs/style.css", Who::Nobody),
            other => panic!("this test does not know how to ask for {other}: tell it in `good`"),
        }
    }

    /// Every operation's name, those last that end what the others need.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self
            .contract
            .operations()
            .iter()
            .map(|(_, _, operation)| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        let last = ["closeAccount", "resetPin", "unblockCard", "reportCard", "removeCard", "logOut"];
        ids.sort_by_key(|id| last.iter().position(|own| own == id).map_or(0, |at| at + 1));
        ids
    }

    fn operation(&self, id: &str) -> &Value {
        let operations = self.contract.operations();
        operations.into_iter().find(|(_, _, own)| own["operationId"] == id).map(|(_, _, own)| own).unwrap()
    }

    fn has(&self, id: &str, status: &str) -> bool {
        !self.operation(id)["responses"][status].is_null()
    }

    fn is_keyed(&self, id: &str) -> bool {
        let parameters = self.operation(id)["parameters"].as_array();
        parameters.into_iter().flatten().any(|own| own["name"] == "Idempotency-Key")
    }
}

/// Form, size, method, media type, sessions: everything that a client can get wrong without knowing what it does.
pub(crate) async fn wrongs(world: &World) {
    for id in world.ids() {
        let good = world.good(&id);
        let (method, path) = good.line.split_once(' ').unwrap();
        let told = world.with(&format!("TRACE {path}"), &[], "").await;
        assert_eq!(told.status, 405, "{id}");
        let told = world.with(&good.line, &[("content-length", "65537")], "").await;
        assert_eq!(told.status, 413, "{id}");
        let token = world.token_of(good.who).to_owned();
        if world.has(&id, "400") {
            let separator = if path.contains('?') { '&' } else { '?' };
            let told = world.sent(&format!("{method} {path}{separator}nonsense=1"), &token, &good.body).await;
            assert_eq!((told.status, told.body.contains("nonsense") || id.starts_with("teller")), (400, true), "{id}");
        }
        if world.has(&id, "401") && good.who != Who::Nobody {
            for wrong in ["", "nonsense", &format!("cps_{}", "A".repeat(43))] {
                assert_eq!(world.sent(&good.line, wrong, &good.body).await.status, 401, "{id}");
            }
            let told = world.sent(&good.line, &world.known.dead, &good.body).await;
            assert_eq!(told.json()["code"], "session_expired", "{id}");
        }
        bodies(world, &id).await;
        let accounts = [world.known.account.as_str(), &world.known.empty, "10001"];
        if accounts.iter().any(|account| path.contains(account)) {
            let line = accounts.iter().fold(good.line.clone(), |line, account| line.replace(account, "1234"));
            assert_eq!(world.sent(&line, &token, &good.body).await.status, 400, "{id}");
        }
    }
    world.sent("GET /nowhere", "", "").await;
}

/// Bodies without a field, with one too many, of another type.
async fn bodies(world: &World, id: &str) {
    let good = world.good(id);
    let token = world.token_of(good.who).to_owned();
    if good.body.is_empty() {
        if good.line.starts_with("POST") {
            assert_eq!(world.sent(&good.line, &token, "{}").await.status, 400, "{id}");
        }
        return;
    }
    let authorization = format!("Bearer {token}");
    for other in ["text/plain", ""] {
        let told =
            world.with(&good.line, &[("authorization", &authorization), ("content-type", other)], &good.body).await;
        assert_eq!(told.status, 415, "{id}");
    }
    assert_eq!(world.sent(&good.line, &token, "{").await.status, 400, "{id}");
    let operation = world.operation(id);
    let body: Value = serde_json::from_str(&good.body).unwrap();
    let mut tries = vec![("nonsense".to_owned(), changed(&body, "nonsense", json!(1)))];
    for (field, value) in body.as_object().unwrap() {
        let mut without = body.clone();
        without.as_object_mut().unwrap().remove(field);
        tries.push((field.clone(), without));
        tries.push((field.clone(), changed(&body, field, json!({"x": value}))));
        tries.push((field.clone(), changed(&body, field, json!(true))));
    }
    for (field, body) in tries {
        // What the document has nothing against may be taken, and then everything would be done many times.
        if !world.contract.body_errors(operation, &body).is_empty() {
            let told = world.sent(&good.line, &token, &body.to_string()).await;
            assert_eq!(told.status, 400, "{id}: {body}: {}", told.body);
            assert!(told.body.contains(&field) || id.starts_with("teller") || id == "logIn", "{id}: {}", told.body);
        }
    }
}

fn changed(body: &Value, field: &str, value: Value) -> Value {
    let mut changed = body.clone();
    changed[field] = value;
    changed
}

/// Sessions of every kind on every path: who may not is told so, and a blocked card's session is told of that.
pub(crate) async fn strangers(world: &World) {
    for id in world.ids() {
        let good = world.good(&id);
        for stranger in [Who::Card, Who::Online, Who::Staff] {
            let token = world.token_of(stranger).to_owned();
            // Who may do it is asked later, in the right order.
            if stranger != good.who && good.who != Who::Nobody && !ends_a_session(&id) {
                world.sent(&good.line, &token, &good.body).await;
            }
        }
        if good.who != Who::Nobody && id != "logOut" {
            world.sent(&good.line, &world.known.blocked, &good.body).await;
        }
    }
    let (other, blocked) = (&world.known.other, &world.known.blocked);
    for (line, body) in [
        (format!("GET /api/accounts/{other}/balance"), ""),
        (format!("GET /api/accounts/{other}/transactions"), ""),
        (format!("POST /api/accounts/{other}/withdraw"), r#"{"amount":20,"atm_id":"YARD"}"#),
        (format!("POST /api/accounts/{other}/deposit"), r#"{"amount":20,"atm_id":"YARD"}"#),
    ] {
        assert_eq!(world.sent(&line, blocked, body).await.status, 423, "{line}");
    }
    let line = format!("POST /api/accounts/{other}/transfer");
    let body = json!({"target_account_id": world.known.account, "amount": 1}).to_string();
    assert_eq!(world.sent(&line, blocked, &body).await.status, 423);
}

fn ends_a_session(id: &str) -> bool {
    matches!(id, "logOut" | "reportCard" | "removeCard" | "resetPin" | "getSession")
}

/// What a path takes, it answers as described; under its key it answers the same again, and refuses something else.
pub(crate) async fn rights(world: &World) {
    let prime = |n: u32| format!("used-{n}");
    let desk = |n: u32| json!({"counter_id": format!("P{n}"), "location": "Lobby"}).to_string();
    for n in [1, 2] {
        world.keyed("POST /api/counters", &world.known.staff, &desk(n), &prime(n)).await;
        let line = format!("POST /api/accounts/{}/deposit", world.known.account);
        world.keyed(&line, &world.known.card, &json!({"amount": n}).to_string(), &prime(n)).await;
        let line = format!("POST /api/accounts/{}/transfer", world.known.empty);
        let body = json!({"target_account_id": world.known.other, "amount": n}).to_string();
        world.keyed(&line, &world.known.online, &body, &prime(n)).await;
        let (line, body) = ("POST /accounts/10002/deposit", json!({"amount": n}).to_string());
        world.keyed(line, "", &body, &prime(n)).await;
    }
    for id in world.ids() {
        let good = world.good(&id);
        let token = world.token_of(good.who).to_owned();
        if !world.is_keyed(&id) {
            let told = world.sent(&good.line, &token, &good.body).await;
            assert!(told.status < 300, "{id}: {}", told.body);
            continue;
        }
        let told = world.keyed(&good.line, &token, &good.body, "sp ace").await;
        assert_eq!(told.status, 400, "{id}: {}", told.body);
        let told = world.keyed(&good.line, &token, &good.body, &prime(1)).await;
        assert!(matches!(told.status, 422 | 400), "{id}: {}", told.body);
        let key = format!("key-{id}");
        let told = world.keyed(&good.line, &token, &good.body, &key).await;
        assert!(told.status < 300, "{id}: {}", told.body);
        assert_eq!((told.header("idempotency-key"), told.header("idempotent-replayed")), (key.as_str(), ""), "{id}");
        let again = world.keyed(&good.line, &token, &good.body, &key).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (told.status, "true"), "{id}");
    }
}

/// What the document shows, the host can read.
pub(crate) async fn examples(world: &World) {
    let mut shown = 0;
    for id in world.ids() {
        let examples = world.operation(&id)["requestBody"]["content"]["application/json"]["examples"].clone();
        for (name, example) in examples.as_object().into_iter().flatten() {
            let good = world.good(&id);
            let body = example["value"].to_string();
            let told = world.sent(&good.line, world.token_of(good.who), &body).await;
            assert!(
                !matches!(told.status, 400 | 415) || told.body.contains("Insufficient"),
                "{id} {name}: {}",
                told.body
            );
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown}");
}
