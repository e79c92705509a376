//! Customers, their email addresses, cards and sessions: rows that must agree with each other.

use std::collections::HashMap;

use super::chart::Chart;
use super::report::{Judge, Named, Report};
use crate::store::StoreError;
use crate::store::records::{CardRecord, CustomerRecord, Records, SessionRecord};

/// What other checks need to know of people.
#[derive(Default)]
pub(super) struct People {
    customers: HashMap<i64, Customer>,
    cards: HashMap<i64, Card>,
    /// Card and account: the account's position.
    pub(super) reach: HashMap<(i64, i64), i64>,
}

/// The counters of a customer's row.
#[derive(Clone, Copy)]
pub(super) struct Customer {
    pub(super) events: Option<i64>,
    pub(super) last_event: Option<i64>,
    generation: Option<i64>,
}

struct Card {
    customer: i64,
    state: Option<String>,
    /// Accounts that it reaches.
    accounts: i64,
}

impl People {
    pub(super) fn customers(&self) -> impl Iterator<Item = (i64, Customer)> {
        self.customers.iter().map(|(id, customer)| (*id, *customer))
    }

    /// How many events a customer has.
    pub(super) fn events(&self, customer: i64) -> Option<i64> {
        self.customers.get(&customer)?.events
    }

    /// Who holds a card.
    pub(super) fn holder(&self, card: i64) -> Option<i64> {
        Some(self.cards.get(&card)?.customer)
    }

    pub(super) fn card_states(&self) -> impl Iterator<Item = (i64, &str)> {
        self.cards.iter().map(|(id, card)| (*id, card.state.as_deref().unwrap_or("nothing")))
    }
}

/// Reads and checks people. `last`: the instant of the last commit.
pub(super) fn read(
    records: &Records,
    chart: &Chart,
    last: Option<i64>,
    report: &mut Report,
) -> Result<People, StoreError> {
    let mut people = People::default();
    check_customers(records, &mut people, report)?;
    check_cards(records, chart, &mut people, report)?;
    let mut judge = Judge::of("sessions");
    records.sessions(|row| {
        judge.examine();
        check_session(&row, &people, last, &mut judge);
    })?;
    report.add(judge);
    Ok(people)
}

fn check_customers(records: &Records, people: &mut People, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("customers");
    let mut emails: HashMap<i64, u32> = HashMap::new();
    records.emails(|email| {
        *emails.entry(email.customer).or_default() += 1;
        if !email.current {
            let customer = email.customer;
            judge.differs(format_args!("customer {customer}: an email address leads to them that is not theirs"));
        }
    })?;
    records.customers(|row| {
        judge.examine();
        let indexed = emails.get(&row.id).copied().unwrap_or_default();
        check_customer(&row, indexed, &mut judge);
        let customer = Customer { events: row.events, last_event: row.last_event, generation: row.generation };
        people.customers.insert(row.id, customer);
    })?;
    report.add(judge);
    Ok(())
}

fn check_customer(row: &CustomerRecord, indexed: u32, judge: &mut Judge) {
    let subject = Named("customer", row.id);
    if row.events.is_none() {
        judge.differs(format_args!("{subject}: nothing counts their events"));
    }
    judge.same(&subject, "email addresses that lead to them", indexed, u32::from(row.email.is_some()));
    if row.email.is_some() != row.email_index.is_some() {
        judge.differs(format_args!("{subject}: an email address without index, or an index without address"));
    }
    if row.password_version.is_some() != row.password_hash.is_some() {
        judge.differs(format_args!("{subject}: a password without version, or a version without password"));
    }
    let (counted, own) = (row.state_password_version, Some(row.password_version.unwrap_or(0)));
    judge.same_or_none(&subject, "the version of the password", counted, own);
    if row.generation.is_some_and(|generation| generation < 1) {
        judge.differs(format_args!("{subject}: no generation of sessions"));
    }
}

fn check_cards(records: &Records, chart: &Chart, people: &mut People, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("cards");
    records.cards(|row| {
        judge.examine();
        check_card(&row, &mut judge);
        people.cards.insert(row.id, Card { customer: row.customer, state: row.state, accounts: 0 });
    })?;
    records.card_accounts(|row| {
        let subject = Named("card", row.card);
        let Some(card) = people.cards.get_mut(&row.card) else {
            judge.differs(format_args!("{subject}: it reaches an account and is not there"));
            return;
        };
        judge.same(&subject, "the position of an account", row.position, card.accounts);
        judge.same_or_none(&subject, "the owner of its account", chart.owner(row.account), Some(card.customer));
        card.accounts += 1;
        people.reach.insert((row.card, row.account), row.position);
    })?;
    for (id, card) in &people.cards {
        if card.accounts == 0 {
            judge.differs(format_args!("card {id}: it reaches no account"));
        }
    }
    report.add(judge);
    Ok(())
}

fn check_card(row: &CardRecord, judge: &mut Judge) {
    let subject = Named("card", row.id);
    judge.same(&subject, "numbers that lead to it", row.indexes, 1);
    if row.state.is_none() {
        judge.differs(format_args!("{subject}: nothing says how it stands"));
    }
    if let Some(session) = row.session.filter(|_| row.session_card != Some(row.id)) {
        judge.differs(format_args!("{subject}: names session {session}, which is not one of this card"));
    }
}

fn check_session(row: &SessionRecord, people: &People, last: Option<i64>, judge: &mut Judge) {
    let subject = Named("session", row.id);
    let kind = match (row.customer, row.card, row.operator_role.as_ref()) {
        (Some(_), Some(_), None) => "card",
        (Some(_), None, None) => "online",
        (None, None, Some(_)) => "operator",
        (Some(_) | None, Some(_) | None, Some(_) | None) => "of nobody",
    };
    judge.same(&subject, "kind", row.kind.as_str(), kind);
    if row.card.is_some() {
        judge.same_or_none(&subject, "customer", row.customer, row.holder);
    }
    judge.same_or_none(&subject, "role", row.role.as_ref(), row.operator_role.as_ref());
    let (Some(active), Some(generation)) = (row.active, row.generation) else {
        judge.differs(format_args!("{subject}: nothing says whether it lives"));
        return;
    };
    let ended = row.ended.unwrap_or(active);
    if active < row.began || Some(active) > last || ended < row.began || Some(ended) > last {
        judge.differs(format_args!("{subject}: began at {}, active at {active}, ended at {ended}", row.began));
    }
    if row.ends.is_some_and(|ends| ends < row.began) {
        judge.differs(format_args!("{subject}: it ends before it began"));
    }
    let newest =
        row.customer.and_then(|customer| people.customers.get(&customer)).and_then(|customer| customer.generation);
    if newest.is_some_and(|newest| generation > newest) {
        judge.differs(format_args!("{subject}: of generation {generation}, which is yet to come"));
    }
}
