//! The auditor finds what does not fit: it is told lies about towns in which nothing is wrong, and each rule says so.

use cashpoint_core::currency::Currency;
use cashpoint_core::ledger::{BankAccount, LedgerAccount, TransferKind};
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::outcome::Refusal;
use cashpoint_core::policy::Policy;
use cashpoint_core::terminal::device::Command;
use cashpoint_core::terminal::link::{Advice, AdviceKind, OperationId, Reply, Request};
use cashpoint_core::terminal::record::Record;
use cashpoint_core::terminal::screen::{Finished, Screen, Sorry, Why};
use cashpoint_core::terminal::settings::OfflineWithdrawal;
use cashpoint_core::terminal::{Alarm, Lane};
use cashpoint_core::time::{BusinessDate, Timestamp};
use cashpoint_sim::audit::rows::{Posted, Rows, Side};
use cashpoint_sim::audit::seen::{Secret, Seen, Sight};
use cashpoint_sim::audit::{Auditor, Observer, Remains, Standing, Violation};
use cashpoint_sim::town::profile::{Level, Limits, Partition, Profile};
use cashpoint_sim::town::trace::Keep;
use cashpoint_sim::town::{Outcome, Setup, run};

/// In how many towns a lie may come to nothing before it is believed.
const TOWNS: u64 = 12;

/// What an auditor is told in the place of something that was seen, and what it is shown in the end.
struct Lie {
    tell: fn(&Sight) -> Vec<Seen>,
    show: fn(&mut Shown),
    outages: Level,
}

/// What is left of a town.
struct Shown {
    rows: Rows,
    standing: Vec<Standing>,
    kept: Vec<(String, Vec<u8>)>,
}

/// Tells an auditor lies.
struct Liar<'a> {
    auditor: Auditor,
    lie: &'a Lie,
}

impl Observer for Liar<'_> {
    fn see(&mut self, sight: &Sight) -> Result<(), Violation> {
        let told = (self.lie.tell)(sight).into_iter();
        told.map(|what| Sight { what, ..sight.clone() }).try_for_each(|sight| self.auditor.see(&sight))
    }

    fn settled(&mut self, remains: &Remains<'_>, now: Timestamp) -> Result<(), Violation> {
        let (rows, standing, kept) = (remains.rows.clone(), remains.standing.to_vec(), remains.kept.to_vec());
        let mut shown = Shown { rows, standing, kept };
        (self.lie.show)(&mut shown);
        let Shown { rows, standing, kept } = &shown;
        self.auditor.settled(&Remains { rows, standing, kept, ..*remains }, now)
    }
}

fn truth(sight: &Sight) -> Vec<Seen> {
    vec![sight.what.clone()]
}

const fn nothing(_: &mut Shown) {}

/// What the rule of this name says when it is told lies.
fn finds(rule: &str, lie: &Lie) {
    let profile = Profile { outages: lie.outages, ..Profile::calm(Partition::Limited(Limits::USUAL)) };
    for seed in 0..TOWNS {
        let visits = if lie.outages == Level::Off { 12 } else { 60 };
        let setup = Setup { seed, machines: 1, visits, profile: profile.clone(), keep: Keep::Last };
        let Outcome { violation, trace, .. } = run(setup, &mut Liar { auditor: Auditor::new(), lie });
        if let Some(violation) = violation {
            assert!(violation.rule.starts_with(rule), "{rule}: seed {seed}: {violation}\n{trace}");
            return;
        }
    }
    panic!("{rule} says nothing");
}

fn told(rule: &str, tell: fn(&Sight) -> Vec<Seen>) {
    finds(rule, &Lie { tell, show: nothing, outages: Level::Off });
}

fn told_of_outages(rule: &str, tell: fn(&Sight) -> Vec<Seen>) {
    finds(rule, &Lie { tell, show: nothing, outages: Level::Heavy });
}

fn shown(rule: &str, show: fn(&mut Shown)) {
    finds(rule, &Lie { tell: truth, show, outages: Level::Off });
}

/// The sight, twice if `which` is true of it.
fn twice(sight: &Sight, which: fn(&Seen) -> bool) -> Vec<Seen> {
    vec![sight.what.clone(); if which(&sight.what) { 2 } else { 1 }]
}

/// The sight, unless `which` is true of it.
fn not(sight: &Sight, which: fn(&Seen) -> bool) -> Vec<Seen> {
    vec![sight.what.clone(); usize::from(!which(&sight.what))]
}

