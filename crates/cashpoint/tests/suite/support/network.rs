//! A real bank and its ATMs, each process apart: host, and for each machine devices and terminal, enrolled and with their
//! keys at the host as in the field. Any of them may be killed and started again.

use std::net::SocketAddr;
use std::time::Duration;

use super::Json;
use super::bank::{Card, Customer, Staff};
use super::cable::Cable;
use super::deadline::Deadline;
use super::machine::{LOG, Machine, Motion, NOTES, lasting_port};
use super::process::{Bank, Process, Rows, STAFF_PASSWORD, cashpoint, finish, told};
use super::site::Site;

/// How long a network may take to be as it should be.
pub(crate) const SETTLING: Duration = Duration::from_secs(120);

/// While the host is away: notes are taken, transfers noted, cash paid up to a limit.
pub(crate) const LIMITED: &str = r#"{"balance":"stale","deposit":"store","transfer":"store","withdrawal":"limited",
    "card_limit":300.00,"outage_limit":400.00,"lease":400.00,"hot_list_age_s":3600}"#;

/// … the same without cash.
pub(crate) const NO_CASH: &str = r#"{"balance":"stale","deposit":"store","transfer":"store","withdrawal":"refuse"}"#;

/// … nothing at all.
pub(crate) const NOTHING: &str = r#"{"balance":"hide","deposit":"refuse","transfer":"refuse","withdrawal":"refuse"}"#;

/// How machines are connected to their host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wiring {
    /// Directly.
    Direct,
    /// Each by a cable that can be pulled.
    Cabled,
}

/// A bank and its machines.
pub(crate) struct Network {
    pub(crate) bank: Bank,
    pub(crate) site: Site,
    pub(crate) host: Option<Process>,
    pub(crate) machines: Vec<Machine>,
    operations: u16,
    token: String,
}

/// A person with an account and a card for it.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) card: Card,
    pub(crate) account: String,
    /// What was on the account at first, in cents.
    pub(crate) opening: i64,
}

impl Network {
    /// A new bank with so many machines, all in service. Withdrawals have no daily limit.
    #[track_caller]
    pub(crate) fn start(machines: usize, wiring: Wiring, motion: Motion) -> Self {
        Self::kept(Rows::File, machines, wiring, motion)
    }

