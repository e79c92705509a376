//! What the host has to tell a terminal: its settings, the cards that it must not serve, a lease, its pad's key, what
//! staff want.

use std::collections::BTreeSet;
use std::sync::Arc;

use cashpoint_core::command::GrantLease;
use cashpoint_core::currency::Currency;
use cashpoint_core::enrolled::{EnrolledTerminal, GrantedLease, JournalTrust};
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CardId, MachineId};
use cashpoint_core::money::Amount;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::policy::{OfflineCash, Policy};
use cashpoint_core::replenishment::CashCount;
use cashpoint_core::terminal::device::{Bin, CardReference, Filling, Nonce};
use cashpoint_core::terminal::link::{Heartbeat, HostCommand, Lease, News, ReplenishmentOrder, Reply};
use cashpoint_core::terminal::settings::{HotList, OfflineLimits, OfflineWithdrawal, PartitionPolicy, Settings};
use cashpoint_core::time::Timestamp;

use super::Hot;
use super::evidence::USES;
use crate::bank::Bank;
use crate::desk::Stop;
use crate::keys::{TerminalSecrets, WrappedKey};
use crate::personal::{DataKey, PersonalColumn};
use crate::store::Reads;

/// How long a lease serves.
const LEASE_S: i64 = 24 * 60 * 60;

/// An unchanged hot list is confirmed this often.
const CONFIRM_MS: i64 = 30_000;

/// Settings are numbered by the policy's version and, below it, by how often staff chose for the one terminal.
const CHOICES: u64 = 1 << 20;

/// What a sign of life is answered from besides its terminal's own row, as of one instant.
struct Current {
    version: u32,
    policy: Policy,
    /// Cards that were served there and must not be now.
    spent: Vec<CardId>,
    /// What staff have ordered of its cassettes and it has not told as done.
    replenishment: Option<ReplenishmentOrder>,
}

impl Bank {
    pub(super) fn news(&self, enrolled: &EnrolledTerminal, told: Heartbeat) -> Result<Reply, Stop> {
        let (now, terminal) = (self.now(), enrolled.machine);
        let secrets = self.terminal_secrets(terminal)?;
        let Current { version, policy, spent, replenishment } = self.look(|reads| current(reads, terminal))?;
        let settings = settings_of(&policy, version, enrolled, self.currency(terminal)?);
        let hot_list = self.hot_list(terminal, (&secrets, spent), (told.hot_list, now))?;
        let lease = match told.nonce {
            Some(nonce) => self.lease(enrolled, nonce, (&policy, &settings))?,
            None => None,
        };
        let own = secrets.pin_key_check();
        let pin_key = if told.pin_key == Some(own) { None } else { secrets.pin_key_block(self.inner.entropy.as_ref()) };
        let order = enrolled.order.filter(|order| !told.carried_out.contains(&order.number));
        let commands = order.map(|order| HostCommand { number: order.number, kind: order.kind }).into_iter().collect();
        let newer = told.settings != settings.version;
        self.with_live(terminal, |live| live.told = Some((now, told)));
        Ok(Reply::News(Box::new(News {
            settings: newer.then_some(settings),
            hot_list,
            lease,
            pin_key,
            commands,
            replenishment,
        })))
    }

    /// A terminal's settings, by the policy and what staff chose for it.
    pub(super) fn settings(&self, enrolled: &EnrolledTerminal) -> Result<Settings, Stop> {
        let (version, policy) = self.look(|reads| Ok(reads.policy()?))?;
        Ok(settings_of(&policy, version, enrolled, self.currency(enrolled.machine)?))
    }

    /// The cards that must not be served; none if what the terminal has is of now.
    fn hot_list(
        &self,
        terminal: MachineId,
        (secrets, spent): (&TerminalSecrets, Vec<CardId>),
        (has, now): (u64, Timestamp),
    ) -> Result<Option<HotList>, Stop> {
        let mut cards = BTreeSet::new();
        for card in spent {
            cards.extend(self.reference(terminal, secrets, card)?);
        }
        Ok(self.with_live(terminal, |live| {
            let hot = match live.hot.take() {
                Some(hot) if hot.cards == cards => hot,
                other => {
                    // Numbered by the clock, which never goes back: after a restart too it is newer than any before.
                    let micros = now.micros().unsigned_abs();
                    let version = other.map_or(micros, |hot| micros.max(hot.version + 1));
                    Hot { version, cards, confirmed: None }
                }
            };
            let due = hot.confirmed.is_none_or(|at| now.since_ms(at) >= CONFIRM_MS) || has != hot.version;
            let list = due.then(|| HotList { version: hot.version, as_of: now, cards: hot.cards.clone() });
            live.hot = Some(Hot { confirmed: if due { Some(now) } else { hot.confirmed }, ..hot });
            list
        }))
    }

