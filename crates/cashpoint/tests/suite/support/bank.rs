//! Staff, and the people and machines that they make: fresh ones for each test, so that no two meet.

use std::sync::atomic::{AtomicU32, Ordering};

use super::json::Json;
use super::site::{Ask, Site};

/// Cassettes of a machine that makes every multiple of 10: 100 × 50, 200 × 20, 100 × 10 = 10,000.00.
pub(crate) const AMPLE: &[(&str, u32)] = &[("50.00", 100), ("20.00", 200), ("10.00", 100)];

static NAMES: AtomicU32 = AtomicU32::new(1);

/// A name that nothing else in this test has.
pub(crate) fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

/// An operator at work.
pub(crate) struct Staff<'a> {
    pub(crate) site: &'a Site,
    pub(crate) token: String,
}

/// A customer that staff made.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) accounts: Vec<String>,
}

/// A card, and what is shown once.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) pin: String,
}

/// A machine or counter, and its credential.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) channel: Option<String>,
}

/// A customer's card in a machine, logged in.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) token: String,
    pub(crate) account: String,
    pub(crate) card: Card,
    pub(crate) machine: Machine,
}

/// A customer who signed up, with an online session.
#[derive(Clone, Debug)]
pub(crate) struct Online {
    pub(crate) token: String,
    pub(crate) account: String,
    pub(crate) customer: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

impl<'a> Staff<'a> {
    /// Logs in.
    #[track_caller]
    pub(crate) fn log_in(site: &'a Site, username: &str, password: &str) -> Self {
        let body = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
        let answer = site.post("/api/operators/sessions").json(body).send();
        assert_eq!(answer.status(), 201, "{answer}");
        Self { site, token: answer.json().member("token").text().to_owned() }
    }

    /// Asks in this session.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'a> {
        self.site.ask(method, path).bearer(&self.token)
    }

    /// Makes a customer with accounts of these types (USD) and opening balances.
    #[track_caller]
    pub(crate) fn customer(&self, accounts: &[(&str, &str)]) -> Customer {
        let accounts: Vec<(&str, &str, &str)> =
            accounts.iter().map(|(kind, balance)| (*kind, "USD", *balance)).collect();
        self.customer_in(&accounts)
    }

