//! The operator's choices, by name: reading them, and changing some of them.

use cashpoint_core::command::SetPolicy;
use cashpoint_core::currency::Currency;
use cashpoint_core::money::{Amount, Decimal};
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::policy::{OfflineCash, Policy, TerminalPolicy};
use cashpoint_core::session::Session;
use cashpoint_core::terminal::settings::{Mix, OfflineBalance, OfflineDeposit, OfflineTransfer};

use super::reading::staff;
use super::{Stop, answered, prepared, unexpected};
use crate::bank::{Answered, Bank};
use crate::calendar::{BusinessCalendar, CutoverTime};
use crate::execute::Failure;
use crate::store::terminals;

/// The longest time that a policy value may name.
const WEEK_S: u32 = 7 * 24 * 60 * 60;

/// The most that a rate may be.
const MOST: u32 = 1_000_000;

/// Most decimals of a figure: with more it would hold exactly in few currencies, and be cut off in all others.
const DECIMALS: usize = 2;

/// A policy value, or what somebody wants it to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyValue {
    /// An amount without a currency. Whole ones serve for [`PolicyValue::Count`] too when they come in.
    Figure(Decimal),
    /// A number of things or seconds.
    Count(u32),
    /// A text; one that is a figure serves for that too when it comes in.
    Text(String),
    /// No limit.
    Off,
}

