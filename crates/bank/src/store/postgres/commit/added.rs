//! People, places and what belongs to them, when they are new.

use cashpoint_core::account::Account;
use cashpoint_core::card::{Card, CardIdentity};
use cashpoint_core::change::New;
use cashpoint_core::customer::{Customer, Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::id::{Index, RequestId};
use cashpoint_core::ledger::LedgerAccount;
use cashpoint_core::machine::{Holdings, Machine, MachineIdentity};
use cashpoint_core::session::{Session, SessionState, Subject};
use cashpoint_core::withdrawal::{Withdrawal, WithdrawalIdentity};

use super::{Fault, Group, Must, insert, whole};
use crate::store::names;
use crate::store::postgres::link::{Value, column};
use crate::store::postgres::values::Uuid;

impl<'a> Group<'a> {
    /// Customers and staff.
    pub(super) fn added_people(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for new in &changes.new {
            match new {
                New::Customer(row, profile, password) => self.add_customer(row, profile, password.as_ref())?,
                New::Operator(operator) => self.add_operator(operator),
                New::Transfer(_)
                | New::Event(_)
                | New::Audit(_)
                | New::Request(..)
                | New::Account(_)
                | New::Cash(_)
                | New::Session(..)
                | New::Card(..)
                | New::Machine(..)
                | New::Withdrawal(..)
                | New::Policy(..)
                | New::DeadLetter(_)
                | New::Notice(_) => {}
            }
        }
        Ok(())
    }

    /// Machines, accounts, then cards, which refer to accounts.
    pub(super) fn added_places(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        self.make_accounts()?;
        let (mut accounts, mut cards) = (Vec::new(), Vec::new());
        for new in &changes.new {
            match new {
                New::Machine(identity, machine, holdings) => self.add_machine(identity, machine, holdings)?,
                New::Account(account) => accounts.push(account),
                New::Cash(cash) => {
                    let id = self.account(cash.account)?;
                    let values: Vec<Value<'a>> =
                        vec![Box::new(cash.totals.debits), Box::new(cash.totals.credits), Box::new(id)];
                    self.step("UPDATE accounts SET debits = $1, credits = $2 WHERE id = $3", values, Must::Change(1));
                }
                New::Card(identity, card, number, index) => cards.push((identity, card, (number, index))),
                New::Transfer(_)
                | New::Event(_)
                | New::Audit(_)
                | New::Request(..)
                | New::Customer(..)
                | New::Operator(_)
                | New::Session(..)
                | New::Withdrawal(..)
                | New::Policy(..)
                | New::DeadLetter(_)
                | New::Notice(_) => {}
            }
        }
        self.add_accounts(&accounts)?;
        for (identity, card, number) in cards {
            self.add_card(identity, card, number)?;
        }
        Ok(())
    }

    /// Sessions, after everything they may belong to.
    pub(super) fn added_sessions(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let sessions = changes.new.iter().filter_map(|new| match new {
            New::Session(session, state) => Some((session, state)),
            New::Transfer(_)
            | New::Event(_)
            | New::Audit(_)
            | New::Request(..)
            | New::Account(_)
            | New::Cash(_)
            | New::Customer(..)
            | New::Card(..)
            | New::Machine(..)
            | New::Withdrawal(..)
            | New::Operator(_)
            | New::Policy(..)
            | New::DeadLetter(_)
            | New::Notice(_) => None,
        });
        let sessions: Vec<(&Session, &SessionState)> = sessions.collect();
        if !sessions.is_empty() {
            self.add_sessions(&sessions)?;
        }
        Ok(())
    }

    fn add_customer(
        &mut self,
        customer: &'a Customer,
        profile: &'a Profile,
        password: Option<&'a PasswordHash>,
    ) -> Result<(), Fault> {
        let (email, email_index) = profile.email.as_ref().map(|(email, index)| (&email.0, index.as_slice())).unzip();
        self.step(
            "INSERT INTO customers (id, name, data_key_version, data_key, email, email_index, phone, address, since,
                 password_version, password_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            vec![
                Box::new(profile.customer.number()),
                Box::new(&profile.name),
                Box::new(i64::from(profile.data_key.0)),
                Box::new(&profile.data_key.1.0),
                Box::new(email),
                Box::new(email_index),
                Box::new(profile.phone.as_ref().map(|phone| &phone.0)),
                Box::new(profile.address.as_ref().map(|address| &address.0)),
                Box::new(profile.since.micros()),
                Box::new(password.map(|password| i64::from(password.version))),
                Box::new(password.map(|password| &password.phc)),
            ],
            Must::Whatever,
        );
        self.step(
            "INSERT INTO customer_states (id, events, generation, password_version) VALUES ($1, $2, $3, $4)",
            vec![
                Box::new(customer.id.number()),
                Box::new(whole(customer.events)?),
                Box::new(i64::from(customer.generation)),
                Box::new(i64::from(customer.password_version)),
            ],
            Must::Whatever,
        );
        if let Some(index) = email_index {
            self.step(
                "INSERT INTO emails (email_index, customer) VALUES ($1, $2)",
                vec![Box::new(index), Box::new(customer.id.number())],
                Must::Whatever,
            );
        }
        Ok(())
    }

    fn add_operator(&mut self, operator: &'a Operator) {
        let Operator { id, name, role, password } = operator;
        self.step(
            "INSERT INTO operators (id, name, role, password_version, password_hash) VALUES ($1, $2, $3, $4, $5)",
            vec![
                Box::new(id.number()),
                Box::new(name),
                Box::new(role.name()),
                Box::new(i64::from(password.version)),
                Box::new(&password.phc),
            ],
            Must::Whatever,
        );
    }

    fn add_machine(
        &mut self,
        identity: &'a MachineIdentity,
        machine: &'a Machine,
        holdings: &'a Holdings,
    ) -> Result<(), Fault> {
        let number = self.machine(identity.id)?;
        self.step(
            "INSERT INTO machines (number, id, kind, currency, secret) VALUES ($1, $2, $3, $4, $5)",
            vec![
                Box::new(number),
                Box::new(identity.id.as_str()),
                Box::new(identity.kind.name()),
                Box::new(identity.currency.map(|currency| currency.code().to_owned())),
                Box::new(identity.secret.as_slice()),
            ],
            Must::Whatever,
        );
        self.step(
            "INSERT INTO machine_states (machine, location, status, session) VALUES ($1, $2, $3, $4)",
            vec![
                Box::new(number),
                Box::new(&machine.location),
                Box::new(names::machine_status(machine.status)),
                Box::new(machine.session.map(|session| session.number())),
            ],
            Must::Whatever,
        );
        self.step(
            "INSERT INTO holdings (machine, cassettes, deposit_bin, reject_bin, retract_bin) VALUES ($1, $2, $3, $4, $5)",
            vec![
                Box::new(number),
                Box::new(names::cassettes(&holdings.cassettes)),
                Box::new(holdings.deposit_bin),
                Box::new(holdings.reject_bin),
                Box::new(holdings.retract_bin),
            ],
            Must::Whatever,
        );
        Ok(())
    }

    /// Internal accounts, empty.
    fn make_accounts(&mut self) -> Result<(), Fault> {
        for account in std::mem::take(&mut self.fresh.made) {
            let id = self.account(account)?;
            let currency = match account {
                LedgerAccount::AtmCash(_, currency)
                | LedgerAccount::AtmInFlight(_, currency)
                | LedgerAccount::Counter(_, currency)
                | LedgerAccount::Bank(_, currency) => currency,
                LedgerAccount::Customer(_) => {
                    return Err(Fault::Nonsense(format!("{account} is not an internal account")));
                }
            };
            self.step(
                "INSERT INTO accounts (id, code, currency, debits, credits) VALUES ($1, $2, $3, 0, 0)",
                vec![Box::new(id), Box::new(account.to_string()), Box::new(currency.code().to_owned())],
                Must::Whatever,
            );
        }
        Ok(())
    }

    fn add_accounts(&mut self, accounts: &[&'a Account]) -> Result<(), Fault> {
        if accounts.is_empty() {
            return Ok(());
        }
        let mut ids = Vec::with_capacity(accounts.len());
        let mut entries = Vec::with_capacity(accounts.len());
        let mut ordinals = Vec::with_capacity(accounts.len());
        for account in accounts {
            ids.push(whole(account.identity.number.number())?);
            entries.push(whole(account.entries)?);
            let last = self.fresh.ordinals.entry(account.identity.customer).or_default();
            *last += 1;
            ordinals.push(*last);
        }
        let identities = || accounts.iter().map(|account| &account.identity);
        let values: Vec<Value<'a>> = vec![
            Box::new(ids),
            column(identities().map(|identity| identity.currency.code().to_owned())),
            column(accounts.iter().map(|account| account.totals.debits)),
            column(accounts.iter().map(|account| account.totals.credits)),
            column(identities().map(|identity| identity.customer.number())),
            Box::new(ordinals),
            column(identities().map(|identity| identity.product.name())),
            column(identities().map(|identity| identity.opened.micros())),
            Box::new(entries),
            column(accounts.iter().map(|account| account.head.map(Uuid::from))),
            column(accounts.iter().map(|account| account.closed.map(|closed| closed.micros()))),
        ];
        self.step(
            insert!(
                "accounts (id, currency, debits, credits, customer, ordinal, product, opened, entries, head, closed)",
                "$1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
                 $8::bigint[], $9::bigint[], $10::uuid[], $11::bigint[]"
            ),
            values,
            Must::Whatever,
        );
        Ok(())
    }

    fn add_card(
        &mut self,
        identity: &'a CardIdentity,
        card: &'a Card,
        (sealed, index): (&'a Sealed, &'a Index),
    ) -> Result<(), Fault> {
        let id = identity.id.number();
        self.step(
            "INSERT INTO cards (id, customer, expires, number) VALUES ($1, $2, $3, $4)",
            vec![
                Box::new(id),
                Box::new(identity.customer.number()),
                Box::new(identity.expires.micros()),
                Box::new(&sealed.0),
            ],
            Must::Whatever,
        );
        let accounts = identity.accounts.iter().map(|account| whole(account.number.number()));
        let accounts = accounts.collect::<Result<Vec<i64>, Fault>>()?;
        let positions = (0_i64..).take(accounts.len()).collect::<Vec<_>>();
        self.step(
            "INSERT INTO card_accounts (card, position, account)
             SELECT $1, a.position, a.account FROM unnest($2::bigint[], $3::bigint[]) AS a (position, account)",
            vec![Box::new(id), Box::new(positions), Box::new(accounts)],
            Must::Whatever,
        );
        self.step(
            "INSERT INTO card_states (id, state, verifier_version, verifier, session) VALUES ($1, $2, $3, $4, $5)",
            vec![
                Box::new(id),
                Box::new(names::card_state(card.state)),
                Box::new(i64::from(card.verifier.version)),
                Box::new(card.verifier.mac.as_slice()),
                Box::new(card.session.map(|session| session.number())),
            ],
            Must::Whatever,
        );
        self.step(
            "INSERT INTO card_numbers (number_index, card) VALUES ($1, $2)",
            vec![Box::new(index.as_slice()), Box::new(id)],
            Must::Whatever,
        );
        Ok(())
    }

    fn add_sessions(&mut self, sessions: &[(&'a Session, &'a SessionState)]) -> Result<(), Fault> {
        let (mut kinds, mut places, mut staff) = (Vec::new(), Vec::new(), Vec::new());
        for (session, _) in sessions {
            let (kind, card, place, operator) = match session.subject {
                Subject::Card { card, place, .. } => ("card", Some(card.number()), Some(self.machine(place)?), None),
                Subject::Online { .. } => ("online", None, None, None),
                Subject::Operator { operator, role } => {
                    ("operator", None, None, Some((operator.number(), role.name())))
                }
            };
            kinds.push(kind);
            places.push((card, place));
            staff.push(operator);
        }
        let identities = || sessions.iter().map(|(session, _)| *session);
        let values: Vec<Value<'a>> = vec![
            column(identities().map(|session| session.id.number())),
            column(identities().map(|session| session.token.as_slice())),
            Box::new(kinds),
            column(identities().map(|session| session.customer().map(|id| id.number()))),
            column(places.iter().map(|(card, _)| *card)),
            column(places.iter().map(|(_, place)| *place)),
            column(staff.iter().map(|staff| staff.map(|(operator, _)| operator))),
            column(staff.iter().map(|staff| staff.map(|(_, role)| role))),
            column(identities().map(|session| session.began.micros())),
            column(identities().map(|session| i64::from(session.idle_s))),
            column(identities().map(|session| session.ends.map(|ends| ends.micros()))),
        ];
        self.step(
            insert!(
                "sessions (id, token, kind, customer, card, machine, operator, role, began, idle_s, ends)",
                "$1::bigint[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::text[], $9::bigint[], $10::bigint[], $11::bigint[]"
            ),
            values,
            Must::Whatever,
        );
        let values = super::changed::session_states(sessions.iter().map(|(_, state)| *state));
        self.step(
            insert!(
                "session_states (id, active, generation, ended, why)",
                "$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]"
            ),
            values,
            Must::Whatever,
        );
        Ok(())
    }

    /// Two-step withdrawals, after their transfers.
    pub(super) fn added_withdrawals(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for new in &changes.new {
            if let New::Withdrawal(identity, withdrawal, request) = new {
                self.add_withdrawal(identity, withdrawal, request)?;
            }
        }
        Ok(())
    }

    fn add_withdrawal(
        &mut self,
        identity: &'a WithdrawalIdentity,
        withdrawal: &'a Withdrawal,
        request: &'a RequestId,
    ) -> Result<(), Fault> {
        let machine = self.machine(identity.machine)?;
        let (fee_transfer, fee) = identity.fee.map(|(id, fee)| (Uuid::from(id), fee.minor())).unzip();
        self.step(
            "INSERT INTO withdrawals (id, request, account, customer, machine, amount, currency, fee_transfer, fee,
                 balance_before, counted_on, nonce)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            vec![
                Box::new(Uuid::from(identity.id)),
                Box::new(Uuid(request.key)),
                Box::new(whole(identity.account.number())?),
                Box::new(identity.customer.number()),
                Box::new(machine),
                Box::new(identity.amount.minor()),
                Box::new(identity.amount.currency().code().to_owned()),
                Box::new(fee_transfer),
                Box::new(fee),
                Box::new(identity.balance_before),
                Box::new(i64::from(identity.counted_on.days())),
                Box::new(identity.nonce.as_ref().map(<[u8; 16]>::as_slice)),
            ],
            Must::Whatever,
        );
        let (paid, case) = names::particulars(withdrawal.state);
        self.step(
            "INSERT INTO withdrawal_states (id, state, paid, case_id) VALUES ($1, $2, $3, $4)",
            vec![
                Box::new(Uuid::from(identity.id)),
                Box::new(names::withdrawal_state(withdrawal.state)),
                Box::new(paid),
                Box::new(case),
            ],
            Must::Whatever,
        );
        Ok(())
    }
}
