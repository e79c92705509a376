//! Deliberate defects, each put into the shipping code while small towns live: the auditor must find it, by the rule that is
//! there for it, within a bounded number of towns. What is wrong with a town must be the defect's doing, so the same town
//! is right without it.
//!
//! The towns are steered to where a defect bites; `docs/testing.md` has the table.

#![expect(clippy::print_stdout, reason = "each test tells what found its defect, and after how many towns")]

use cashpoint_mutant::{Mutant, with};
use cashpoint_sim::audit::{Auditor, Violation};
use cashpoint_sim::town::profile::{Level, Limits, Partition, Profile};
use cashpoint_sim::town::trace::Keep;
use cashpoint_sim::town::{Setup, run};

const HEAVY: Level = Level::Heavy;

/// Where a defect bites, and what finds it.
struct Case {
    /// The beginnings of the rules' names that may find it: that of its invariant, or one that says more.
    rules: &'static [&'static str],
    /// What goes wrong in its towns.
    profile: Profile,
    /// Towns at most.
    towns: u64,
}

impl Case {
    const fn by(rules: &'static [&'static str], profile: Profile) -> Self {
        Self { rules, profile, towns: 12 }
    }
}

/// Nothing goes wrong but the defect.
const CALM: Profile = Profile::calm(Partition::Refuse);
/// People leave things lying.
const CARELESS: Profile = Profile { absent_minds: HEAVY, ..CALM };
/// Devices fail.
const WORN: Profile = Profile { devices: HEAVY, ..CALM };
/// Messages get lost.
const LOSSY: Profile = Profile { loss: HEAVY, ..CALM };
/// Terminals die.
const DEADLY: Profile = Profile { deaths: HEAVY, ..CALM };
/// Lines are down, and machines pay by themselves.
const CUT_OFF: Profile = Profile { outages: HEAVY, ..Profile::calm(Partition::Limited(Limits::USUAL)) };

fn case(mutant: Mutant) -> Case {
    match mutant {
        Mutant::BalanceBefore => Case::by(&["invariant_3_"], CALM),
        Mutant::OneSided
        | Mutant::FromNowhere
        | Mutant::EntrySkipped
        | Mutant::DayForgotten
        | Mutant::InFlightKept
        | Mutant::DepositInVault => Case::by(&["invariants_1_to_5"], CALM),
        Mutant::CorrectionOverwrites => Case::by(&["invariant_3_", "invariants_1_to_5"], CARELESS),
        Mutant::RejectBinForgotten => Case::by(&["invariants_1_to_5"], CARELESS),
        Mutant::ReversalNotPosted => Case::by(&["invariant_34"], CARELESS),
        Mutant::PartPaidBack => Case::by(&["invariant_17"], CARELESS),
        Mutant::AnswerForgotten => Case::by(&["invariant_13"], Profile { loss: HEAVY, ..WORN }),
        Mutant::SuspectPaidBack => Case::by(&["invariants_16_and_17", "invariants_1_to_5"], WORN),
        Mutant::ReturnedCredited => Case::by(&["invariants_16_and_17", "invariant_19"], WORN),
        Mutant::DispensedAgain => Case::by(&["invariants_18_and_20"], CALM),
        Mutant::IntentForgotten => Case::by(&["invariant_22"], DEADLY),
        Mutant::AdviceDropped => Case::by(&["invariant_23"], CUT_OFF),
        Mutant::QueueStuck => Case::by(&["invariant_23"], LOSSY),
        Mutant::ScreenLies => Case::by(&["the_last_screen_is_true"], WORN),
        Mutant::CurrenciesMixed
        | Mutant::FloorIgnored
        | Mutant::FeeLeftOut
        | Mutant::FeeTwice
        | Mutant::RepeatDecidedAgain
        | Mutant::ContentIgnored
        | Mutant::DeclineForgotten
        | Mutant::TombstoneForgotten
        | Mutant::TokenNotSpent
        | Mutant::EffectFirst
        | Mutant::NewestFirst
        | Mutant::CardLimitForgotten
        | Mutant::LeaseForgotten
        | Mutant::StaleHotList
        | Mutant::TamperingOverlooked
        | Mutant::DayLimitIgnored
        | Mutant::WrongPinForgotten
        | Mutant::LogOutIgnored
        | Mutant::AnsweredUncommitted => Case::by(&["invariant"], Profile { loss: HEAVY, ..CUT_OFF }),
    }
}