/// A place in a policy where a value stands, and what it may be.
enum Place<'a> {
    Figure(&'a mut Decimal),
    Limit(&'a mut Option<Decimal>),
    Few(&'a mut u8),
    Count(&'a mut u32, u32),
    /// Milliseconds, which are seconds outside.
    Pause(&'a mut u32),
    Zone(&'a mut String),
    Balance(&'a mut OfflineBalance),
    Deposit(&'a mut OfflineDeposit),
    Transfer(&'a mut OfflineTransfer),
    Cash(&'a mut OfflineCash),
    Mix(&'a mut Mix),
    Figures(&'a mut String),
}

/// Every value of a policy by its name outside, which is the field's own. The pattern is without `..`, so that no value
/// is forgotten here.
fn places(policy: &mut Policy) -> Vec<(&'static str, Place<'_>)> {
    let Policy {
        withdrawal_limit,
        daily_withdrawal_limit,
        daily_transfer_limit,
        deposit_limit,
        daily_deposit_limit,
        overdraft_limit,
        overdraft_fee,
        pin_tries,
        pin_block_s,
        pin_blocks,
        atm_session_idle_s,
        online_session_idle_s,
        online_session_s,
        notes_per_withdrawal,
        password_burst,
        password_per_minute,
        address_log_in_burst,
        address_log_in_per_second,
        address_sign_up_burst,
        address_sign_up_every_ms,
        time_zone,
        terminals,
    } = policy;
    let mut places = vec![
        ("withdrawal_limit", Place::Figure(withdrawal_limit)),
        ("daily_withdrawal_limit", Place::Limit(daily_withdrawal_limit)),
        ("daily_transfer_limit", Place::Limit(daily_transfer_limit)),
        ("deposit_limit", Place::Figure(deposit_limit)),
        ("daily_deposit_limit", Place::Figure(daily_deposit_limit)),
        ("overdraft_limit", Place::Figure(overdraft_limit)),
        ("overdraft_fee", Place::Figure(overdraft_fee)),
        ("pin_tries", Place::Few(pin_tries)),
        ("pin_block_s", Place::Count(pin_block_s, WEEK_S)),
        ("pin_blocks", Place::Few(pin_blocks)),
        ("atm_session_idle_s", Place::Count(atm_session_idle_s, WEEK_S)),
        ("online_session_idle_s", Place::Count(online_session_idle_s, WEEK_S)),
        ("online_session_s", Place::Count(online_session_s, WEEK_S)),
        ("notes_per_withdrawal", Place::Count(notes_per_withdrawal, 1_000)),
        ("password_burst", Place::Count(password_burst, MOST)),
        ("password_per_minute", Place::Count(password_per_minute, MOST)),
        ("address_log_in_burst", Place::Count(address_log_in_burst, MOST)),
        ("address_log_in_per_second", Place::Count(address_log_in_per_second, MOST)),
        ("address_sign_up_burst", Place::Count(address_sign_up_burst, MOST)),
        ("address_sign_up_every_s", Place::Pause(address_sign_up_every_ms)),
        ("time_zone", Place::Zone(time_zone)),
    ];
    places.extend(terminal_places(terminals));
    places
}

/// Those that concern terminals, likewise.
fn terminal_places(policy: &mut TerminalPolicy) -> Vec<(&'static str, Place<'_>)> {
    let TerminalPolicy {
        machine_deposit_limit,
        offline_balance,
        offline_deposit,
        offline_transfer,
        offline_withdrawal,
        offline_card_limit,
        offline_outage_limit,
        offline_hot_list_age_s,
        offline_lease,
        offline_fleet_limit,
        note_mix,
        device_errors,
        customer_wait_s,
        taking_wait_s,
        fast_cash,
    } = policy;
    vec![
        ("machine_deposit_limit", Place::Figure(machine_deposit_limit)),
        ("offline_balance", Place::Balance(offline_balance)),
        ("offline_deposit", Place::Deposit(offline_deposit)),
        ("offline_transfer", Place::Transfer(offline_transfer)),
        ("offline_withdrawal", Place::Cash(offline_withdrawal)),
        ("offline_card_limit", Place::Figure(offline_card_limit)),
        ("offline_outage_limit", Place::Figure(offline_outage_limit)),
        ("offline_hot_list_age_s", Place::Count(offline_hot_list_age_s, WEEK_S)),
        ("offline_lease", Place::Figure(offline_lease)),
        ("offline_fleet_limit", Place::Figure(offline_fleet_limit)),
        ("note_mix", Place::Mix(note_mix)),
        ("device_errors", Place::Count(device_errors, 100)),
        ("customer_wait_s", Place::Count(customer_wait_s, 600)),
        ("taking_wait_s", Place::Count(taking_wait_s, 600)),
        ("fast_cash", Place::Figures(fast_cash)),
    ]
}

/// The names of all policy values. A patch that names another is refused with the field "policies", for want of a name
/// to give; who knows the name may say it.
#[must_use]
pub fn policy_names() -> Vec<&'static str> {
    places(&mut Policy::default()).into_iter().map(|(name, _)| name).collect()
}

/// What a policy value may be, for people; none if there is no value of this name.
#[must_use]
pub fn policy_form(name: &str) -> Option<String> {
    let mut policy = Policy::default();
    let (_, place) = places(&mut policy).into_iter().find(|(known, _)| *known == name)?;
    let figure = format!("an amount from 0 to 100000000000 with at most {DECIMALS} decimals");
    let form = match place {
        Place::Figure(_) => figure,
        Place::Limit(_) => format!("{figure}, or null for no limit"),
        Place::Few(_) => "a whole number from 1 to 100".to_owned(),
        Place::Count(_, most) => format!("a whole number from 1 to {most}"),
        Place::Pause(_) => format!("seconds from 0.001 to {WEEK_S}, with at most 3 decimals"),
        Place::Zone(_) => "the name of a time zone, such as Europe/Vienna".to_owned(),
        Place::Balance(_) => "hide or stale".to_owned(),
        Place::Deposit(_) | Place::Transfer(_) => "store or refuse".to_owned(),
        Place::Cash(_) => "refuse or limited".to_owned(),
        Place::Mix(_) => "least or even".to_owned(),
        Place::Figures(_) => format!("one to eight whole amounts from 1 to {MOST} with commas between"),
    };
    Some(match name {
        "overdraft_fee" => format!("{form}, and less than overdraft_limit unless that is 0"),
        "online_session_idle_s" => format!("{form}, and at most online_session_s"),
        _ => form,
    })
}

impl Bank {
    /// The policy in force, for the limits that the edge keeps.
    ///
    /// # Errors
    /// The world failed.
    pub fn policy(&self) -> Result<Policy, Failure> {
        Ok(self.read(|reads| reads.policy())?.1)
    }

    /// The policy in force: its version, and every value by name.
    ///
    /// # Errors
    /// The world failed.
    pub fn policies(&self, session: Session) -> Answered<(u32, Vec<(&'static str, PolicyValue)>)> {
        answered(self.look_as(&session, staff, |reads, _| {
            let (version, policy) = reads.policy()?;
            Ok((version, values(policy)))
        }))
    }

    /// Staff change some policy values. Where several wrong ones are named, the first is blamed.
    ///
    /// # Errors
    /// The world failed.
    pub fn set_policies(
        &self,
        session: Session,
        patch: Vec<(String, PolicyValue)>,
    ) -> Answered<(u32, Vec<(&'static str, PolicyValue)>)> {
        answered(prepared(|| {
            let (from, mut policy) = self.look_as(&session, staff, |reads, _| Ok(reads.policy()?))?;
            let before = values(policy.clone());
            for (name, value) in &patch {
                set(&mut policy, name, value)?;
            }
            coherent(&policy)?;
            let after = values(policy.clone());
            let changed: Vec<_> =
                after.iter().zip(&before).filter(|(new, old)| new != old).map(|((name, _), _)| *name).collect();
            match self.done(SetPolicy { session, from, policy, changed })? {
                (Done::PolicyChanged(version), _) => Ok((version, after)),
                (done, _) => Err(unexpected(&done)),
            }
        }))
    }
}

fn values(mut policy: Policy) -> Vec<(&'static str, PolicyValue)> {
    let value = |place| match place {
        Place::Figure(figure) => PolicyValue::Figure(*figure),
        Place::Limit(figure) => figure.map_or(PolicyValue::Off, PolicyValue::Figure),
        Place::Few(count) => PolicyValue::Count(u32::from(*count)),
        Place::Count(count, _) => PolicyValue::Count(*count),
        Place::Pause(ms) if ms.is_multiple_of(1_000) => PolicyValue::Count(*ms / 1_000),
        Place::Pause(ms) => PolicyValue::Figure(Decimal::new(u64::from(*ms), 3)),
        Place::Zone(text) | Place::Figures(text) => PolicyValue::Text(text.clone()),
        Place::Balance(choice) => PolicyValue::Text(terminals::balance_word(*choice).to_owned()),
        Place::Deposit(choice) => PolicyValue::Text(terminals::deposit_word(*choice).to_owned()),
        Place::Transfer(choice) => PolicyValue::Text(terminals::transfer_word(*choice).to_owned()),
        Place::Cash(choice) => PolicyValue::Text(terminals::cash_word(*choice).to_owned()),
        Place::Mix(choice) => PolicyValue::Text(terminals::mix_word(*choice).to_owned()),
    };
    places(&mut policy).into_iter().map(|(name, place)| (name, value(place))).collect()
}

fn set(policy: &mut Policy, name: &str, wanted: &PolicyValue) -> Result<(), Stop> {
    let place = places(policy).into_iter().find(|(known, _)| *known == name);
    let (field, place) = place.ok_or(Refusal::InvalidRequest { field: "policies" })?;
    let bad = Refusal::InvalidRequest { field };
    let fits = match place {
        Place::Figure(figure) => amount(wanted).map(|wanted| *figure = wanted),
        Place::Limit(limit) => match wanted {
            PolicyValue::Off => Some(None),
            PolicyValue::Figure(_) | PolicyValue::Count(_) | PolicyValue::Text(_) => amount(wanted).map(Some),
        }
        .map(|wanted| *limit = wanted),
        Place::Few(count) => {
            whole(wanted, 100).and_then(|wanted| u8::try_from(wanted).ok()).map(|wanted| *count = wanted)
        }
        Place::Count(count, most) => whole(wanted, most).map(|wanted| *count = wanted),
        Place::Pause(ms) => pause(wanted).map(|wanted| *ms = wanted),
        Place::Zone(name) => zone(wanted).map(|wanted| *name = wanted),
        Place::Balance(choice) => word(wanted, terminals::balance_of).map(|wanted| *choice = wanted),
        Place::Deposit(choice) => word(wanted, terminals::deposit_of).map(|wanted| *choice = wanted),
        Place::Transfer(choice) => word(wanted, terminals::transfer_of).map(|wanted| *choice = wanted),
        Place::Cash(choice) => word(wanted, terminals::cash_of).map(|wanted| *choice = wanted),
        Place::Mix(choice) => word(wanted, terminals::mix_of).map(|wanted| *choice = wanted),
        Place::Figures(list) => figures(wanted).map(|wanted| *list = wanted),
    };
    fits.ok_or_else(|| bad.into())
}

/// What somebody wrote as a figure.
fn figure(wanted: &PolicyValue) -> Option<Decimal> {
    match wanted {
        PolicyValue::Figure(figure) => Some(*figure),
        PolicyValue::Count(count) => Some(Decimal::new(u64::from(*count), 0)),
        PolicyValue::Text(text) => Decimal::parse_or_zero(text).ok(),
        PolicyValue::Off => None,
    }
}

/// A figure with few decimals that any request may name.
fn amount(wanted: &PolicyValue) -> Option<Decimal> {
    let figure = figure(wanted)?;
    let decimals = figure.canonical().split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let small = figure.limit_in(Currency::USD).minor() <= Amount::LARGEST_REQUEST_MINOR;
    (small && decimals <= DECIMALS).then_some(figure)
}

/// Seconds as milliseconds, from one to a week.
fn pause(wanted: &PolicyValue) -> Option<u32> {
    let ms = figure(wanted)?.thousandths()?;
    let most = u64::from(WEEK_S) * 1_000;
    (1..=most).contains(&ms).then(|| u32::try_from(ms).expect("a week has fewer milliseconds"))
}

/// A whole number from 1 to `most`.
fn whole(wanted: &PolicyValue, most: u32) -> Option<u32> {
    let count = figure(wanted)?.canonical().parse().ok()?;
    (1..=most).contains(&count).then_some(count)
}

/// One of some words.
fn word<T>(wanted: &PolicyValue, read: fn(&str) -> Option<T>) -> Option<T> {
    match wanted {
        PolicyValue::Text(text) => read(text),
        PolicyValue::Figure(_) | PolicyValue::Count(_) | PolicyValue::Off => None,
    }
}

/// One to eight whole figures above zero, with commas between.
fn figures(wanted: &PolicyValue) -> Option<String> {
    let text = match wanted {
        PolicyValue::Text(text) => text.clone(),
        PolicyValue::Figure(figure) => figure.canonical(),
        PolicyValue::Count(count) => count.to_string(),
        PolicyValue::Off => return None,
    };
    let whole = text.split(',').all(|part| part.parse().is_ok_and(|figure: u32| figure > 0 && figure <= MOST));
    (whole && text.split(',').count() <= 8).then_some(text)
}

fn zone(wanted: &PolicyValue) -> Option<String> {
    match wanted {
        PolicyValue::Text(name) => BusinessCalendar::new(name, CutoverTime::MIDNIGHT).is_ok().then(|| name.clone()),
        PolicyValue::Figure(_) | PolicyValue::Count(_) | PolicyValue::Off => None,
    }
}

/// What values must be to each other: a fee as large as the overdraft itself would forbid every overdraft, which
/// `overdraft_limit` 0 says plainly.
fn coherent(policy: &Policy) -> Result<(), Stop> {
    let in_force = |figure: Decimal| figure.limit_in(Currency::USD).minor();
    let overdraft = in_force(policy.overdraft_limit);
    if overdraft > 0 && in_force(policy.overdraft_fee) >= overdraft {
        return Err(Refusal::InvalidRequest { field: "overdraft_fee" }.into());
    }
    if policy.online_session_idle_s > policy.online_session_s {
        return Err(Refusal::InvalidRequest { field: "online_session_idle_s" }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, wanted: PolicyValue, becomes: Option<PolicyValue>) {
        let mut policy = Policy::default();
        let set = set(&mut policy, name, &wanted);
        match becomes {
            Some(value) => {
                assert!(set.is_ok(), "{name} {wanted:?}");
                assert!(
                    values(policy).contains(&(policy_names().into_iter().find(|n| *n == name).unwrap(), value)),
                    "{name}"
                );
            }
            None => assert!(
                matches!(set, Err(Stop::Refused(Refusal::InvalidRequest { field })) if field == name),
                "{name} {wanted:?}"
            ),
        }
    }

    fn figure(text: &str) -> PolicyValue {
        PolicyValue::Figure(Decimal::parse_or_zero(text).unwrap())
    }

    fn text(text: &str) -> PolicyValue {
        PolicyValue::Text(text.to_owned())
    }

    #[test]
    fn takes_each_kind_of_value_in_the_forms_that_name_it() {
        check("withdrawal_limit", figure("600.00"), Some(figure("600")));
        check("withdrawal_limit", text("600.5"), Some(figure("600.50")));
        check("withdrawal_limit", PolicyValue::Off, None);
        check("withdrawal_limit", text("six hundred"), None);
        check("withdrawal_limit", figure("100000000000.00"), Some(figure("100000000000")));
        check("withdrawal_limit", figure("100000000000.01"), None);
        check("withdrawal_limit", figure("0.00001"), None);
        check("withdrawal_limit", figure("500.001"), None);
        check("withdrawal_limit", text("500.001"), None);
        check("daily_withdrawal_limit", figure("500.001"), None);
        check("overdraft_fee", figure("15.005"), None);
        check("withdrawal_limit", figure("500.010"), Some(figure("500.01")));
        check("address_sign_up_every_s", figure("10.0"), Some(PolicyValue::Count(10)));
        check("address_sign_up_every_s", figure("0.1"), Some(figure("0.1")));
        check("address_sign_up_every_s", figure("0.0001"), None);
        check("address_sign_up_every_s", figure("0"), None);
        check("address_sign_up_every_s", PolicyValue::Count(WEEK_S + 1), None);
        check("daily_withdrawal_limit", PolicyValue::Off, Some(PolicyValue::Off));
        check("daily_transfer_limit", figure("1"), Some(figure("1")));
        check("pin_tries", figure("5"), Some(PolicyValue::Count(5)));
        check("pin_tries", PolicyValue::Count(0), None);
        check("pin_tries", figure("300"), None);
        check("pin_tries", figure("2.5"), None);
        check("atm_session_idle_s", figure("60.0"), Some(PolicyValue::Count(60)));
        check("atm_session_idle_s", PolicyValue::Count(0), None);
        check("atm_session_idle_s", PolicyValue::Count(WEEK_S + 1), None);
        check("time_zone", text("Europe/Berlin"), Some(text("Europe/Berlin")));
        check("time_zone", text("Europe/Atlantis"), None);
        check("time_zone", figure("1"), None);
    }

    #[test]
    fn says_of_every_value_what_it_may_be() {
        for name in policy_names() {
            assert!(policy_form(name).is_some_and(|form| !form.is_empty()), "{name}");
        }
        assert_eq!(policy_form("pin_trys"), None);
    }

    #[test]
    fn wants_a_fee_that_leaves_something_of_the_overdraft() {
        let mut policy = Policy { overdraft_fee: Decimal::new(100, 0), ..Policy::default() };
        assert!(coherent(&policy).is_err());
        policy.overdraft_limit = Decimal::new(0, 0);
        assert!(coherent(&policy).is_ok(), "without an overdraft no fee is ever due");
        assert!(coherent(&Policy::default()).is_ok());
    }
}
