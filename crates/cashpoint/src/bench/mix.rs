//! What the connections ask for: the mix of operations, written as HTTP requests.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use cashpoint_bank::crowd::Member;
use cashpoint_core::id::MachineId;

use super::load::Dice;

/// Characters of a token.
const TOKEN: usize = 47;

/// A customer, as their own device knows them. Small: there may be millions.
#[derive(Clone, Copy)]
pub(super) struct Customer {
    account: u64,
    token: [u8; TOKEN],
}

impl Customer {
    /// Nobody, to make room.
    pub(super) const NOBODY: Self = Self { account: 0, token: [0; TOKEN] };
}

impl From<Member> for Customer {
    fn from(member: Member) -> Self {
        let token = member.token.expose().as_bytes();
        Self { account: member.account.number(), token: token.try_into().expect("tokens have one length") }
    }
}

/// What is asked for, in hundredths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Withdraw,
    Balance,
    Deposit,
    Transfer,
}

impl Kind {
    fn thrown(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..70 => Self::Withdraw,
            70..85 => Self::Balance,
            85..95 => Self::Deposit,
            _ => Self::Transfer,
        }
    }
}

/// Everybody, everywhere, and keys that never come twice.
pub(super) struct Mix {
    customers: Vec<Customer>,
    machines: Vec<MachineId>,
    run: u64,
    requests: AtomicU64,
}

impl Mix {
    /// `run` keeps the keys of one run apart from those of another on the same bank.
    pub(super) fn new(customers: Vec<Customer>, machines: Vec<MachineId>, run: u64) -> Self {
        assert!(customers.len() > 1 && !machines.is_empty(), "a transfer needs two");
        Self { customers, machines, run, requests: AtomicU64::new(0) }
    }

    /// Writes one request of the mix.
    pub(super) fn ask(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let at = dice.below(self.customers.len());
        let customer = &self.customers[at];
        match Kind::thrown(dice) {
            Kind::Balance => ask_balance(customer, out),
            Kind::Withdraw => self.cash(customer, "withdraw", dice, out),
            Kind::Deposit => self.cash(customer, "deposit", dice, out),
            Kind::Transfer => {
                let step = 1 + dice.below(self.customers.len() - 1);
                let target = &self.customers[(at + step) % self.customers.len()];
                let body = format!(r#"{{"target_account_id":"{}","amount":1.00}}"#, target.account);
                self.post(customer, "transfer", &body, out);
            }
        }
    }

    fn cash(&self, customer: &Customer, operation: &str, dice: &mut Dice, out: &mut Vec<u8>) {
        let machine = self.machines[dice.below(self.machines.len())];
        self.post(customer, operation, &format!(r#"{{"amount":10.00,"atm_id":"{machine}"}}"#), out);
    }

    fn post(&self, customer: &Customer, operation: &str, body: &str, out: &mut Vec<u8>) {
        let Self { run, .. } = self;
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        write(out, format_args!("POST /api/accounts/{}/{operation} HTTP/1.1\r\n", customer.account));
        identify(customer, out);
        // As long as a UUID.
        write(out, format_args!("Idempotency-Key: {run:016x}-bench-{number:013x}\r\n"));
        write(out, format_args!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }
}

/// Writes a customer's request for their balance.
pub(super) fn ask_balance(customer: &Customer, out: &mut Vec<u8>) {
    write(out, format_args!("GET /api/accounts/{}/balance HTTP/1.1\r\n", customer.account));
    identify(customer, out);
    out.extend_from_slice(b"\r\n");
}

fn identify(customer: &Customer, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Host: 127.0.0.1\r\nAuthorization: Bearer ");
    out.extend_from_slice(&customer.token);
    out.extend_from_slice(b"\r\n");
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes what is written");
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn mix() -> Mix {
        let customers = (0..10).map(|n| Customer { account: 500_000_000_001 + n, token: [b'a'; TOKEN] }).collect();
        Mix::new(customers, vec![MachineId::parse("CROWD7").unwrap()], 1)
    }

    fn asked(mix: &Mix, dice: &mut Dice) -> String {
        let mut out = Vec::new();
        mix.ask(dice, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn asks_in_the_proportions_of_the_contract() {
        let (mix, mut dice) = (mix(), Dice::new(1));
        let mut counts = BTreeMap::new();
        for _ in 0..20_000 {
            let request = asked(&mix, &mut dice);
            let operation = request.split([' ', '/']).nth(5).unwrap().to_owned();
            *counts.entry(operation).or_insert(0_i32) += 1;
        }
        for (operation, expected) in [("withdraw", 14_000), ("balance", 3_000), ("deposit", 2_000), ("transfer", 1_000)]
        {
            let count = counts.remove(operation).unwrap_or_default();
            assert!((count - expected).abs() < 400, "{operation}: {count}");
        }
        assert!(counts.is_empty(), "{counts:?}");
    }

    #[test]
    fn writes_each_request_whole_and_under_its_own_key() {
        let (mix, mut dice) = (mix(), Dice::new(2));
        let mut keys = BTreeSet::new();
        for _ in 0..1_000 {
            let request = asked(&mix, &mut dice);
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            assert!(header("Authorization: Bearer").is_some_and(|token| token.len() == TOKEN));
            if head.starts_with("GET") {
                assert_eq!((body, header("Content-Length:")), ("", None));
                continue;
            }
            assert_eq!(header("Content-Length:"), Some(body.len().to_string().as_str()));
            let key = header("Idempotency-Key:").unwrap();
            assert!(key.len() == 36 && keys.insert(key.to_owned()), "{key}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            match body.get("target_account_id") {
                Some(target) => assert!(!head.contains(target.as_str().unwrap()), "never to oneself"),
                None => assert_eq!(body["atm_id"], "CROWD7"),
            }
        }
    }
}