    /// How a terminal names a card that it served.
    fn reference(
        &self,
        terminal: MachineId,
        secrets: &TerminalSecrets,
        card: CardId,
    ) -> Result<Option<CardReference>, Stop> {
        if let Some(known) = self.with_live(terminal, |live| live.references.get(&card).copied()) {
            return Ok(Some(known));
        }
        let found = self.look(|reads| {
            let Some((identity, number)) = reads.card(card)? else { return Ok(None) };
            Ok(reads.customer(identity.customer)?.map(|(profile, _)| (profile, number)))
        })?;
        let Some((profile, number)) = found else { return Ok(None) };
        let (version, sealed) = &profile.data_key;
        let wrapped = WrappedKey { version: *version, sealed: sealed.0.clone() };
        let key = DataKey::unwrap(self.inner.keys.as_ref(), profile.customer, &wrapped)?;
        let number = key.open(PersonalColumn::CardNumber, card.number(), &number)?;
        let Ok(pan) = crate::secret::Pan::parse(&number) else { return Ok(None) };
        let reference = secrets.card_reference(&pan);
        self.with_live(terminal, |live| live.references.insert(card, reference));
        Ok(Some(reference))
    }

    /// The lease for a nonce, once what the terminal told has been posted.
    pub(super) fn lease_after(&self, terminal: MachineId, nonce: Nonce) -> Result<Option<Lease>, Stop> {
        let enrolled = self.enrolled(terminal)?.ok_or(Refusal::Forbidden)?;
        let (version, policy) = self.look(|reads| Ok(reads.policy()?))?;
        let settings = settings_of(&policy, version, &enrolled, self.currency(terminal)?);
        self.lease(&enrolled, nonce, (&policy, &settings))
    }

    /// The lease for a nonce, if the policy has leases and the fleet's limit leaves room: the one that was given for it
    /// before, or a new one.
    fn lease(
        &self,
        enrolled: &EnrolledTerminal,
        nonce: Nonce,
        (policy, settings): (&Policy, &Settings),
    ) -> Result<Option<Lease>, Stop> {
        let secrets = self.terminal_secrets(enrolled.machine)?;
        let OfflineWithdrawal::Limited(limits) = settings.partition.withdrawal else { return Ok(None) };
        if !secrets.has_devices() || limits.lease.minor() <= 0 {
            return Ok(None);
        }
        // One that was given is never taken away; whether it is closed is looked at when it is used.
        let granted = match enrolled.leases.iter().find(|lease| lease.nonce == nonce.0) {
            Some(known) => Some(*known),
            None => self.granted(enrolled.machine, nonce, (limits.lease, policy))?,
        };
        let Some(lease) = granted else { return Ok(None) };
        let until = lease.granted.plus_s(LEASE_S);
        if lease.closed || until <= self.now() {
            return Ok(None);
        }
        let told = self.with_live(enrolled.machine, |live| live.lease.clone());
        if let Some((under, told)) = told
            && Arc::ptr_eq(&under, &secrets)
            && (told.nonce, told.amount, told.until) == (nonce, lease.amount, until)
        {
            return Ok(Some(told));
        }
        let token = secrets.dispense_token(nonce, lease.amount).ok_or(Refusal::Forbidden)?;
        let present_nonces = (0..USES).map(|which| secrets.present_nonce(&nonce.0, which)).collect();
        let told = Lease { nonce, token, amount: lease.amount, until, present_nonces };
        self.with_live(enrolled.machine, |live| live.lease = Some((secrets, told.clone())));
        Ok(Some(told))
    }