    /// Makes a customer with accounts of these types, currencies and opening balances.
    #[track_caller]
    pub(crate) fn customer_in(&self, accounts: &[(&str, &str, &str)]) -> Customer {
        let name = fresh("Customer ");
        let one = |(kind, currency, balance): &(&str, &str, &str)| {
            format!(r#"{{"type":"{kind}","currency":"{currency}","opening_balance":{balance}}}"#)
        };
        let list: Vec<String> = accounts.iter().map(one).collect();
        let body = format!(r#"{{"name":"{name}","accounts":[{}]}}"#, list.join(","));
        let made = self.ask("POST", "/api/operators/customers").json(body).send();
        assert_eq!(made.status(), 201, "{made}");
        let made = made.json();
        let accounts =
            made.member("accounts").list().iter().map(|account| account.member("account_id").text().to_owned());
        Customer { id: made.member("customer_id").text().to_owned(), name, accounts: accounts.collect() }
    }

    /// Makes a card for these accounts.
    #[track_caller]
    pub(crate) fn card(&self, customer: &Customer, accounts: &[&str]) -> Card {
        let body = format!(r#"{{"customer_id":"{}","account_ids":["{}"]}}"#, customer.id, accounts.join(r#"",""#));
        let made = self.ask("POST", "/api/cards").json(body).send();
        assert_eq!(made.status(), 201, "{made}");
        let made = made.json();
        let text = |name: &str| made.member(name).text().to_owned();
        Card { id: text("card_id"), number: text("card_number"), pin: text("pin") }
    }

    /// Makes a machine of kind `api` with these cassettes (USD).
    #[track_caller]
    pub(crate) fn machine(&self, cassettes: &[(&str, u32)]) -> Machine {
        let list: Vec<String> = cassettes
            .iter()
            .map(|(denomination, count)| {
                format!(r#"{{"denomination":{denomination},"currency":"USD","count":{count}}}"#)
            })
            .collect();
        let id = fresh("M");
        let body =
            format!(r#"{{"atm_id":"{id}","location":"Somewhere","kind":"api","cassettes":[{}]}}"#, list.join(","));
        let made = self.ask("POST", "/api/atms").json(body).send();
        assert_eq!(made.status(), 201, "{made}");
        Machine { id, channel: channel(&made.json()) }
    }

    /// Makes a counter.
    #[track_caller]
    pub(crate) fn counter(&self) -> Machine {
        let id = fresh("C");
        let body = format!(r#"{{"counter_id":"{id}","location":"The hall"}}"#);
        let made = self.ask("POST", "/api/counters").json(body).send();
        assert_eq!(made.status(), 201, "{made}");
        Machine { id, channel: channel(&made.json()) }
    }

    /// Makes a customer with one account, a card and an ample machine, and logs the card in there.
    #[track_caller]
    pub(crate) fn visit(&self, kind: &str, balance: &str) -> Visit {
        let machine = self.machine(AMPLE);
        self.visit_at(&machine, kind, balance)
    }

    /// Makes a customer with one account and a card, and logs it in at the machine.
    #[track_caller]
    pub(crate) fn visit_at(&self, machine: &Machine, kind: &str, balance: &str) -> Visit {
        let customer = self.customer(&[(kind, balance)]);
        let account = customer.accounts[0].clone();
        let card = self.card(&customer, &[&account]);
        let token = card.enter(self.site, machine);
        Visit { token, account, card, machine: machine.clone() }
    }

    /// Sets policy values: the members of a JSON object.
    #[track_caller]
    pub(crate) fn set_policies(&self, members: &str) {
        let answer = self.ask("PUT", "/api/policies").json(format!("{{{members}}}")).send();
        assert_eq!(answer.status(), 200, "{answer}");
    }

    /// Switches a machine `active` or `inactive`.
    #[track_caller]
    pub(crate) fn switch(&self, machine: &str, status: &str) {
        let body = format!(r#"{{"status":"{status}"}}"#);
        let answer = self.ask("PATCH", &format!("/api/atms/{machine}")).json(body).send();
        assert_eq!(answer.status(), 200, "{answer}");
    }
}

fn channel(made: &Json) -> Option<String> {
    made.member("channel").some().map(|channel| channel.text().to_owned())
}

impl Card {
    /// The log-in request at this machine with this PIN.
    pub(crate) fn at<'a>(&self, site: &'a Site, machine: &Machine, pin: &str) -> Ask<'a> {
        let body = format!(r#"{{"card_number":"{}","pin":"{pin}","atm_id":"{}"}}"#, self.number, machine.id);
        site.post("/api/sessions").channel(machine.channel.as_deref()).json(body)
    }

    /// Logs in with the right PIN and gives the token.
    #[track_caller]
    pub(crate) fn enter(&self, site: &Site, machine: &Machine) -> String {
        let answer = self.at(site, machine, &self.pin).send();
        assert_eq!(answer.status(), 201, "{answer}");
        answer.json().member("token").text().to_owned()
    }

    /// A PIN that this card does not have.
    pub(crate) fn wrong_pin(&self) -> &'static str {
        if self.pin == "0852" { "2580" } else { "0852" }
    }
}

impl Visit {
    /// Withdraws at the session's machine, which it does not name.
    pub(crate) fn withdraw<'a>(&self, site: &'a Site, amount: &str) -> Ask<'a> {
        self.move_cash(site, "withdraw", amount)
    }

    /// Deposits at the session's machine, which it does not name.
    pub(crate) fn deposit<'a>(&self, site: &'a Site, amount: &str) -> Ask<'a> {
        self.move_cash(site, "deposit", amount)
    }

    fn move_cash<'a>(&self, site: &'a Site, what: &str, amount: &str) -> Ask<'a> {
        let ask = site.post(&format!("/api/accounts/{}/{what}", self.account)).bearer(&self.token);
        ask.channel(self.machine.channel.as_deref()).json(format!(r#"{{"amount":{amount}}}"#))
    }

    /// The balance in cents.
    #[track_caller]
    pub(crate) fn balance(&self, site: &Site) -> i64 {
        balance(site, &self.token, &self.account)
    }
}

/// An account's balance in cents.
#[track_caller]
pub(crate) fn balance(site: &Site, token: &str, account: &str) -> i64 {
    let answer = site.get(&format!("/api/accounts/{account}/balance")).bearer(token).send();
    assert_eq!(answer.status(), 200, "{answer}");
    answer.json().member("balance").cents()
}

impl Online {
    /// Signs up with an account of this type in USD.
    #[track_caller]
    pub(crate) fn sign_up(site: &Site, kind: &str) -> Self {
        let email = format!("{}@example.com", fresh("person"));
        let password = "a long enough password".to_owned();
        let body = format!(
            r#"{{"name":"{}","email":"{email}","password":"{password}","account":{{"type":"{kind}","currency":"USD"}}}}"#,
            fresh("Person ")
        );
        let answer = site.post("/api/customers").json(body).send();
        assert_eq!(answer.status(), 201, "{answer}");
        let made = answer.json();
        let text = |path: &str| made.at(path).text().to_owned();
        Self {
            token: text("/session/token"),
            account: text("/account_id"),
            customer: text("/customer_id"),
            email,
            password,
        }
    }

    /// Signs up and pays in over the counter; a sandbox only.
    #[track_caller]
    pub(crate) fn with(site: &Site, kind: &str, amount: &str) -> Self {
        let online = Self::sign_up(site, kind);
        let answer = online.deposit(site, amount).send();
        assert_eq!(answer.status(), 201, "{answer}");
        online
    }

    /// Withdraws over the counter.
    pub(crate) fn withdraw<'a>(&self, site: &'a Site, amount: &str) -> Ask<'a> {
        self.move_cash(site, "withdraw", amount)
    }

    /// Deposits over the counter.
    pub(crate) fn deposit<'a>(&self, site: &'a Site, amount: &str) -> Ask<'a> {
        self.move_cash(site, "deposit", amount)
    }

    fn move_cash<'a>(&self, site: &'a Site, what: &str, amount: &str) -> Ask<'a> {
        let ask = site.post(&format!("/api/accounts/{}/{what}", self.account)).bearer(&self.token);
        ask.json(format!(r#"{{"amount":{amount}}}"#))
    }

    /// Transfers to another account.
    pub(crate) fn transfer<'a>(&self, site: &'a Site, target: &str, amount: &str) -> Ask<'a> {
        let ask = site.post(&format!("/api/accounts/{}/transfer", self.account)).bearer(&self.token);
        ask.json(format!(r#"{{"target_account_id":"{target}","amount":{amount}}}"#))
    }

    /// Another online session of the same customer.
    pub(crate) fn log_in<'a>(&self, site: &'a Site, password: &str) -> Ask<'a> {
        site.post("/api/sessions").json(format!(r#"{{"email":"{}","password":"{password}"}}"#, self.email))
    }

    /// The balance in cents.
    #[track_caller]
    pub(crate) fn balance(&self, site: &Site) -> i64 {
        balance(site, &self.token, &self.account)
    }
}
