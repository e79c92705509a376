//! The classic demonstrations, played against a running demo and told in words.
//!
//! The tour makes its own customers, cards and machine: it leaves the play people alone, and can be played again.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Plays all demonstrations; gives how many differed from what the rules say.
pub(crate) fn play(url: &str, out: &mut impl std::io::Write) -> Result<u32> {
    let stage = Stage::set(url)?;
    let acts: [(&str, Act); 5] = [
        ("Log in and balance", log_in_and_balance),
        ("Withdrawal", withdrawal),
        ("Insufficient funds", insufficient_funds),
        ("Daily limit", daily_limit),
        ("Blocked card", blocked_card),
    ];
    let mut differed = 0;
    for (number, (title, act)) in acts.into_iter().enumerate() {
        writeln!(out, "{}. {title}", number + 1)?;
        let mut told = Told { out: &mut *out, differences: 0 };
        act(&stage, &mut told)?;
        if told.differences > 0 {
            differed += 1;
        }
    }
    match differed {
        0 => writeln!(out, "All five went as they should.")?,
        _ => writeln!(out, "{differed} of 5 differed from the rules.")?,
    }
    Ok(differed)
}

type Act = fn(&Stage, &mut Told<'_>) -> Result<()>;

/// Tells the story, and holds each answer against what the rules say.
struct Told<'a> {
    out: &'a mut dyn std::io::Write,
    differences: u32,
}

impl Told<'_> {
    fn say(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "   {text}").context("standard output")
    }

    /// One answer: its status, and the members that must stand in it.
    fn expect(&mut self, what: &str, answer: &Answer, status: u16, members: &[(&str, Value)]) -> Result<()> {
        let differing: Vec<String> = members
            .iter()
            .filter(|(name, value)| answer.body[*name] != *value)
            .map(|(name, value)| format!("{name} should be {value} and is {}", answer.body[*name]))
            .collect();
        if answer.status == status && differing.is_empty() {
            return self.say(&format!("{what}: {}", answer.in_words()));
        }
        self.differences += 1;
        let wrong =
            if answer.status == status { differing.join("; ") } else { format!("the status should be {status}") };
        self.say(&format!("{what}: {}", answer.in_words()))?;
        self.say(&format!("DIFFERS: {wrong}"))
    }
}

struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn in_words(&self) -> String {
        let body = &self.body;
        let shown = ["code", "amount", "balance", "fee", "available", "remaining", "blocked_until"]
            .iter()
            .filter(|name| !body[**name].is_null())
            .map(|name| match &body[*name] {
                Value::Number(amount) => format!("{name} {:.2}", amount.as_f64().unwrap_or(f64::NAN)),
                other @ (Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                    format!("{name} {}", other.to_string().trim_matches('"'))
                }
            });
        let shown: Vec<String> = shown.collect();
        format!("{} ({})", self.status, if shown.is_empty() { "done".to_owned() } else { shown.join(", ") })
    }

    fn text(&self, pointer: &str) -> Result<String> {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("the answer has no {pointer}: {} {}", self.status, self.body))
    }
}

/// The running demo, a machine of the tour's own, and staff to make customers.
struct Stage {
    agent: ureq::Agent,
    url: String,
    staff: String,
    machine: String,
}

/// A customer with a card.
struct Player {
    card: String,
    pin: &'static str,
}

impl Stage {
    fn set(url: &str) -> Result<Self> {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut stage =
            Self { agent, url: url.trim_end_matches('/').to_owned(), staff: String::new(), machine: String::new() };
        let staff = json!({"username": "operator", "password": "operator"});
        let answer = stage.post("/api/operators/sessions", "", staff)?;
        if answer.status != 201 {
            bail!("{url} is no sandbox of Cashpoint: its operator cannot log in ({} {})", answer.status, answer.body);
        }
        stage.staff = answer.text("/token")?;
        let taken = stage.send("GET", "/api/atms", &stage.staff, None)?;
        let count = taken.body["atms"].as_array().map_or(0, Vec::len);
        stage.machine = format!("TOUR{count}");
        let cassettes = json!([{"denomination": 50.00, "currency": "USD", "count": 200}]);
        let machine = json!({"atm_id": stage.machine, "location": "On tour", "kind": "api", "cassettes": cassettes});
        let made = stage.post("/api/atms", &stage.staff, machine)?;
        if made.status != 201 {
            bail!("the tour's machine cannot be made: {} {}", made.status, made.body);
        }
        Ok(stage)
    }

    fn player(&self, name: &str, balance: &str) -> Result<Player> {
        let pin = "2580";
        let account = json!({"type": "savings", "currency": "USD", "opening_balance": balance});
        let made = self.post("/api/operators/customers", &self.staff, json!({"name": name, "accounts": [account]}))?;
        let card = json!({"customer_id": made.text("/customer_id")?, "account_ids": [made.text("/accounts/0/account_id")?], "pin": pin});
        let card = self.post("/api/cards", &self.staff, card)?.text("/card_number")?;
        Ok(Player { card, pin })
    }

