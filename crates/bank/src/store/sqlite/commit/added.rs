//! People, places and what belongs to them, when they are new.

use cashpoint_core::account::Account;
use cashpoint_core::card::{Card, CardIdentity};
use cashpoint_core::change::New;
use cashpoint_core::customer::{Customer, Operator, PasswordHash, Profile, Sealed};
use cashpoint_core::id::{CustomerId, Index, RequestId};
use cashpoint_core::machine::{Holdings, Machine, MachineIdentity};
use cashpoint_core::session::{Session, SessionState, Subject};
use cashpoint_core::withdrawal::{Withdrawal, WithdrawalIdentity};
use rusqlite::params;

use super::{Fault, Group, update, whole};
use crate::store::names;

impl Group<'_> {
    /// Customers and staff.
    pub(super) fn added_people(&self) -> Result<(), Fault> {
        for new in &self.changes.new {
            match new {
                New::Customer(row, profile, password) => self.add_customer(row, profile, password.as_ref())?,
                New::Operator(operator) => self.add_operator(operator)?,
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
        for new in &changes.new {
            match new {
                New::Machine(identity, machine, holdings) => self.add_machine(identity, machine, holdings)?,
                New::Account(account) => self.add_account(account)?,
                New::Cash(cash) => {
                    let id = self.memory.add_account(self.transaction, cash.account)?;
                    let mut statement = self.statement("UPDATE accounts SET debits = ?, credits = ? WHERE id = ?")?;
                    update(&mut statement, (cash.totals.debits, cash.totals.credits, id))?;
                }
                New::Transfer(_)
                | New::Event(_)
                | New::Audit(_)
                | New::Request(..)
                | New::Customer(..)
                | New::Operator(_)
                | New::Session(..)
                | New::Card(..)
                | New::Withdrawal(..)
                | New::Policy(..)
                | New::DeadLetter(_)
                | New::Notice(_) => {}
            }
        }
        for new in &changes.new {
            if let New::Card(identity, card, number, index) = new {
                self.add_card(identity, card, (number, index))?;
            }
        }
        Ok(())
    }

    /// Sessions, after everything they may belong to.
    pub(super) fn added_sessions(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        for new in &changes.new {
            if let New::Session(session, state) = new {
                self.add_session(session, state)?;
            }
        }
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

    fn add_customer(
        &self,
        customer: &Customer,
        profile: &Profile,
        password: Option<&PasswordHash>,
    ) -> Result<(), Fault> {
        let (email, email_index) = profile.email.as_ref().map(|(email, index)| (&email.0, index)).unzip();
        self.statement(
            "INSERT INTO customers (id, name, data_key_version, data_key, email, email_index, phone, address, since,
                 password_version, password_hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            profile.customer.number(),
            profile.name,
            profile.data_key.0,
            profile.data_key.1.0,
            email,
            email_index,
            profile.phone.as_ref().map(|phone| &phone.0),
            profile.address.as_ref().map(|address| &address.0),
            profile.since.micros(),
            password.map(|password| password.version),
            password.map(|password| &password.phc),
        ])?;
        self.statement("INSERT INTO customer_states (id, events, generation, password_version) VALUES (?, ?, ?, ?)")?
            .execute((customer.id.number(), whole(customer.events)?, customer.generation, customer.password_version))?;
        email_index.map_or(Ok(()), |index| self.add_email(index, customer.id))
    }

    /// Makes an email address lead to its customer.
    pub(super) fn add_email(&self, index: &Index, customer: CustomerId) -> Result<(), Fault> {
        self.statement("INSERT INTO emails (email_index, customer) VALUES (?, ?)")?
            .execute((index, customer.number()))?;
        Ok(())
    }

    fn add_operator(&self, operator: &Operator) -> Result<(), Fault> {
        let Operator { id, name, role, password } = operator;
        self.statement(
            "INSERT INTO operators (id, name, role, password_version, password_hash) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute((id.number(), name, role.name(), password.version, &password.phc))?;
        Ok(())
    }

    fn add_machine(&mut self, identity: &MachineIdentity, machine: &Machine, holdings: &Holdings) -> Result<(), Fault> {
        let currency = identity.currency.map(|currency| currency.code());
        self.statement("INSERT INTO machines (id, kind, currency, secret) VALUES (?, ?, ?, ?)")?.execute((
            identity.id.as_str(),
            identity.kind.name(),
            currency,
            identity.secret,
        ))?;
        let number = self.memory.machine(self.transaction, identity.id)?;
        let session = machine.session.map(|session| session.number());
        self.statement("INSERT INTO machine_states (machine, location, status, session) VALUES (?, ?, ?, ?)")?
            .execute((number, &machine.location, names::machine_status(machine.status), session))?;
        self.statement(
            "INSERT INTO holdings (machine, cassettes, deposit_bin, reject_bin, retract_bin) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute((
            number,
            names::cassettes(&holdings.cassettes),
            holdings.deposit_bin,
            holdings.reject_bin,
            holdings.retract_bin,
        ))?;
        Ok(())
    }

    fn add_account(&self, account: &Account) -> Result<(), Fault> {
        let identity = &account.identity;
        let customer = identity.customer.number();
        let ordinal: i64 = self
            .statement("SELECT coalesce(max(ordinal), 0) + 1 FROM accounts WHERE customer = ?")?
            .query_row([customer], |row| row.get(0))?;
        self.statement(
            "INSERT INTO accounts (id, code, currency, debits, credits, customer, ordinal, product, opened, entries,
                 head, closed)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            whole(identity.number.number())?,
            identity.number.to_string(),
            identity.currency.code(),
            account.totals.debits,
            account.totals.credits,
            customer,
            ordinal,
            identity.product.name(),
            identity.opened.micros(),
            whole(account.entries)?,
            account.head.map(|head| head.bits().to_be_bytes()),
            account.closed.map(|closed| closed.micros()),
        ])?;
        Ok(())
    }

    fn add_card(&self, identity: &CardIdentity, card: &Card, number: (&Sealed, &Index)) -> Result<(), Fault> {
        let (sealed, index) = number;
        let id = identity.id.number();
        self.statement("INSERT INTO cards (id, customer, expires, number) VALUES (?, ?, ?, ?)")?.execute((
            id,
            identity.customer.number(),
            identity.expires.micros(),
            &sealed.0,
        ))?;
        let mut statement = self.statement("INSERT INTO card_accounts (card, position, account) VALUES (?, ?, ?)")?;
        for (position, account) in (0_i64..).zip(identity.accounts.iter()) {
            statement.execute((id, position, whole(account.number.number())?))?;
        }
        self.statement(
            "INSERT INTO card_states (id, state, verifier_version, verifier, session) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute((
            id,
            names::card_state(card.state),
            card.verifier.version,
            card.verifier.mac,
            card.session.map(|session| session.number()),
        ))?;
        self.statement("INSERT INTO card_numbers (number_index, card) VALUES (?, ?)")?.execute((index, id))?;
        Ok(())
    }

    fn add_session(&mut self, session: &Session, state: &SessionState) -> Result<(), Fault> {
        let (kind, customer, card, place) = match session.subject {
            Subject::Card { card, customer, place } => {
                let place = self.memory.machine(self.transaction, place)?;
                ("card", Some(customer), Some(card), Some(place))
            }
            Subject::Online { customer } => ("online", Some(customer), None, None),
            Subject::Operator { .. } => ("operator", None, None, None),
        };
        let (operator, role) = match session.subject {
            Subject::Operator { operator, role } => (Some(operator.number()), Some(role.name())),
            Subject::Card { .. } | Subject::Online { .. } => (None, None),
        };
        self.statement(
            "INSERT INTO sessions (id, token, kind, customer, card, machine, operator, role, began, idle_s, ends)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            session.id.number(),
            session.token,
            kind,
            customer.map(|customer| customer.number()),
            card.map(|card| card.number()),
            place,
            operator,
            role,
            session.began.micros(),
            session.idle_s,
            session.ends.map(|ends| ends.micros()),
        ])?;
        let (ended, why) = state.ended.map(|(at, why)| (at.micros(), names::end_reason(why))).unzip();
        self.statement("INSERT INTO session_states (id, active, generation, ended, why) VALUES (?, ?, ?, ?, ?)")?
            .execute((state.id.number(), state.active.micros(), state.generation, ended, why))?;
        Ok(())
    }

    fn add_withdrawal(
        &mut self,
        identity: &WithdrawalIdentity,
        withdrawal: &Withdrawal,
        request: &RequestId,
    ) -> Result<(), Fault> {
        let machine = self.memory.machine(self.transaction, identity.machine)?;
        let id = identity.id.bits().to_be_bytes();
        let (fee_transfer, fee) = identity.fee.map(|(id, fee)| (id.bits().to_be_bytes(), fee.minor())).unzip();
        self.statement(
            "INSERT INTO withdrawals (id, request, account, customer, machine, amount, currency, fee_transfer, fee,
                 balance_before, counted_on, nonce)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            request.key,
            whole(identity.account.number())?,
            identity.customer.number(),
            machine,
            identity.amount.minor(),
            identity.amount.currency().code(),
            fee_transfer,
            fee,
            identity.balance_before,
            identity.counted_on.days(),
            identity.nonce,
        ])?;
        let (paid, case) = names::particulars(withdrawal.state);
        self.statement("INSERT INTO withdrawal_states (id, state, paid, case_id) VALUES (?, ?, ?, ?)")?.execute((
            id,
            names::withdrawal_state(withdrawal.state),
            paid,
            case,
        ))?;
        Ok(())
    }
}