fn town(seed: u64, profile: &Profile) -> Option<Violation> {
    let setup = Setup { seed, machines: 2, visits: 12, profile: profile.clone(), keep: Keep::Last };
    run(setup, &mut Auditor::new()).violation
}

/// Runs towns with the defect until the auditor objects.
#[track_caller]
fn is_found(mutant: Mutant) {
    let Case { rules, profile, towns } = case(mutant);
    // What every bank of a process begins with is made once: by code that is right.
    run(Setup { seed: 0, machines: 2, visits: 0, profile: CALM, keep: Keep::Last }, &mut Auditor::new());
    let found = (0..towns).find_map(|seed| Some((seed, with(mutant, || town(seed, &profile))?)));
    let (seed, violation) = found.unwrap_or_else(|| panic!("{mutant:?} survived {towns} towns"));
    println!("{mutant:?}: {} after {} towns: {}", violation.rule, seed + 1, violation.what);
    let meant = rules.iter().any(|rule| violation.rule.starts_with(rule));
    assert!(meant, "{mutant:?} is for {rules:?}, and was found by {violation}");
    assert_eq!(town(seed, &profile), None, "without {mutant:?} nothing is wrong");
}

macro_rules! tests {
    ($($name:ident: $mutant:ident,)+) => {
        /// Those that have a test.
        const TRIED: &[Mutant] = &[$(Mutant::$mutant,)+];

        $(#[test]
        fn $name() {
            is_found(Mutant::$mutant);
        })+
    };
}

tests! {
    one_sided: OneSided,
    from_nowhere: FromNowhere,
    balance_before: BalanceBefore,
    entry_skipped: EntrySkipped,
    day_forgotten: DayForgotten,
    correction_overwrites: CorrectionOverwrites,
    in_flight_kept: InFlightKept,
    reject_bin_forgotten: RejectBinForgotten,
    part_paid_back: PartPaidBack,
    deposit_in_vault: DepositInVault,
    dispensed_again: DispensedAgain,
    intent_forgotten: IntentForgotten,
    advice_dropped: AdviceDropped,
    queue_stuck: QueueStuck,
    reversal_not_posted: ReversalNotPosted,
}

/// What no rule or no town is there for yet.
const WAITING: &[Mutant] = &[
    Mutant::CurrenciesMixed,
    Mutant::FloorIgnored,
    Mutant::FeeLeftOut,
    Mutant::FeeTwice,
    Mutant::RepeatDecidedAgain,
    Mutant::ContentIgnored,
    Mutant::AnswerForgotten,
    Mutant::DeclineForgotten,
    Mutant::TombstoneForgotten,
    Mutant::SuspectPaidBack,
    Mutant::ReturnedCredited,
    Mutant::TokenNotSpent,
    Mutant::EffectFirst,
    Mutant::NewestFirst,
    Mutant::CardLimitForgotten,
    Mutant::LeaseForgotten,
    Mutant::StaleHotList,
    Mutant::TamperingOverlooked,
    Mutant::DayLimitIgnored,
    Mutant::WrongPinForgotten,
    Mutant::LogOutIgnored,
    Mutant::AnsweredUncommitted,
    Mutant::ScreenLies,
];

#[test]
fn every_defect_is_tried() {
    let named: Vec<Mutant> = TRIED.iter().chain(WAITING).copied().collect();
    assert_eq!(named.len(), Mutant::ALL.len());
    assert!(Mutant::ALL.iter().all(|mutant| named.contains(mutant)), "{named:?}");
}

#[test]
fn the_table_of_defects_is_what_these_tests_hold() {
    let text = std::fs::read_to_string("../../docs/testing.md").expect("the book is there");
    for mutant in TRIED {
        let rules = case(*mutant).rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(" or ");
        let row = text.lines().find(|line| line.starts_with(&format!("| `{mutant:?}` |")));
        let row = row.unwrap_or_else(|| panic!("{mutant:?} is not in the table"));
        assert!(row.ends_with(&format!("| {rules} |")), "{rules}: {row}");
    }
}