    fn log_in(&self, player: &Player, pin: &str) -> Result<Answer> {
        let body = json!({"card_number": player.card, "pin": pin, "atm_id": self.machine});
        self.post("/api/sessions", "", body)
    }

    /// Logs in and gives token and account.
    fn visit(&self, player: &Player) -> Result<(String, String)> {
        let session = self.log_in(player, player.pin)?;
        Ok((session.text("/token")?, session.text("/accounts/0/account_id")?))
    }

    fn withdraw(&self, token: &str, account: &str, amount: &str) -> Result<Answer> {
        let body = json!({"amount": amount, "atm_id": self.machine});
        self.post(&format!("/api/accounts/{account}/withdraw"), token, body)
    }

    fn balance(&self, token: &str, account: &str) -> Result<Answer> {
        self.send("GET", &format!("/api/accounts/{account}/balance"), token, None)
    }

    fn post(&self, path: &str, token: &str, body: Value) -> Result<Answer> {
        self.send("POST", path, token, Some(body))
    }

    fn send(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Result<Answer> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let reached = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string())?;
                self.agent.run(request)
            }
            None => self.agent.run(request.body(())?),
        };
        let mut response =
            reached.with_context(|| format!("{} does not answer; is `cashpoint demo` running?", self.url))?;
        let text = response.body_mut().read_to_string()?;
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).context("an answer in JSON")? };
        Ok(Answer { status: response.status().as_u16(), body })
    }
}

fn log_in_and_balance(stage: &Stage, told: &mut Told<'_>) -> Result<()> {
    let player = stage.player("Ann Tour", "1500.00")?;
    let session = stage.log_in(&player, player.pin)?;
    told.expect("Ann puts in her card and types her PIN", &session, 201, &[])?;
    let (token, account) = (session.text("/token")?, session.text("/accounts/0/account_id")?);
    told.expect("She asks for her balance", &stage.balance(&token, &account)?, 200, &[("balance", json!(1500.00))])
}

fn withdrawal(stage: &Stage, told: &mut Told<'_>) -> Result<()> {
    let (token, account) = stage.visit(&stage.player("Ben Tour", "1000.00")?)?;
    let paid = stage.withdraw(&token, &account, "100.00")?;
    told.expect(
        "Ben, who has 1000.00, withdraws 100.00",
        &paid,
        201,
        &[("balance", json!(900.00)), ("fee", json!(0.00))],
    )?;
    told.expect("His balance says the same", &stage.balance(&token, &account)?, 200, &[("balance", json!(900.00))])
}

fn insufficient_funds(stage: &Stage, told: &mut Told<'_>) -> Result<()> {
    let (token, account) = stage.visit(&stage.player("Cy Tour", "200.00")?)?;
    let refused = stage.withdraw(&token, &account, "300.00")?;
    let members = [("code", json!("insufficient_funds")), ("available", json!(200.00))];
    told.expect("Cy, who has 200.00, asks for 300.00", &refused, 422, &members)?;
    told.expect("Nothing was taken", &stage.balance(&token, &account)?, 200, &[("balance", json!(200.00))])
}

fn daily_limit(stage: &Stage, told: &mut Told<'_>) -> Result<()> {
    let (token, account) = stage.visit(&stage.player("Di Tour", "3000.00")?)?;
    for time in ["first", "second", "third", "fourth"] {
        let paid = stage.withdraw(&token, &account, "450.00")?;
        told.expect(&format!("Di, who has 3000.00, withdraws 450.00 a {time} time"), &paid, 201, &[])?;
    }
    let refused = stage.withdraw(&token, &account, "300.00")?;
    let members = [("code", json!("daily_limit_exceeded")), ("remaining", json!(200.00))];
    told.expect("300.00 more would pass 2000.00 on one day", &refused, 422, &members)
}

fn blocked_card(stage: &Stage, told: &mut Told<'_>) -> Result<()> {
    let player = stage.player("Ed Tour", "500.00")?;
    for time in ["first", "second", "third"] {
        let refused = stage.log_in(&player, "0852")?;
        told.expect(
            &format!("Ed types a wrong PIN a {time} time"),
            &refused,
            401,
            &[("code", json!("wrong_credentials"))],
        )?;
    }
    let blocked = stage.log_in(&player, player.pin)?;
    told.expect("Now even the right one is not looked at", &blocked, 423, &[("code", json!("card_blocked"))])?;
    if blocked.body["blocked_until"].is_null() {
        told.differences += 1;
        told.say("DIFFERS: the answer should say until when")?;
    }
    Ok(())
}