/// With other rows of the ledger: each row becomes what `other` says, and nothing comes after the first that it changed.
fn rows(sight: &Sight, other: fn(&Posted) -> Option<Vec<Posted>>) -> Vec<Seen> {
    let Seen::Posted(rows) = &sight.what else { return truth(sight) };
    let mut told = Vec::new();
    for row in rows {
        let Some(others) = other(row) else {
            told.push(row.clone());
            continue;
        };
        told.extend(others);
        break;
    }
    vec![Seen::Posted(told)]
}

/// With another record in the place of those that `other` changes.
fn record(sight: &Sight, other: fn(&Record) -> Option<Record>) -> Vec<Seen> {
    let Seen::Wrote(n, record) = &sight.what else { return truth(sight) };
    vec![Seen::Wrote(*n, Box::new(other(record).unwrap_or_else(|| (**record).clone())))]
}

/// Under other choices of the bank.
fn ruled(sight: &Sight, change: fn(&mut Policy)) -> Vec<Seen> {
    let Seen::Ruled(policy) = &sight.what else { return truth(sight) };
    let mut policy = policy.clone();
    change(&mut policy);
    vec![Seen::Ruled(policy)]
}

/// A request for cash, for so much more.
fn with_amount(request: &Request, more: i64) -> Box<Request> {
    let mut request = request.clone();
    if let Request::Approve { amount, .. } = &mut request {
        *amount = Amount::new(amount.minor() + more, amount.currency());
    }
    Box::new(request)
}

/// A record that says nothing of money.
const IDLE: Record = Record::CarriedOut { number: 0 };

fn side(account: LedgerAccount) -> Side {
    Side { account, currency: Currency::USD, balance: None }
}

fn later(side: Side, change: i64) -> Side {
    Side { balance: side.balance.map(|balance| balance + change), ..side }
}

#[test]
fn people_are_told_the_truth_and_pay_for_what_they_have() {
    told("the_last_screen_is_true", |sight| not(sight, |what| matches!(what, Seen::Taken(_))));
    told("the_last_screen_is_true", |sight| not(sight, |what| matches!(what, Seen::PutIn(_))));
    told("the_last_screen_is_true", |sight| {
        let Seen::Shown(Screen::Done(Finished::Transfer { .. })) = &sight.what else { return truth(sight) };
        vec![Seen::Shown(Screen::Sorry(Sorry::NotCharged { why: Why::Bank, reference: None }))]
    });
    told("invariant_20", |sight| twice(sight, |what| matches!(what, Seen::Taken(_))));
    told("invariants_16_and_17", |sight| twice(sight, |what| matches!(what, Seen::Opened { .. })));
    told("invariant_15", |sight| twice(sight, |what| matches!(what, Seen::Loaded(_))));
    told("invariant_15", |sight| not(sight, |what| matches!(what, Seen::Counted(..))));
    told("invariant_27", |sight| vec![sight.what.clone(), Seen::Told(Alarm::JournalTampered)]);
}

#[test]
fn what_stands_at_the_end_agrees() {
    shown("invariant_33", |shown| shown.standing[0].waiting += 1);
    shown("invariant_2", |shown| *shown.rows.balances.get_mut("bank:vault:USD").unwrap() += 1);
    shown("invariant_10", |shown| {
        *shown.rows.balances.get_mut("atm:ATM900:in_flight:USD").unwrap() += 1;
        *shown.rows.balances.get_mut("bank:vault:USD").unwrap() -= 1;
    });
    shown("invariant_10_suspense", |shown| {
        *shown.rows.balances.entry("bank:suspense:USD".to_owned()).or_default() += 1;
        *shown.rows.balances.get_mut("bank:vault:USD").unwrap() -= 1;
    });
    shown("invariant_19", |shown| {
        *shown.rows.balances.get_mut("atm:ATM900:cash:USD").unwrap() += 1;
        *shown.rows.balances.get_mut("bank:vault:USD").unwrap() -= 1;
    });
    shown("invariant_9", |shown| shown.rows.transfers[0].amount += 1);
    shown("invariant_9", |shown| shown.rows.transfers.truncate(1));
    shown("invariant_34", |shown| shown.rows.withdrawals[0].state = "approved".to_owned());
    shown("invariant_34", |shown| shown.rows.holdings.iter_mut().for_each(|holding| holding.bins[0] += 1));
    finds(
        "invariant_31",
        &Lie {
            tell: |sight| {
                let mut told = truth(sight);
                told.extend((sight.what == Seen::Healed).then(|| Seen::Secret(Secret(b"never to be seen".to_vec()))));
                told
            },
            show: |shown| shown.kept[0].1.extend(b"and yet never to be seen here"),
            outages: Level::Off,
        },
    );
}

