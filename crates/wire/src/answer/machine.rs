//! Machines, counters and their cash.

use cashpoint_core::currency::Currency;
use cashpoint_core::id::MachineId;
use cashpoint_core::machine::{Holdings, Machine, MachineIdentity, MachineStatus};
use cashpoint_core::money::Amount;
use cashpoint_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::cash::Notes;
use super::terminal::TerminalAnswer;
use super::{shown, shown_option};
use crate::money::Money;
use crate::schema;

const fn status_name(status: MachineStatus) -> &'static str {
    match status {
        MachineStatus::Active => "active",
        MachineStatus::Inactive => "inactive",
    }
}

/// An ATM as staff see it.
#[derive(Clone, Serialize, ToSchema)]
pub struct MachineAnswer {
    /// Its id.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    atm_id: MachineId,
    /// Where it stands.
    location: String,
    /// Who moves its notes.
    #[schema(value_type = schema::MachineKind)]
    kind: &'static str,
    /// Whether it takes commands.
    #[schema(value_type = schema::MachineStatus)]
    status: &'static str,
    /// The currency of all its notes.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::CurrencyCode)]
    currency: Currency,
    /// Everything in it: cassettes, deposit, reject and retract bins.
    cash: Money,
    /// Promised by approvals whose end is not known yet.
    in_flight: Money,
    /// What was paid in since it was last emptied.
    deposit_bin: Money,
    /// The notes that it can pay out.
    cassettes: Vec<Notes>,
    /// When its terminal was last heard of; null for one that has none.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<schema::Instant>, required)]
    last_seen: Option<Timestamp>,
    /// Its terminal, if one was enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    terminal: Option<TerminalAnswer>,
    /// The channel credential of a new `api` machine, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Secret, required = false)]
    pub channel: Option<String>,
    /// The one-time enrolment code of a new terminal, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Secret, required = false)]
    pub enrolment_code: Option<String>,
}

impl MachineAnswer {
    /// This machine; `in_flight` in minor units. None for a counter: it has no currency of its own.
    #[must_use]
    pub fn new(identity: &MachineIdentity, machine: &Machine, holdings: &Holdings, in_flight: i64) -> Option<Self> {
        let currency = identity.currency?;
        let money = |minor| Money(Amount::new(minor, currency));
        let cassettes = holdings
            .cassettes
            .iter()
            .map(|cassette| Notes { denomination: money(cassette.denomination), count: cassette.count });
        Some(Self {
            atm_id: identity.id,
            location: machine.location.clone(),
            kind: identity.kind.name(),
            status: status_name(machine.status),
            currency,
            cash: money(holdings.cash()),
            in_flight: money(in_flight),
            deposit_bin: money(holdings.deposit_bin),
            cassettes: cassettes.collect(),
            last_seen: None,
            terminal: None,
            channel: None,
            enrolment_code: None,
        })
    }

    /// With its terminal, which was last heard of at `seen`.
    #[must_use]
    pub fn with_terminal(self, seen: Timestamp, terminal: TerminalAnswer) -> Self {
        Self { last_seen: Some(seen), terminal: Some(terminal), ..self }
    }
}

/// A new enrolment code.
#[derive(Clone, Serialize, ToSchema)]
pub struct EnrolmentCodeAnswer {
    /// The terminal that it is for.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    atm_id: MachineId,
    /// The code, this once.
    #[schema(value_type = schema::Secret)]
    enrolment_code: String,
}

impl EnrolmentCodeAnswer {
    /// Shows this code.
    #[must_use]
    pub fn new(terminal: MachineId, code: &str) -> Self {
        Self { atm_id: terminal, enrolment_code: code.to_owned() }
    }
}

/// A counter as staff see it.
#[derive(Clone, Serialize, ToSchema)]
pub struct CounterAnswer {
    /// Its id.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = schema::MachineId)]
    counter_id: MachineId,
    /// Where it is.
    location: String,
    /// Whether it takes commands.
    #[schema(value_type = schema::MachineStatus)]
    status: &'static str,
    /// The channel credential of a new counter, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = schema::Secret, required = false)]
    pub channel: Option<String>,
}

impl From<&Machine> for CounterAnswer {
    fn from(machine: &Machine) -> Self {
        Self {
            counter_id: machine.id,
            location: machine.location.clone(),
            status: status_name(machine.status),
            channel: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::machine::MachineKind;
    use cashpoint_core::mix::Cassette;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::answer::to_json;

    #[track_caller]
    fn check(answer: &impl Serialize, expected: Expect) {
        expected.assert_eq(&String::from_utf8(to_json(answer)).unwrap());
    }

    #[test]
    fn it_shows_machines_and_counters() {
        let id = MachineId::parse("ATM123").unwrap();
        let mut identity =
            MachineIdentity { id, kind: MachineKind::Api, currency: Some(Currency::USD), secret: [0; 32] };
        let machine = Machine { id, location: "Head Office".into(), status: MachineStatus::Active, session: None };
        let cassette = |denomination, count| Cassette { denomination, count };
        let holdings = Holdings {
            machine: id,
            cassettes: vec![cassette(5_000, 100), cassette(2_000, 200)],
            deposit_bin: 1_000,
            reject_bin: 2_000,
            retract_bin: 3_000,
        };
        let mut answer = MachineAnswer::new(&identity, &machine, &holdings, 500).unwrap();
        check(
            &answer,
            expect![[
                r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","status":"active","currency":"USD","cash":9060.00,"in_flight":5.00,"deposit_bin":10.00,"cassettes":[{"denomination":50.00,"count":100},{"denomination":20.00,"count":200}],"last_seen":null}"#
            ]],
        );
        answer.channel = Some("ATM123.cpc_x".into());
        answer.enrolment_code = Some("code".into());
        check(
            &answer,
            expect![[
                r#"{"atm_id":"ATM123","location":"Head Office","kind":"api","status":"active","currency":"USD","cash":9060.00,"in_flight":5.00,"deposit_bin":10.00,"cassettes":[{"denomination":50.00,"count":100},{"denomination":20.00,"count":200}],"last_seen":null,"channel":"ATM123.cpc_x","enrolment_code":"code"}"#
            ]],
        );
        identity.currency = None;
        assert!(MachineAnswer::new(&identity, &machine, &holdings, 0).is_none());
        let mut counter = CounterAnswer::from(&machine);
        counter.channel = Some("ATM123.cpc_x".into());
        check(
            &counter,
            expect![[r#"{"counter_id":"ATM123","location":"Head Office","status":"active","channel":"ATM123.cpc_x"}"#]],
        );
    }
}