    fn granted(
        &self,
        terminal: MachineId,
        nonce: Nonce,
        (amount, policy): (Amount, &Policy),
    ) -> Result<Option<GrantedLease>, Stop> {
        let _granting = self.inner.links.granting.lock().expect("no holder of this lock can panic");
        let all = self.look(|reads| Ok(reads.terminals()?))?;
        let own = all.iter().find(|known| known.machine == terminal).ok_or(Refusal::Forbidden)?;
        if let Some(known) = own.leases.iter().find(|lease| lease.nonce == nonce.0) {
            return Ok(Some(*known));
        }
        if matches!(own.journal, JournalTrust::Doubted(_)) {
            return Ok(None);
        }
        let exposed: i64 = all.iter().map(EnrolledTerminal::exposure).fold(0, i64::saturating_add);
        if exposed.saturating_add(amount.minor())
            > policy.terminals.offline_fleet_limit.limit_in(amount.currency()).minor()
        {
            return Ok(None);
        }
        let lease = GrantedLease { nonce: nonce.0, amount, used: 0, presents: 0, granted: self.now(), closed: false };
        self.changed(GrantLease { terminal, lease })?;
        Ok(Some(lease))
    }
}

/// Reads what a sign of life is answered from.
fn current(reads: &mut dyn Reads, terminal: MachineId) -> Result<Current, Stop> {
    let (version, policy) = reads.policy()?;
    let spent = reads.spent_cards(terminal)?;
    let mut keys = Keys::default();
    keys.replenishments.insert(terminal);
    keys.holdings.insert(terminal);
    let mut facts = Facts::default();
    reads.load(&keys, &mut facts)?;
    let cassettes = facts.holdings.find(&terminal).map_or(0, |holdings| holdings.cassettes.len());
    let due = facts.replenishments.find(&terminal).filter(|row| row.posted.is_none());
    let replenishment = due.map(|row| ReplenishmentOrder {
        number: row.number,
        filling: row.count.as_ref().map(|count| filling(count, cassettes)),
    });
    Ok(Current { version, policy, spent, replenishment })
}

fn settings_of(policy: &Policy, version: u32, enrolled: &EnrolledTerminal, currency: Currency) -> Settings {
    let figure = |figure: cashpoint_core::money::Decimal| figure.limit_in(currency);
    let whole = |text: &str| {
        let figure = text.parse().map(|whole| cashpoint_core::money::Decimal::new(whole, 0));
        figure.ok().map(|figure| figure.limit_in(currency))
    };
    let bank = PartitionPolicy {
        balance: policy.terminals.offline_balance,
        deposit: policy.terminals.offline_deposit,
        transfer: policy.terminals.offline_transfer,
        withdrawal: match policy.terminals.offline_withdrawal {
            OfflineCash::Refuse => OfflineWithdrawal::Refuse,
            OfflineCash::Limited => OfflineWithdrawal::Limited(OfflineLimits {
                per_card: figure(policy.terminals.offline_card_limit),
                per_outage: figure(policy.terminals.offline_outage_limit),
                hot_list_age_s: policy.terminals.offline_hot_list_age_s,
                lease: figure(policy.terminals.offline_lease),
            }),
        },
    };
    Settings {
        version: u64::from(version) * CHOICES + u64::from(enrolled.partition_changes),
        currency,
        partition: enrolled.partition.unwrap_or(bank),
        most_notes: policy.notes_per_withdrawal,
        withdrawal_limit: figure(policy.withdrawal_limit),
        deposit_limit: figure(policy.deposit_limit),
        mix: policy.terminals.note_mix,
        fast_cash: policy.terminals.fast_cash.split(',').filter_map(whole).collect(),
        most_errors: policy.terminals.device_errors,
        customer_s: policy.terminals.customer_wait_s,
        taking_s: policy.terminals.taking_wait_s,
    }
}

/// What a machine's units hold after a count.
fn filling(count: &CashCount, cassettes: usize) -> Filling {
    let mut filled = vec![None; cassettes];
    for opened in &count.cassettes {
        if let Some(place) = filled.get_mut(opened.position) {
            *place = Some(opened.counted_in);
        }
    }
    let bins = [(Bin::Deposit, count.deposit_bin), (Bin::Reject, count.reject_bin), (Bin::Retract, count.retract_bin)];
    let emptied = bins.into_iter().filter(|(_, counted)| counted.is_some()).map(|(bin, _)| bin).collect();
    Filling { cassettes: filled, emptied }
}
