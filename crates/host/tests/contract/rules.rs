//! What the bank's rules refuse, path by path.

use cashpoint_bank::secret::Password;
use cashpoint_core::session::Role;
use serde_json::{Value, json};

use super::world::World;

/// Sends and expects a code.
macro_rules! refuses {
    ($world:expr, $line:expr, $token:expr, $body:expr, $code:expr) => {{
        let (line, body): (String, String) = ($line.into(), $body.to_string());
        let told = $world.sent(&line, $token, &body).await;
        assert_eq!(told.json()["code"], $code, "{line}: {}", told.body);
    }};
}

const NOTHING: &str = "";

/// Everything but what takes time or trouble.
pub(crate) async fn rules(world: &World) {
    cash(world).await;
    transfers(world).await;
    people(world).await;
    machines(world).await;
    cards(world).await;
    readings(world).await;
    // Last: a log-in at a machine ends the session that is there.
    log_ins(world).await;
    last_words(world).await;
    if world.bank.is_sandbox() {
        sandbox(world).await;
    }
}

async fn cash(world: &World) {
    let known = world.known.clone();
    let (card, account) = (known.card.as_str(), &known.account);
    let line = |way: &str, account: &str| format!("POST /api/accounts/{account}/{way}");
    let machine = |id: &str, kind: &str, count: u32| {
        json!({"atm_id": id, "location": "x", "kind": kind, "cassettes": [{"denomination": 20, "currency": "USD", "count": count}]})
            .to_string()
    };
    world.made_by_staff("POST /api/atms", &machine("OFF", "api", 5)).await;
    world.made_by_staff("POST /api/atms", &machine("TERM", "terminal", 5)).await;
    world.made_by_staff("POST /api/atms", &machine("POOR", "api", 2)).await;
    world.sent("PATCH /api/atms/OFF", &known.staff, r#"{"status":"inactive"}"#).await;
    let rich = rich_online(world).await;
    for way in ["withdraw", "deposit"] {
        refuses!(world, line(way, account), card, json!({"amount": 0}), "invalid_amount");
        refuses!(world, line(way, account), card, json!({"amount": 1.001}), "invalid_amount");
        refuses!(world, line(way, &known.other), card, json!({"amount": 1}), "account_not_found");
        refuses!(world, line(way, account), card, json!({"amount": 1, "atm_id": "NOWHERE"}), "atm_not_found");
        refuses!(world, line(way, account), card, json!({"amount": 1, "atm_id": "POOR"}), "atm_mismatch");
        let (token, account) = (&rich.token, &rich.account);
        if world.bank.is_sandbox() {
            refuses!(world, line(way, account), token, json!({"amount": 20, "atm_id": "OFF"}), "atm_inactive");
            refuses!(world, line(way, account), token, json!({"amount": 20, "atm_id": "TERM"}), "terminal_only");
        }
        refuses!(world, line(way, &rich.euros), token, json!({"amount": 20, "atm_id": "HALL"}), "currency_mismatch");
        refuses!(world, line(way, &rich.closed), token, json!({"amount": 20, "atm_id": "HALL"}), "account_closed");
    }
    let (token, account) = (&rich.token, &rich.account);
    refuses!(world, line("withdraw", account), token, json!({"amount": 600}), "over_transaction_limit");
    if world.bank.is_sandbox() {
        refuses!(world, line("withdraw", account), token, json!({"amount": 500, "atm_id": "POOR"}), "atm_out_of_cash");
        refuses!(
            world,
            line("withdraw", account),
            token,
            json!({"amount": 30, "atm_id": "POOR"}),
            "amount_not_dispensable"
        );
    }
    refuses!(world, line("deposit", account), token, json!({"amount": 10_001, "atm_id": "HALL"}), "over_deposit_limit");
    refuses!(
        world,
        line("withdraw", &rich.empty),
        token,
        json!({"amount": 20, "atm_id": "HALL"}),
        "insufficient_funds"
    );
    for _ in 0..4 {
        let told = world.sent(&line("withdraw", account), token, r#"{"amount":500,"atm_id":"HALL"}"#).await;
        assert_eq!(told.status, 201, "{}", told.body);
    }
    refuses!(world, line("withdraw", account), token, json!({"amount": 20, "atm_id": "HALL"}), "daily_limit_exceeded");
}

/// Somebody online with a full account, an empty one, a closed one and one in euros.
struct Rich {
    token: String,
    account: String,
    empty: String,
    closed: String,
    euros: String,
}

async fn rich_online(world: &World) -> Rich {
    let sign_up = json!({"name": "Rich", "email": "rich@example.org", "password": "correct horse",
        "account": {"type": "savings", "currency": "USD"}});
    let told = world.sent("POST /api/customers", NOTHING, &sign_up.to_string()).await.json();
    let token = told["session"]["token"].as_str().unwrap().to_owned();
    let mut opened = Vec::new();
    for currency in ["USD", "USD", "EUR"] {
        let body = json!({"type": "savings", "currency": currency}).to_string();
        let account = world.sent("POST /api/accounts", &token, &body).await.json();
        opened.push(account["account_id"].as_str().unwrap().to_owned());
    }
    let [empty, closed, euros] = <[String; 3]>::try_from(opened).unwrap();
    assert_eq!(world.sent(&format!("POST /api/accounts/{closed}/close"), &token, NOTHING).await.status, 204);
    let account = told["account_id"].as_str().unwrap().to_owned();
    let deposit = format!("POST /api/accounts/{account}/deposit");
    assert_eq!(world.sent(&deposit, &token, r#"{"amount":9000,"atm_id":"HALL"}"#).await.status, 201);
    refuses!(world, format!("POST /api/accounts/{account}/close"), &token, NOTHING, "account_not_empty");
    refuses!(world, format!("POST /api/accounts/{}/close", world.known.account), &token, NOTHING, "account_not_found");
    refuses!(world, format!("POST /api/accounts/{closed}/close"), &token, NOTHING, "account_closed");
    for (body, code) in [
        (json!({"target_account_id": account, "amount": 1}), "same_account"),
        (json!({"target_account_id": euros, "amount": 1}), "currency_mismatch"),
        (json!({"target_account_id": closed, "amount": 1}), "account_closed"),
    ] {
        refuses!(world, format!("POST /api/accounts/{account}/transfer"), &token, body, code);
    }
    Rich { token, account, empty, closed, euros }
}

async fn transfers(world: &World) {
    let known = world.known.clone();
    let line = format!("POST /api/accounts/{}/transfer", known.account);
    let to = |amount: Value| json!({"target_account_id": known.other, "amount": amount});
    refuses!(world, line.as_str(), &known.card, to(json!(0)), "invalid_amount");
    refuses!(
        world,
        line.as_str(),
        &known.card,
        json!({"target_account_id": "99999999", "amount": 1}),
        "account_not_found"
    );
    refuses!(world, line.as_str(), &known.card, json!({"target_account_id": "x", "amount": 1}), "invalid_account_id");
    refuses!(world, line.as_str(), &known.card, to(json!(1_000_000)), "insufficient_funds");
    let limit = |value: Value| json!({"daily_transfer_limit": value}).to_string();
    world.sent("PUT /api/policies", &known.staff, &limit(json!(10))).await;
    refuses!(world, line.as_str(), &known.card, to(json!(11)), "daily_limit_exceeded");
    world.sent("PUT /api/policies", &known.staff, &limit(Value::Null)).await;
}

async fn log_ins(world: &World) {
    let known = world.known.clone();
    let card = |number: &str, pin: &str, machine: &str| json!({"card_number": number, "pin": pin, "atm_id": machine});
    let line = "POST /api/sessions".to_owned();
    refuses!(world, line.as_str(), NOTHING, card(&known.card_number, &known.pin, "NOWHERE"), "atm_not_found");
    if world.bank.is_sandbox() {
        refuses!(world, line.as_str(), NOTHING, card(&known.card_number, &known.pin, "OFF"), "atm_inactive");
    } else {
        refuses!(world, line.as_str(), NOTHING, card(&known.card_number, &known.pin, "POOR"), "atm_mismatch");
    }
    refuses!(world, line.as_str(), NOTHING, card("9999000000000000", "1234", "HALL"), "wrong_credentials");
    refuses!(world, line.as_str(), NOTHING, card(&known.blocked_number, "1234", "HALL"), "card_blocked");
    for reason in ["lost", "stolen"] {
        let (_, number, pin) = world.card_holder("Di").await;
        let session = world.card_session(&number, &pin).await;
        let report = format!("POST /api/cards/{}/report", session["card_id"].as_str().unwrap());
        world.sent(&report, session["token"].as_str().unwrap(), &json!({"reason": reason}).to_string()).await;
        refuses!(world, line.as_str(), NOTHING, card(&number, &pin, "HALL"), format!("card_{reason}"));
    }
    let staff = json!({"username": "nobody", "password": "nothing at all"});
    refuses!(world, "POST /api/operators/sessions", NOTHING, staff, "wrong_credentials");
}

async fn people(world: &World) {
    let known = world.known.clone();
    let own = "PATCH /api/customers/current".to_owned();
    refuses!(world, own, &known.online, json!({"email": "rich@example.org"}), "email_taken");
    let sign_up = json!({"name": "Zoe", "email": known.email, "password": "correct horse",
        "account": {"type": "savings", "currency": "USD"}});
    refuses!(world, "POST /api/customers", NOTHING, sign_up, "email_taken");
    let line = "POST /api/operators/customers".to_owned();
    let account = |balance: Value| json!([{"type": "savings", "currency": "USD", "opening_balance": balance}]);
    let wrong = json!({"name": "Ed", "accounts": account(json!("0.001"))});
    refuses!(world, line.as_str(), &known.staff, wrong, "invalid_amount");
    let taken = json!({"name": "Ed", "email": known.email, "accounts": account(json!(0))});
    refuses!(world, line.as_str(), &known.staff, taken, "email_taken");
    let change = json!({"old_password": "wrong horse", "new_password": "battery staple"});
    refuses!(world, "PUT /api/customers/current/password", &known.online, change, "wrong_credentials");
    let stranger = json!({"pigeon": "all"});
    let wishes = "PUT /api/customers/current/notifications".to_owned();
    refuses!(world, wishes, &known.online, stranger, "invalid_request");
}

async fn machines(world: &World) {
    let staff = world.known.staff.clone();
    let counter = json!({"counter_id": "HALL", "location": "x"});
    refuses!(world, "POST /api/counters", &staff, counter, "atm_id_taken");
    let atm = |id: &str, note: Value| json!({"atm_id": id, "location": "x", "kind": "api", "cassettes": [{"denomination": note, "currency": "USD", "count": 5}]});
    refuses!(world, "POST /api/atms", &staff, atm("HALL", json!(20)), "atm_id_taken");
    refuses!(world, "POST /api/atms", &staff, atm("NEW", json!(0)), "invalid_amount");
    refuses!(world, "GET /api/atms/NOWHERE", &staff, NOTHING, "atm_not_found");
    refuses!(world, "PATCH /api/atms/NOWHERE", &staff, json!({"location": "x"}), "atm_not_found");
    let count = |note: Value| json!({"cassettes": [{"denomination": note, "counted_out": 1, "counted_in": 1}]});
    refuses!(world, "POST /api/atms/NOWHERE/enrolment-codes", &staff, NOTHING, "atm_not_found");
    refuses!(world, "POST /api/atms/NOWHERE/replenishments", &staff, count(json!(20)), "atm_not_found");
    refuses!(world, "POST /api/atms/HALL/replenishments", &staff, count(json!(0)), "invalid_amount");
    refuses!(world, "POST /api/atms/HALL/replenishments", &staff, count(json!(7)), "invalid_request");
    refuses!(world, "POST /api/atms/TERM/replenishments", &staff, count(json!(20)), "terminal_only");
    let ended = world.sent("POST /api/atms/UNIT/replenishments", &staff, r#"{"cassettes":[]}"#).await;
    assert_eq!(ended.status, 202, "{}", ended.body);
    refuses!(world, "POST /api/atms/UNIT/replenishments", &staff, count(json!(20)), "replenishment_open");
    refuses!(world, "GET /api/atms/UNIT/replenishments/9", &staff, NOTHING, "not_found");
    refuses!(world, "GET /api/atms/NOWHERE/replenishments/1", &staff, NOTHING, "atm_not_found");
    terminals(world).await;
    refuses!(world, "GET /api/transactions?atm_id=NOWHERE", &staff, NOTHING, "atm_not_found");
    refuses!(world, "GET /api/transactions", &staff, NOTHING, "invalid_request");
    refuses!(world, "PUT /api/policies", &staff, json!({"withdrawal_limit": -1}), "invalid_amount");
    refuses!(world, "PUT /api/policies", &staff, json!({"pin_tries": 1_000}), "invalid_request");
}

/// What staff say of terminals, and of the cases that they leave.
async fn terminals(world: &World) {
    let staff = world.known.staff.clone();
    let limited = |limit: Value| {
        json!({"partition": {"balance": "stale", "deposit": "store", "transfer": "refuse", "withdrawal": "limited",
            "card_limit": limit, "outage_limit": "2000", "hot_list_age_s": 900, "lease": 1000}})
    };
    refuses!(world, "PATCH /api/atms/UNIT", &staff, limited(json!("0.001")), "invalid_amount");
    for (machine, body) in
        [("HALL", limited(json!(200))), ("TERM", limited(json!(200))), ("HALL", json!({"journal": "accept"}))]
    {
        refuses!(world, format!("PATCH /api/atms/{machine}"), &staff, body, "invalid_request");
    }
    for body in [limited(json!(200)), json!({"journal": "accept"})] {
        let told = world.sent("PATCH /api/atms/UNIT", &staff, &body.to_string()).await;
        assert_eq!(
            (told.status, &told.json()["terminal"]["partition"]["card_limit"]),
            (200, &json!(200.0)),
            "{}",
            told.body
        );
    }
    let told = world.sent("PATCH /api/atms/UNIT", &staff, r#"{"partition":null}"#).await;
    assert_eq!((told.status, &told.json()["terminal"]["partition"]), (200, &Value::Null), "{}", told.body);
    refuses!(world, "GET /api/cases/77", &staff, NOTHING, "not_found");
    refuses!(world, "GET /api/cases/x", &staff, NOTHING, "not_found");
    refuses!(world, "GET /api/cases?status=shut", &staff, NOTHING, "invalid_request");
    refuses!(world, "POST /api/cases/77/resolve", &staff, json!({"paid": 0}), "not_found");
    let resolve = format!("POST /api/cases/{}/resolve", world.known.cases[1]);
    refuses!(world, resolve.as_str(), &staff, json!({"paid": "60.01"}), "invalid_amount");
    let told = world.sent(&resolve, &staff, r#"{"paid":0}"#).await;
    assert_eq!((told.status, &told.json()["paid"]), (200, &json!(0.0)), "{}", told.body);
    refuses!(world, resolve.as_str(), &staff, json!({"paid": 0}), "reversed");
    let waiting = world.sent("GET /api/cases", &staff, NOTHING).await.json();
    assert_eq!(waiting["cases"].as_array().map(Vec::len), Some(1), "{waiting}");
    let page = world.sent("GET /api/cases?status=all&limit=1", &staff, NOTHING).await.json();
    let next = format!("GET /api/cases?status=all&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = world.sent(&next, &staff, NOTHING).await.json();
    assert_eq!((&rest["cases"][0]["case_id"], &rest["next_cursor"]), (&json!(world.known.cases[1]), &Value::Null));
}

async fn cards(world: &World) {
    let known = world.known.clone();
    let card = |customer: &str, account: &str| json!({"customer_id": customer, "account_ids": [account]});
    let line = "POST /api/cards";
    refuses!(world, line, &known.staff, card("999999999", &known.empty), "not_found");
    refuses!(world, line, &known.staff, card(&known.customer, &known.other), "account_not_found");
    refuses!(world, line, &known.staff, card(&known.customer, "x"), "invalid_account_id");
    let opened = world.sent("POST /api/accounts", &known.online, r#"{"type":"savings","currency":"USD"}"#).await.json();
    let opened = opened["account_id"].as_str().unwrap().to_owned();
    world.sent(&format!("POST /api/accounts/{opened}/close"), &known.online, NOTHING).await;
    refuses!(world, line, &known.staff, card(&known.customer, &opened), "account_closed");
    let mut taken = card(&known.customer, &known.empty);
    taken["card_number"] = json!(known.card_number);
    refuses!(world, line, &known.staff, taken, "card_number_taken");
    let pins = json!({"old_pin": "1234", "new_pin": "4321"});
    refuses!(world, "PUT /api/cards/77/pin", &known.card, pins, "not_found");
    let wrong = json!({"old_pin": "0000", "new_pin": "4321"});
    refuses!(world, format!("PUT /api/cards/{}/pin", known.card_id), &known.card, wrong, "wrong_credentials");
    for line in ["POST /api/cards/77/pin", "POST /api/cards/77/unblock", "DELETE /api/cards/77"] {
        refuses!(world, line, &known.staff, NOTHING, "not_found");
    }
    refuses!(world, "POST /api/cards/77/report", &known.staff, json!({"reason": "lost"}), "not_found");
    let blocked = format!("/api/cards/{}", known.blocked_card_id);
    let pins = json!({"old_pin": "1234", "new_pin": "4321"});
    refuses!(world, format!("PUT {blocked}/pin"), &known.blocked, pins, "card_blocked");
    refuses!(world, format!("POST {blocked}/report"), &known.blocked, json!({"reason": "lost"}), "card_blocked");
    let password = Password::choose("correct horse").unwrap();
    world.bank.add_operator("kay", Role::Custodian, password).unwrap().unwrap();
    let log_in = json!({"username": "kay", "password": "correct horse"}).to_string();
    let kay = world.sent("POST /api/operators/sessions", NOTHING, &log_in).await.json();
    let kay = kay["token"].as_str().unwrap();
    refuses!(world, format!("POST {blocked}/report"), kay, json!({"reason": "lost"}), "forbidden");
}

/// A blocked card's session may end itself.
async fn last_words(world: &World) {
    let told = world.sent("DELETE /api/sessions/current", &world.known.blocked, NOTHING).await;
    assert_eq!(told.status, 204, "{}", told.body);
}

async fn readings(world: &World) {
    let known = world.known.clone();
    for rest in ["balance", "transactions"] {
        let line = format!("GET /api/accounts/{}/{rest}", known.other);
        refuses!(world, line.as_str(), &known.card, NOTHING, "account_not_found");
    }
    let line = "GET /api/transactions/01901234-5678-7abc-8def-0123456789ab".to_owned();
    refuses!(world, line.as_str(), &known.card, NOTHING, "transaction_not_found");
    for query in ["limit=0", "from=yesterday", "type=gift", "cursor=x"] {
        let line = format!("GET /api/accounts/{}/transactions?{query}", known.account);
        refuses!(world, line.as_str(), &known.card, NOTHING, "invalid_request");
    }
}

async fn sandbox(world: &World) {
    let error = |line: &'static str, body: &'static str, host: &'static str, status: u16| async move {
        let mut headers = vec![("host", host)];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let told = world.with(line, &headers, body).await;
        assert_eq!(told.status, status, "{line}: {}", told.body);
    };
    for (line, body) in [
        ("GET /accounts/10001/balance", ""),
        ("POST /accounts/10001/withdraw", r#"{"amount":1}"#),
        ("POST /accounts/10001/deposit", r#"{"amount":1}"#),
        ("GET /sandbox/outbox?customer_id=2", ""),
    ] {
        error(line, body, "example.org", 403).await;
    }
    error("GET /accounts/99999/balance", "", "localhost", 404).await;
    for line in ["POST /accounts/99999/withdraw", "POST /accounts/99999/deposit"] {
        error(line, r#"{"amount":1}"#, "localhost", 404).await;
    }
    for line in ["POST /accounts/10001/withdraw", "POST /accounts/10001/deposit"] {
        error(line, r#"{"amount":0}"#, "localhost", 400).await;
        error(line, r#"{"amount":"x"}"#, "localhost", 400).await;
    }
    error("POST /accounts/10001/withdraw", r#"{"amount":1000000}"#, "localhost", 400).await;
    error("GET /sandbox/outbox", "", "localhost", 400).await;
}

/// A card's time passes while its session lives.
pub(crate) async fn an_expired_card(world: &World) {
    let (account, number, pin) = world.card_holder("Fay").await;
    // Three years, and the rest of the month: the session begins a minute before.
    let expires = world.clock_of_expiry();
    world.clock.advance(expires - std::time::Duration::from_secs(60));
    let session = world.card_session(&number, &pin).await;
    let (token, card) =
        (session["token"].as_str().unwrap().to_owned(), session["card_id"].as_str().unwrap().to_owned());
    world.clock.advance(std::time::Duration::from_secs(120));
    for (line, body) in [
        (format!("GET /api/accounts/{account}/balance"), String::new()),
        (format!("POST /api/accounts/{account}/withdraw"), json!({"amount": 20}).to_string()),
        (format!("POST /api/accounts/{account}/deposit"), json!({"amount": 20}).to_string()),
        (
            format!("POST /api/accounts/{account}/transfer"),
            json!({"target_account_id": world.known.other, "amount": 1}).to_string(),
        ),
        (format!("PUT /api/cards/{card}/pin"), json!({"old_pin": pin, "new_pin": "8520"}).to_string()),
    ] {
        refuses!(world, line.as_str(), &token, body, "card_expired");
    }
    let log_in = json!({"card_number": number, "pin": pin, "atm_id": "HALL"});
    refuses!(world, "POST /api/sessions", NOTHING, log_in, "card_expired");
}

impl World {
    /// From now to the end of the month three years on: cards of today expire then.
    fn clock_of_expiry(&self) -> std::time::Duration {
        use cashpoint_bank::clock::Clock;
        use cashpoint_core::time::BusinessDate;
        let now = self.clock.wall().micros();
        let today = BusinessDate::from_days(i32::try_from(now.div_euclid(86_400_000_000)).unwrap());
        let (year, month, _) = today.civil();
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let first = BusinessDate::from_civil(year + 3, month, 1).unwrap();
        let until = i64::from(first.days()) * 86_400_000_000 - now;
        std::time::Duration::from_micros(u64::try_from(until).unwrap())
    }
}
