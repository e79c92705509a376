//! Deliberate defects, each put into the shipping code while small towns live: the auditor must find it, by the rule that is
//! there for it, within a bounded number of towns. What is wrong with a town must be the defect's doing, so the same town
//! is right without it.
//!
//! The towns are steered to where a defect bites; `docs/testing.md` has the table.

#![expect(clippy::print_stdout, reason = "each test tells what found its defect, and after how many towns")]

use cashpoint_mutant::{Mutant, with};
use cashpoint_sim::audit::{Auditor, Violation};
use cashpoint_sim::explore::{choices, explore};
use cashpoint_sim::host::Kept;
use cashpoint_sim::series::{COMMIT, Failure, Scale, Series, shrink};
use cashpoint_sim::town::host::Settled;
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
    /// How large they are.
    scale: Scale,
    /// Towns at most.
    towns: u64,
}

/// Something that happens in most visits.
const SMALL: Scale = Scale { machines: 2, visits: 12 };
/// Something that happens now and then.
const LARGE: Scale = Scale { machines: 2, visits: 50 };
/// Something that happens to those who come often.
const LONELY: Scale = Scale { machines: 1, visits: 100 };

impl Case {
    fn by(rules: &'static [&'static str], profile: Profile) -> Self {
        Self { rules, profile, scale: SMALL, towns: 30 }
    }

    fn in_a(self, scale: Scale) -> Self {
        Self { scale, ..self }
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
/// They are late.
const LATE: Profile = Profile { delay: HEAVY, ..CALM };
/// Terminals die.
const DEADLY: Profile = Profile { deaths: HEAVY, ..CALM };
/// Limits are reached.
const TIGHT: Profile = Profile { tight: HEAVY, ..CALM };
/// Lines are down.
const CUT_OFF: Profile = Profile { outages: HEAVY, ..CALM };

/// Lines are down, and machines pay by themselves.
const fn by_itself(card: u32, outage: u32, lease: u32) -> Profile {
    let partition = Partition::Limited(Limits { card, outage, lease });
    Profile { outages: HEAVY, ..Profile::calm(partition) }
}

fn case(mutant: Mutant) -> Case {
    match mutant {
        Mutant::OneSided | Mutant::FromNowhere | Mutant::EntrySkipped | Mutant::DayForgotten => {
            Case::by(&["invariants_1_to_5"], CALM)
        }
        Mutant::BalanceBefore => Case::by(&["invariant_3_"], CALM),
        Mutant::CurrenciesMixed => Case::by(&["invariants_1_and_6_"], CALM),
        Mutant::FloorIgnored => Case::by(&["invariant_7_"], CALM).in_a(LONELY),
        Mutant::FeeLeftOut => Case::by(&["invariant_7_"], CALM).in_a(LONELY),
        Mutant::FeeTwice => Case::by(&["invariant_8_"], CALM).in_a(LONELY),
        Mutant::CorrectionOverwrites => Case::by(&["invariant_3_", "invariants_1_to_5"], CARELESS).in_a(LARGE),
        Mutant::InFlightKept => Case::by(&["invariants_1_to_5"], CALM),
        Mutant::TakenTwice => Case::by(&["invariant_11_"], LOSSY),
        Mutant::ContentIgnored => Case::by(&["invariant_12_"], Profile { altered: HEAVY, ..CALM }),
        Mutant::AnswerForgotten => Case::by(&["invariant_13_"], Profile { loss: HEAVY, ..TIGHT }).in_a(LONELY),
        Mutant::TombstoneForgotten => Case::by(&["invariant_14_"], LATE).in_a(LARGE),
        Mutant::RejectBinForgotten => Case::by(&["invariants_1_to_5"], CARELESS).in_a(LARGE),
        Mutant::CompletedPaidBack => Case::by(&["invariant_17_"], CALM),
        Mutant::SuspectPaidBack => {
            Case::by(&["invariant_17_", "invariant_34_"], Profile { absent_minds: HEAVY, ..WORN }).in_a(LARGE)
        }
        Mutant::PartPaidBack => Case::by(&["invariant_17_"], CARELESS).in_a(LARGE),
        Mutant::LeaseForgotten => Case::by(&["invariants_18_and_20"], by_itself(1000, 2000, 100)).in_a(LARGE),
        Mutant::DepositInVault => Case::by(&["invariants_1_to_5"], CALM),
        Mutant::DispensedAgain => Case::by(&["invariants_18_and_20"], CALM),
        Mutant::EffectFirst => Case::by(&["invariant_21_"], CALM),
        Mutant::IntentForgotten => Case::by(&["invariant_22_"], DEADLY),
        Mutant::AdviceDropped => Case::by(&["invariant_23_"], CUT_OFF).in_a(LARGE),
        Mutant::NewestFirst => Case::by(&["invariant_24_"], by_itself(1000, 2000, 2000)).in_a(LARGE),
        Mutant::CardLimitForgotten => Case::by(&["invariant_25_"], by_itself(40, 2000, 2000)).in_a(LONELY),
        Mutant::StaleHotList => {
            Case::by(&["invariant_26_"], Profile { tight: HEAVY, ..by_itself(1000, 2000, 2000) }).in_a(LONELY)
        }
        Mutant::HonestDoubted => Case::by(&["invariant_27_", "machines_serve_once_faults_stopped"], LATE),
        Mutant::DayLimitIgnored => Case::by(&["invariant_28_"], TIGHT).in_a(LARGE),
        Mutant::WrongPinForgotten => Case::by(&["invariant_29_"], Profile { thieves: HEAVY, ..TIGHT }).in_a(LARGE),
        Mutant::LogOutIgnored => Case::by(&["invariant_30_"], Profile { altered: HEAVY, ..CALM }),
        Mutant::NumberForName => Case::by(&["invariant_31_"], CALM),
        Mutant::QueueStuck => Case::by(&["invariant_23_", "invariant_33_"], LOSSY),
        Mutant::ReversalNotPosted => Case::by(&["invariant_34_"], CARELESS).in_a(LARGE),
        Mutant::AnsweredUncommitted => Case::by(&["invariant_35_"], Profile { host_deaths: HEAVY, ..CALM }),
        Mutant::RecordSkipped => Case::by(&["invariant_21_"], Profile { journals: HEAVY, ..CALM }).in_a(LARGE),
        Mutant::UnknownTakenForDone => Case::by(&["invariant_35_"], Profile { commits: HEAVY, ..CALM }).in_a(LARGE),
        Mutant::RefusedRemembered => Case::by(&["invariants_1_to_5"], Profile { commits: HEAVY, ..CALM }).in_a(LARGE),
        Mutant::StaysClosed => Case::by(&["machines_serve_once_faults_stopped"], WORN).in_a(LARGE),
        Mutant::ScreenLies => Case::by(&["the_last_screen_is_true"], CARELESS).in_a(LARGE),
    }
}

fn town(seed: u64, profile: &Profile, scale: Scale) -> Option<Violation> {
    let Scale { machines, visits } = scale;
    let setup = Setup { seed, machines, visits, profile: profile.clone(), keep: Keep::Last };
    run(setup, &mut Auditor::new()).violation
}

/// Runs towns with the defect until the auditor objects.
#[track_caller]
fn is_found(mutant: Mutant) {
    let Case { rules, profile, scale, towns } = case(mutant);
    // What every bank of a process begins with is made once: by code that is right.
    drop(Settled::with(scale.machines, Kept::InMemory));
    let found = (0..towns).find_map(|seed| Some((seed, with(mutant, || town(seed, &profile, scale))?)));
    let (seed, violation) = found.unwrap_or_else(|| panic!("{mutant:?} survived {towns} towns"));
    println!("{mutant:?}: {} after {} towns: {}", violation.rule, seed + 1, violation.what);
    let meant = rules.iter().any(|rule| violation.rule.starts_with(rule));
    assert!(meant, "{mutant:?} is for {rules:?}, and was found by {violation}");
    assert_eq!(town(seed, &profile, scale), None, "without {mutant:?} nothing is wrong");
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
    currencies_mixed: CurrenciesMixed,
    floor_ignored: FloorIgnored,
    fee_left_out: FeeLeftOut,
    fee_twice: FeeTwice,
    correction_overwrites: CorrectionOverwrites,
    in_flight_kept: InFlightKept,
    taken_twice: TakenTwice,
    content_ignored: ContentIgnored,
    answer_forgotten: AnswerForgotten,
    tombstone_forgotten: TombstoneForgotten,
    reject_bin_forgotten: RejectBinForgotten,
    completed_paid_back: CompletedPaidBack,
    suspect_paid_back: SuspectPaidBack,
    part_paid_back: PartPaidBack,
    deposit_in_vault: DepositInVault,
    dispensed_again: DispensedAgain,
    effect_first: EffectFirst,
    intent_forgotten: IntentForgotten,
    advice_dropped: AdviceDropped,
    newest_first: NewestFirst,
    card_limit_forgotten: CardLimitForgotten,
    lease_forgotten: LeaseForgotten,
    stale_hot_list: StaleHotList,
    honest_doubted: HonestDoubted,
    day_limit_ignored: DayLimitIgnored,
    wrong_pin_forgotten: WrongPinForgotten,
    log_out_ignored: LogOutIgnored,
    number_for_name: NumberForName,
    queue_stuck: QueueStuck,
    reversal_not_posted: ReversalNotPosted,
    answered_uncommitted: AnsweredUncommitted,
    record_skipped: RecordSkipped,
    unknown_taken_for_done: UnknownTakenForDone,
    refused_remembered: RefusedRemembered,
    stays_closed: StaysClosed,
    screen_lies: ScreenLies,
}

#[test]
fn a_failure_says_how_to_have_it_again_and_is_made_smaller() {
    let (mutant, scale) = (Mutant::CurrenciesMixed, Scale { machines: 3, visits: 20 });
    (1..=scale.machines).for_each(|machines| drop(Settled::with(machines, Kept::InMemory)));
    let (failure, least, again) = with(mutant, || {
        let failure = *Series::default().run(5, scale, Keep::Last).expect_err("it is found");
        let least = shrink(failure.clone(), &mut || true);
        let again = least.drawn.run(Keep::All);
        (failure, least, again)
    });
    let text = failure.to_string();
    let parts = [failure.violation.rule, &format!("seed 5, commit {COMMIT}"), " a card goes in\n"];
    parts.into_iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    assert!(text.ends_with("cashpoint simulate --seed 5 --machines 3 --visits 20 --trace"), "{text}");

    let Scale { machines, visits } = least.drawn.scale;
    assert!(least.sights < failure.sights && machines < 3 && visits < 20, "{least}");
    let faults = |failure: &Failure| failure.drawn.profile().on().len();
    assert!(faults(&least) < faults(&failure), "{least}");
    assert_eq!(least.violation.rule, failure.violation.rule);
    assert_eq!((again.violation, again.sights), (Some(least.violation.clone()), least.sights), "{least}");
    let command = format!("--seed 5 --machines {machines} --visits {visits} --trace --without ");
    assert!(least.to_string().contains(&command), "{least}");

    let tried = shrink(failure.clone(), &mut || false);
    assert_eq!(tried.drawn, failure.drawn, "there was no time for it");
}

#[test]
fn a_comparison_that_finds_one_says_how_to_have_it_again() {
    let choice = &choices()[0];
    drop(Settled::with(SMALL.machines, Kept::InMemory));
    let wrong = with(Mutant::OneSided, || explore(choice, &[9], SMALL)).expect_err("it is found");
    assert!(wrong.ends_with("cashpoint simulate --policies --seed 9 --seeds 1 --machines 2 --visits 12"), "{wrong}");
}

#[test]
fn every_defect_is_tried() {
    assert_eq!(TRIED, Mutant::ALL);
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