#[test]
fn the_ledger_has_what_was_asked_for_and_no_more() {
    told("invariant_3", |sight| {
        rows(sight, |row| row.debit.balance.map(|_| vec![Posted { debit: later(row.debit, 1), ..row.clone() }]))
    });
    told("invariants_1_and_6", |sight| {
        rows(sight, |row| {
            let euros = Side { currency: Currency::EUR, ..row.credit };
            Some(vec![Posted { credit: euros, ..row.clone() }])
        })
    });
    told("invariant_7", |sight| {
        rows(sight, |row| {
            let large = 1_000_000_00;
            (row.kind == TransferKind::WithdrawalApproved)
                .then(|| vec![row.clone(), Posted { amount: large, debit: later(row.debit, -large), ..row.clone() }])
        })
    });
    told("invariant_8", |sight| {
        rows(sight, |row| {
            let (kind, amount, concerns) = (TransferKind::OverdraftFee, 15_00, Some(row.id));
            let (debit, credit) =
                (later(row.debit, -amount), side(LedgerAccount::Bank(BankAccount::Fees, Currency::USD)));
            let fee = Posted { kind, amount, concerns, debit, credit, ..row.clone() };
            (row.kind == TransferKind::WithdrawalApproved).then(|| vec![row.clone(), fee])
        })
    });
    told("invariant_10", |sight| {
        rows(sight, |row| (row.kind == TransferKind::WithdrawalCompleted).then(|| vec![row.clone(); 2]))
    });
    told("invariant_11", |sight| {
        rows(sight, |row| {
            let large = 1_000_000_00;
            let more = Posted { amount: large, credit: later(row.credit, large), ..row.clone() };
            (row.kind == TransferKind::Deposit).then(|| vec![row.clone(), more])
        })
    });
    told("invariant_28", |sight| ruled(sight, |policy| policy.daily_withdrawal_limit = Some(Decimal::new(1_00, 2))));
    told("invariant_28", |sight| {
        rows(sight, |row| {
            let earlier = Posted { business_date: BusinessDate::from_days(0), ..row.clone() };
            (row.kind == TransferKind::WithdrawalCompleted).then(|| vec![earlier])
        })
    });
    told("invariant_35", |sight| {
        let Seen::Reopened(there) = &sight.what else { return truth(sight) };
        vec![Seen::Reopened(there[..there.len() - 1].to_vec())]
    });
}

/// Cash was taken, and goes back all the same.
#[test]
fn what_was_taken_does_not_go_back() {
    told("invariant_17", |sight| {
        let Seen::Posted(rows) = &sight.what else { return truth(sight) };
        let of = |kind| rows.iter().find(move |row| row.kind == kind);
        let Some(paid) = of(TransferKind::WithdrawalCompleted) else { return truth(sight) };
        let Some(approved) = rows.iter().find(|row| Some(row.id) == paid.concerns) else { return truth(sight) };
        let kind = TransferKind::Reversal;
        let credit = later(approved.debit, approved.amount);
        let back = Posted { kind, credit, ..paid.clone() };
        let before = rows.iter().take_while(|row| row.id != approved.id).cloned();
        vec![Seen::Posted(before.chain([approved.clone(), back]).collect())]
    });
}

#[test]
fn records_come_before_effects_and_every_one_is_told() {
    told("invariant_35", |sight| not(sight, |what| matches!(what, Seen::Wrote(5, _))));
    told("invariant_21", |sight| record(sight, |record| matches!(record, Record::Presenting { .. }).then_some(IDLE)));
    told("invariant_21", |sight| record(sight, |record| matches!(record, Record::Storing { .. }).then_some(IDLE)));
    told("invariant_22", |sight| {
        record(sight, |record| {
            let Record::Advice(advice) = record else { return None };
            let AdviceKind::Completed { moved, evidence, .. } = advice.kind.clone() else { return None };
            let kind = AdviceKind::Completed { original: OperationId(7), moved, evidence };
            Some(Record::Advice(Advice { kind, ..advice.clone() }))
        })
    });
    told("invariant_23", |sight| record(sight, |record| matches!(record, Record::Acknowledged { .. }).then_some(IDLE)));
    told("invariant_23", |sight| {
        record(sight, |record| {
            let other = Record::Acknowledged { id: OperationId(7) };
            matches!(record, Record::Acknowledged { .. }).then_some(other)
        })
    });
    told("invariant_24", |sight| {
        record(sight, |record| {
            let Record::Advice(advice) = record else { return None };
            let id = OperationId(advice.id.0 + 1_000_000);
            let own = matches!(advice.kind, AdviceKind::Completed { .. });
            own.then(|| Record::Advice(Advice { id, ..advice.clone() }))
        })
    });
}