    /// As [`Self::start`], with the bank's rows there.
    #[track_caller]
    pub(crate) fn kept(rows: Rows, machines: usize, wiring: Wiring, motion: Motion) -> Self {
        let bank = Bank::kept(rows, &["admin"]);
        let site = Site::new(SocketAddr::from(([127, 0, 0, 1], lasting_port())));
        let mut network =
            Self { bank, site, host: None, machines: Vec::new(), operations: lasting_port(), token: String::new() };
        network.start_host(None);
        network.token = Staff::log_in(&network.site, "admin", STAFF_PASSWORD).token;
        network.staff().set_policies(r#""daily_withdrawal_limit":null,"daily_deposit_limit":10000000"#);
        for n in 0..machines {
            let machine = network.new_machine(&format!("ATM{}", 901 + n), wiring, motion);
            network.machines.push(machine);
        }
        // Keys are loaded while no host runs.
        network.kill_host();
        for machine in &network.machines {
            let mut command = cashpoint();
            command.args(["operator", "load-keys", &machine.id]).arg(machine.device_keys());
            let (code, _, error) = told(&finish(network.bank.name(&mut command)));
            assert_eq!(code, 0, "{error}");
        }
        network.start_host(None);
        network.machines.iter_mut().for_each(|machine| machine.start_terminal(None));
        network.in_service();
        network
    }

    fn new_machine(&self, id: &str, wiring: Wiring, motion: Motion) -> Machine {
        let cassette = |value: u32| format!(r#"{{"denomination":{value}.00,"currency":"USD","count":{NOTES}}}"#);
        let cassettes = [50, 20, 10].map(cassette).join(",");
        let body = format!(r#"{{"atm_id":"{id}","location":"Hall","kind":"terminal","cassettes":[{cassettes}]}}"#);
        let made = self.staff().ask("POST", "/api/atms").json(body).send();
        assert_eq!(made.status(), 201, "{made}");
        let cable = (wiring == Wiring::Cabled).then(|| Cable::to(self.site.address()));
        let mut machine = Machine::new(id.to_owned(), self.bank.folder(), motion, cable);
        machine.devices.as_mut().expect("just started").ready();
        machine.enrol(&self.site.url(), made.json().member("enrolment_code").text());
        machine
    }

    /// Starts the host; `ends_at`: a boundary where it is to end. Waits until it serves, or has ended.
    #[track_caller]
    pub(crate) fn start_host(&mut self, ends_at: Option<&str>) {
        let mut command = cashpoint();
        self.bank.name(command.arg("host")).args(["--listen", &self.site.address().to_string()]);
        command.args(["--operations", &format!("127.0.0.1:{}", self.operations)]);
        let mut host = Process::spawn(command.env("RUST_LOG", LOG).envs(ends_at.map(|at| ("ENDS_AT", at))));
        match ends_at {
            None => _ = host.ready(),
            Some(_) => _ = host.ready_or_ended(),
        }
        self.host = Some(host);
    }

    /// SIGKILL for the host, if it runs.
    pub(crate) fn kill_host(&mut self) {
        self.host.take().iter_mut().for_each(Process::kill);
    }

    /// Staff of the bank.
    pub(crate) fn staff(&self) -> Staff<'_> {
        Staff { site: &self.site, token: self.token.clone() }
    }

    /// A new customer with this much, in whole units, and a card.
    #[track_caller]
    pub(crate) fn holder(&self, opening: u32) -> Holder {
        let staff = self.staff();
        let customer: Customer = staff.customer(&[("savings", &format!("{opening}.00"))]);
        let account = customer.accounts[0].clone();
        let card = staff.card(&customer, &[&account]);
        Holder { card, account, opening: i64::from(opening) * 100 }
    }

    /// Waits until every machine says to the host that it serves.
    #[track_caller]
    pub(crate) fn in_service(&self) {
        for machine in &self.machines {
            let serves = Deadline::after(SETTLING).wait(|| self.serves(machine));
            assert!(serves.is_some(), "{} does not get into service: {:?}", machine.id, machine.screen());
        }
    }

    /// Whether a machine waits for a card, and its host answers and knows that it does.
    pub(crate) fn serves(&self, machine: &Machine) -> Option<()> {
        let reads = machine.state()?["waiting"].as_array()?.iter().any(|waiting| waiting == "card");
        let shown = reads && machine.screen().is_some_and(|screen| screen == "welcome");
        let told = self.atm(machine)?;
        (shown && told.at("/terminal/told/service").some()?.text() == "in").then_some(())
    }

    /// What the host says of a machine; none while it does not answer.
    pub(crate) fn atm(&self, machine: &Machine) -> Option<Json> {
        let answer = self.staff().ask("GET", &format!("/api/atms/{}", machine.id)).try_send().ok()?;
        (answer.status() == 200).then(|| answer.json())
    }

    /// When the machine was last heard of, as the host says it.
    fn heard(&self, machine: &Machine) -> Option<String> {
        Some(self.atm(machine)?.at("/terminal/told/at").some()?.text().to_owned())
    }

    /// Waits until the machine has what was decided before, and says how long that took: the first sign of life may have
    /// left earlier, the second shows that the answer to one that left later was taken in.
    #[track_caller]
    pub(crate) fn in_force(&self, machine: &Machine) -> Duration {
        let waiting = Deadline::after(SETTLING);
        let mut heard = self.heard(machine);
        for _ in 0..2 {
            let next = waiting.wait(|| self.heard(machine).filter(|at| Some(at) != heard.as_ref()));
            assert!(next.is_some(), "{} is not heard of", machine.id);
            heard = next;
        }
        waiting.elapsed()
    }

    /// Staff choose what the machine does while it is cut off; how long it takes until that is in force there.
    #[track_caller]
    pub(crate) fn choose(&self, machine: &Machine, choice: &str) -> Duration {
        let path = format!("/api/atms/{}", machine.id);
        let answer = self.staff().ask("PATCH", &path).json(format!(r#"{{"partition":{choice}}}"#)).send();
        assert_eq!(answer.status(), 200, "{answer}");
        self.in_force(machine)
    }

    /// What is on an account, in cents, as the ledger in the database has it.
    #[track_caller]
    pub(crate) fn balance(&self, account: &str) -> i64 {
        self.bank.number(&format!("SELECT credits - debits FROM accounts WHERE id = {account}"))
    }

    /// Waits until the ledger, the machine and the people at it agree ([`Self::agrees`]).
    #[track_caller]
    pub(crate) fn settled(&self, machine: &Machine, holders: &[Holder], filled: i64) {
        let mut last = None;
        let agreed = Deadline::after(SETTLING).wait(|| {
            last = self.agrees(machine, holders, filled)?.err();
            last.is_none().then_some(())
        });
        assert!(agreed.is_some(), "they do not agree: {last:?}, {:?}", self.cases());
    }

    /// Whether nothing is under way or in doubt any more, the machine's cash in the ledger is what lies in it, and what
    /// left it or came in is on these accounts. None while host or devices do not answer.
    pub(crate) fn agrees(&self, machine: &Machine, holders: &[Holder], filled: i64) -> Option<Result<(), String>> {
        let atm = self.atm(machine)?;
        let inside = machine.state()?["inside_minor"].as_i64()?;
        let moved: i64 = holders.iter().map(|holder| self.balance(&holder.account) - holder.opening).sum();
        let (cash, in_flight) = (atm.member("cash").cents(), atm.member("in_flight").cents());
        let waiting = atm.at("/terminal/told/waiting").to_string();
        let agrees = cash == inside && in_flight == 0 && moved == inside - filled && waiting == "0";
        let told = || {
            format!(
                "{}: inside {inside}, in the ledger {cash}, in flight {in_flight}, on accounts {moved} beside {filled}, \
                 waiting {waiting}, {:?}, {:?}",
                machine.id,
                machine.screen(),
                machine.state(),
            )
        };
        Some(if agrees { Ok(()) } else { Err(told()) })
    }

    /// The open questions about cash.
    #[track_caller]
    pub(crate) fn cases(&self) -> Vec<Json> {
        let cases = self.staff().ask("GET", "/api/cases").send();
        cases.json().member("cases").list().to_vec()
    }

    /// No question about cash is open.
    #[track_caller]
    pub(crate) fn no_cases(&self) {
        let cases = self.cases();
        assert!(cases.is_empty(), "{cases:?}");
    }

    /// Staff count what lies in a machine and answer the one question that is open by it. What it was about.
    #[track_caller]
    pub(crate) fn counted_and_resolved(&self, machine: &Machine, case: &Json) -> String {
        let (atm, state) = (self.atm(machine).expect("the host answers"), machine.state().expect("the devices answer"));
        let missing = atm.member("cash").cents() - state["inside_minor"].as_i64().unwrap();
        let matter = case.member("matter").text().to_owned();
        let paid = if matter.starts_with("deposit") { -missing } else { missing };
        let path = format!("/api/cases/{}/resolve", case.member("case_id").text());
        let body = format!(r#"{{"paid":{}.{:02}}}"#, paid / 100, paid % 100);
        let answer = self.staff().ask("POST", &path).json(body).send();
        assert_eq!(answer.status(), 200, "{answer}");
        matter
    }

    /// Ends everything, and has `cashpoint verify` look at the bank, the journals and the machines. Exit code and output.
    #[track_caller]
    pub(crate) fn verified(&mut self, more: &[&str]) -> (i32, String) {
        self.kill_host();
        let mut command = cashpoint();
        self.bank.name(command.arg("verify")).args(more);
        for machine in &mut self.machines {
            machine.kill_terminal();
            machine.kill_devices();
            command.arg("--journal").arg(machine.journal()).arg("--devices").arg(machine.state_file());
        }
        let (code, out, error) = told(&finish(&mut command));
        (code, out + &error)
    }
}