#[test]
fn notes_leave_by_the_hosts_leave() {
    told("invariants_18_and_20", |sight| {
        not(sight, |what| matches!(what, Seen::Command(command) if matches!(**command, Command::Dispense(_))))
    });
    told("invariants_18_and_20", |sight| {
        let is = matches!(&sight.what, Seen::Command(command) if matches!(**command, Command::Dispense(_)));
        let moved = || vec![sight.what.clone(), Seen::Fed(vec![(10_00, 1)]), sight.what.clone()];
        if is { moved() } else { truth(sight) }
    });
    told("invariants_18_and_20", |sight| {
        let Seen::Answered { lane, request, reply: reply @ Ok(Reply::Approved(_)) } = &sight.what else {
            return truth(sight);
        };
        vec![Seen::Answered { lane: *lane, request: with_amount(request, -1), reply: reply.clone() }]
    });
    told("invariant_16", |sight| {
        let taken = (sight.what == Seen::Began).then(|| Seen::Taken(vec![(10_00, 1)]));
        truth(sight).into_iter().chain(taken).collect()
    });
}

#[test]
fn what_is_paid_unasked_is_bounded() {
    told("invariant_25", |sight| ruled(sight, |policy| policy.terminals.offline_fleet_limit = Decimal::new(1_00, 2)));
    told("invariant_25", |sight| ruled(sight, |policy| policy.terminals.offline_lease = Decimal::new(1_00, 2)));
    told_of_outages("invariant_25", |sight| {
        record(sight, |record| {
            let Record::Settings(settings) = record else { return None };
            let mut settings = settings.clone();
            if let OfflineWithdrawal::Limited(limits) = &mut settings.partition.withdrawal {
                limits.per_card = Amount::new(5_00, Currency::USD);
            }
            Some(Record::Settings(settings))
        })
    });
    told_of_outages("invariant_26", |sight| {
        record(sight, |record| matches!(record, Record::HotList(_) | Record::HotListConfirmed { .. }).then_some(IDLE))
    });
    told("invariant_29_few_pins_are_compared_offline", |sight| {
        let Seen::Wrote(n, record) = &sight.what else { return truth(sight) };
        if !matches!(**record, Record::HotListConfirmed { .. }) {
            return truth(sight);
        }
        let wrong = u8::try_from(1 + n % 250).expect("it is less than 251");
        let counted = Record::OfflineTry { card: [0; 32], wrong };
        vec![Seen::Wrote(*n, Box::new(counted)), Seen::PinComparable]
    });
    told("invariant_29_few_pins_are_compared_offline", |sight| {
        let mut told = truth(sight);
        if let Seen::Command(command) = &sight.what
            && matches!(**command, Command::OnlinePinBlock(_))
        {
            told.push(Seen::PinComparable);
        }
        told
    });
}

#[test]
fn answers_are_what_they_were_and_sessions_end() {
    told("invariant_13", |sight| {
        let mut told = truth(sight);
        if let Seen::Answered { lane, request, reply: Ok(Reply::Approved(_)) } = &sight.what {
            told.push(Seen::Answered { lane: *lane, request: request.clone(), reply: Ok(Reply::LoggedOut) });
        }
        told
    });
    told("invariant_12", |sight| {
        let mut told = truth(sight);
        if let Seen::Answered { lane, request, reply: reply @ Ok(Reply::Approved(_)) } = &sight.what {
            told.push(Seen::Answered { lane: *lane, request: with_amount(request, 1), reply: reply.clone() });
        }
        told
    });
    told("invariant_12", |sight| {
        let mut told = truth(sight);
        if let Seen::Answered { request, reply: reply @ Ok(Reply::Approved(_)), .. } = &sight.what {
            told.push(Seen::Altered { request: request.clone(), reply: reply.clone() });
        }
        told
    });
    told("invariant_29", |sight| {
        let Seen::Answered { lane, request, reply: Ok(Reply::LoggedIn(_)) } = &sight.what else { return truth(sight) };
        let reply = Ok(Reply::Refused(Refusal::WrongCredentials));
        vec![Seen::Answered { lane: *lane, request: request.clone(), reply }; 4]
    });
    told("invariant_30", |sight| {
        let mut told = truth(sight);
        if let Seen::Answered { reply: Ok(Reply::LoggedIn(begun)), .. } = &sight.what {
            let request = Box::new(Request::LogOut { session: begun.session });
            told.push(Seen::Answered { lane: Lane::Online, request, reply: Ok(Reply::LoggedOut) });
        }
        told
    });
    told("invariant_31", |sight| {
        let is = matches!(sight.what, Seen::Secret(_));
        truth(sight).into_iter().chain(is.then(|| Seen::Secret(Secret(b"Customer".to_vec())))).collect()
    });
}
