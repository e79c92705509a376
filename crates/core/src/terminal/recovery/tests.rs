use super::*;
use crate::money::Amount;
use crate::terminal::book::{DepositStep, Tally};
use crate::terminal::device::{Accuracy, DispenseId, Nonce};
use crate::terminal::samples::*;

/// The dispense that is judged, as the device names it, and another.
const OURS: DispenseId = [7; 32];
const OTHER: DispenseId = [8; 32];

/// Where one note is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Cassette,
    Stacker,
    /// In the slot, within reach.
    Slot,
    /// With the customer, who could reach it.
    Taken,
    RejectBin,
    RetractBin,
    /// In the retract bin, but nobody counted it.
    RetractBinUncounted,
    /// Anywhere, and the device knows that it does not know.
    Lost,
    /// Fished out of the machine: the device thinks nothing.
    Fished,
}

impl Place {
    const ALL: [Self; 9] = [
        Self::Cassette,
        Self::Stacker,
        Self::Slot,
        Self::Taken,
        Self::RejectBin,
        Self::RetractBin,
        Self::RetractBinUncounted,
        Self::Lost,
        Self::Fished,
    ];

    const fn is_presented(self) -> bool {
        match self {
            Self::Slot | Self::Taken | Self::RetractBin | Self::RetractBinUncounted => true,
            Self::Cassette | Self::Stacker | Self::RejectBin | Self::Lost | Self::Fished => false,
        }
    }

    const fn is_inside(self) -> bool {
        match self {
            Self::Cassette | Self::Stacker | Self::RejectBin | Self::RetractBin | Self::RetractBinUncounted => true,
            Self::Slot | Self::Taken | Self::Lost | Self::Fished => false,
        }
    }

    /// Whether nothing went wrong with it that hides it.
    const fn is_honest(self) -> bool {
        match self {
            Self::RetractBinUncounted | Self::Lost | Self::Fished => false,
            Self::Cassette | Self::Stacker | Self::Slot | Self::Taken | Self::RejectBin | Self::RetractBin => true,
        }
    }
}

/// The three notes of the intent: two twenties of cassette 0, a fifty of cassette 1.
const NOTES: [(usize, i64); 3] = [(0, 2_000), (0, 2_000), (1, 5_000)];
const WORTH: i64 = 9_000;

type World = [Place; 3];

fn worlds() -> impl Iterator<Item = World> {
    let all = || Place::ALL.into_iter();
    all().flat_map(move |a| all().flat_map(move |b| all().map(move |c| [a, b, c])))
}

fn value(world: &World, within: impl Fn(Place) -> bool) -> i64 {
    world.iter().zip(NOTES).filter(|(place, _)| within(**place)).map(|(_, (_, value))| value).sum()
}

/// What the counters of a device show whose notes are there.
fn shown(world: &World) -> Counters {
    let mut shown = counters();
    for (place, (cassette, value)) in world.iter().zip(NOTES) {
        let counts = &mut shown.cassettes[cassette];
        counts.out += u32::from(*place != Place::Cassette);
        counts.presented += u32::from(place.is_presented());
        match place {
            Place::RejectBin => {
                counts.rejected += 1;
                shown.rejected.push((value, 1));
            }
            Place::RetractBin => shown.retracted.push((value, 1)),
            Place::Lost => counts.unknown += 1,
            Place::Cassette | Place::Stacker | Place::Slot | Place::Taken => {}
            Place::RetractBinUncounted | Place::Fished => {}
        }
    }
    let any = |wanted: &[Place]| world.iter().any(|place| wanted.contains(place));
    shown.retract_operations = u32::from(any(&[Place::RetractBin, Place::RetractBinUncounted]));
    shown.way = match (any(&[Place::Slot]), any(&[Place::Stacker])) {
        (true, _) => Way::Reachable,
        (false, true) => Way::Inside,
        (false, false) => Way::Clear,
    };
    shown
}

fn withdrawal(step: Step) -> OpenWithdrawal {
    let asked = matches!(step, Step::Intended);
    OpenWithdrawal { intent: intent(1, host()), approved: (!asked).then(|| approved(1)), step, card: CardFate::Moves }
}

fn dispense(present_nonce: Option<Nonce>, token: TokenUse) -> Dispensing {
    Dispensing { before: counters(), dispense: OURS, present_nonce, token }
}

fn record(state: PresentState, dispense: Option<DispenseId>) -> PresentStatus {
    PresentStatus { state, notes: None, dispense, token: None }
}

const STATES: [PresentState; 3] = [PresentState::Presented, PresentState::NotPresented, PresentState::Unknown];

fn records() -> Vec<Option<PresentStatus>> {
    let of = |id| STATES.map(|state| Some(record(state, id)));
    [of(Some(OURS)).to_vec(), of(Some(OTHER)).to_vec(), of(None).to_vec(), vec![None]].concat()
}

fn steps() -> Vec<Step> {
    let mut steps = vec![Step::Intended, Step::Approved];
    for present_nonce in [Some(nonce(201)), None] {
        for token in [TokenUse::First, TokenUse::Again] {
            let dispensing = dispense(present_nonce, token);
            steps.extend([Step::Dispensing(dispensing.clone()), Step::Presenting(dispensing)]);
        }
    }
    steps
}

/// What can come of clearing the way: everything arrives, or stays, or the customer is quicker, or nobody counts.
fn cleared(world: &World, clearing: Clearing) -> Vec<World> {
    let map = |from: Place, to: Place| world.map(|place| if place == from { to } else { place });
    match clearing {
        Clearing::Reject => vec![*world, map(Place::Stacker, Place::RejectBin), map(Place::Stacker, Place::Lost)],
        Clearing::Retract => [Place::RetractBin, Place::RetractBinUncounted, Place::Taken, Place::Slot, Place::Lost]
            .map(|to| map(Place::Slot, to))
            .to_vec(),
    }
}

/// What the customer paid for by this verdict, minor units; `None`: the money stays in flight.
fn kept(verdict: &Verdict) -> Option<i64> {
    match verdict {
        Verdict::Reversed(moved) | Verdict::Completed(moved) | Verdict::Partial(moved) => {
            let dispensed: i64 =
                moved.dispensed.iter().zip([2_000, 5_000]).map(|(n, value)| i64::from(*n) * value).sum();
            Some(dispensed - moved.rejected - moved.retracted)
        }
        Verdict::Clear(_) | Verdict::Suspect(_) => None,
    }
}

/// Whatever the device's record claims, money never follows it against the notes.
#[track_caller]
fn check_sound(world: &World, verdict: &Verdict, step: &Step) {
    if step.dispensing().is_none() {
        assert_eq!(kept(verdict), Some(0));
        return;
    }
    let Some(kept) = kept(verdict) else { return };
    let (inside, outside) = (value(world, Place::is_inside), value(world, |place| !place.is_inside()));
    assert!(WORTH - kept <= inside, "credits notes that are outside: {world:?} {step:?} {verdict:?}");
    assert!(kept >= outside, "{world:?} {step:?} {verdict:?}");
    let uncounted = value(world, |place| place == Place::RetractBinUncounted);
    assert!(kept <= outside + uncounted, "keeps the money of notes inside: {world:?} {step:?} {verdict:?}");
    let as_named = match verdict {
        Verdict::Reversed(_) => kept == 0,
        Verdict::Completed(_) => kept == WORTH,
        Verdict::Partial(_) => 0 < kept && kept < WORTH,
        Verdict::Clear(_) | Verdict::Suspect(_) => false,
    };
    assert!(as_named, "{verdict:?} keeps {kept}");
}

#[test]
fn never_credits_notes_outside_nor_keeps_money_of_notes_inside() {
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for world in worlds() {
        for step in steps() {
            let withdrawal = withdrawal(step.clone());
            for present in records() {
                let now = shown(&world);
                let word = Word { counters: Some(&now), present: present.as_ref(), tried: Tried::Nothing };
                let verdict = judge(&withdrawal, &word);
                check_sound(&world, &verdict, &step);
                let name = match verdict {
                    Verdict::Clear(clearing) => {
                        for after in cleared(&world, clearing) {
                            let now = shown(&after);
                            let word = Word { counters: Some(&now), tried: Tried::Clearing, ..word };
                            let verdict = judge(&withdrawal, &word);
                            assert!(!matches!(verdict, Verdict::Clear(_)), "the way is cleared once");
                            check_sound(&after, &verdict, &step);
                        }
                        "clear"
                    }
                    Verdict::Reversed(_) => "reversed",
                    Verdict::Completed(_) => "completed",
                    Verdict::Partial(_) => "partial",
                    Verdict::Suspect(_) => "suspect",
                };
                *seen.entry(name).or_default() += 1;
            }
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn is_sure_where_device_and_notes_are_honest() {
    let honest = worlds().filter(|world| world.iter().all(|place| place.is_honest()));
    for world in honest {
        let reached = world.iter().any(|place| place.is_presented());
        let state = if reached { PresentState::Presented } else { PresentState::NotPresented };
        let present = record(state, Some(OURS));
        let dispensing = dispense(Some(nonce(201)), TokenUse::First);
        let nothing_left = world == [Place::Cassette; 3];
        let step = if nothing_left { Step::Dispensing(dispensing) } else { Step::Presenting(dispensing) };
        let withdrawal = withdrawal(step);
        let now = shown(&world);
        let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
        let both = world.contains(&Place::Slot) && world.contains(&Place::Stacker);
        let again = world.contains(&Place::Slot) && world.contains(&Place::RetractBin);
        let (world, verdict) = match judge(&withdrawal, &word) {
            Verdict::Clear(clearing) => {
                let (from, to) = match clearing {
                    Clearing::Reject => (Place::Stacker, Place::RejectBin),
                    Clearing::Retract => (Place::Slot, Place::RetractBin),
                };
                let after = world.map(|place| if place == from { to } else { place });
                let now = shown(&after);
                let word = Word { counters: Some(&now), tried: Tried::Clearing, ..word };
                (after, judge(&withdrawal, &word))
            }
            verdict @ (Verdict::Reversed(_) | Verdict::Completed(_) | Verdict::Partial(_) | Verdict::Suspect(_)) => {
                (world, verdict)
            }
        };
        match kept(&verdict) {
            Some(kept) => assert_eq!(kept, value(&world, |place| place == Place::Taken), "{world:?}"),
            None => assert!(both || again, "{world:?} {verdict:?}"),
        }
    }
}

/// One cassette's story, told in all ways, true or not.
#[derive(Clone, Copy, Debug)]
struct Story {
    out: u32,
    presented: u32,
    rejected: u32,
    unknown: u32,
    reject_bin: u32,
    retract_bin: u32,
    retracts: u32,
}

fn stories() -> Vec<Story> {
    let mut stories = Vec::new();
    for code in 0..3_u32.pow(6) * 2 {
        let digit = |place: u32| code / 3_u32.pow(place) % 3;
        stories.push(Story {
            out: digit(0),
            presented: digit(1),
            rejected: digit(2),
            reject_bin: digit(3),
            retract_bin: digit(4),
            retracts: digit(5),
            unknown: code / 3_u32.pow(6),
        });
    }
    stories
}

/// What the rules say, put down once more without looking at how the verdict is reached: `None` = no leave to move money,
/// otherwise how many of two wanted notes were paid.
fn by_the_rules(story: &Story, present: Option<&PresentStatus>, step: &Step, tried: Tried) -> Option<u32> {
    let dispensing = step.dispensing().expect("only dispenses are asked about");
    let ours = present.is_some_and(|present| present.dispense == Some(OURS));
    let unnamed = present.is_some_and(|present| present.dispense.is_none()) && dispensing.present_nonce.is_none();
    let state = present.map(|present| present.state);
    let Story { out, presented, rejected, unknown, reject_bin, retract_bin, retracts } = *story;
    if [out, presented, rejected, unknown, reject_bin, retract_bin, retracts] == [0; 7] {
        let announced = matches!(step, Step::Dispensing(_)) && tried == Tried::Nothing;
        let denied = ours && dispensing.token == TokenUse::First && state != Some(PresentState::NotPresented);
        return (announced && !denied).then_some(0);
    }
    let accounted = out == presented + rejected && unknown == 0 && reject_bin == rejected;
    if !accounted || !(ours || unnamed) {
        return None;
    }
    match state {
        Some(PresentState::NotPresented) if presented == 0 && retract_bin == 0 && retracts == 0 => Some(0),
        Some(PresentState::Presented) if presented > 0 && retracts == 0 && retract_bin == 0 => Some(presented),
        Some(PresentState::Presented)
            if presented > 0 && retracts == 1 && retract_bin > 0 && retract_bin <= presented =>
        {
            Some(presented - retract_bin)
        }
        Some(PresentState::NotPresented | PresentState::Presented | PresentState::Unknown) | None => None,
    }
}

#[test]
fn follows_the_rules_for_every_story_that_counters_can_tell() {
    let mut before = counters();
    before.cassettes.truncate(1);
    before.rejected = vec![(2_000, 4)];
    before.retract_operations = 2;
    let steps: Vec<Step> = steps().into_iter().filter(|step| step.dispensing().is_some()).collect();
    for story in stories() {
        let mut now = before.clone();
        let cassette = &mut now.cassettes[0];
        (cassette.out, cassette.presented) = (story.out, story.presented);
        (cassette.rejected, cassette.unknown) = (story.rejected, story.unknown);
        now.rejected = vec![(2_000, 4 + story.reject_bin)];
        now.retracted = vec![(2_000, story.retract_bin)];
        now.retract_operations += story.retracts;
        for step in &steps {
            let dispensing = Dispensing { before: before.clone(), ..step.dispensing().unwrap().clone() };
            let step = match step {
                Step::Presenting(_) => Step::Presenting(dispensing),
                Step::Dispensing(_) | Step::Intended | Step::Approved => Step::Dispensing(dispensing),
            };
            let mut withdrawal = withdrawal(step.clone());
            withdrawal.intent.notes = vec![2];
            for present in records() {
                for tried in [Tried::Nothing, Tried::Clearing] {
                    let word = Word { counters: Some(&now), present: present.as_ref(), tried };
                    let paid = match judge(&withdrawal, &word) {
                        Verdict::Reversed(_) => Some(0),
                        Verdict::Completed(_) => Some(2),
                        Verdict::Partial(moved) => {
                            let gone = i64::from(moved.dispensed[0]) * 2_000 - moved.rejected - moved.retracted;
                            Some(u32::try_from(gone / 2_000).unwrap())
                        }
                        Verdict::Suspect(_) => None,
                        Verdict::Clear(_) => panic!("the way is clear"),
                    };
                    let rules = by_the_rules(&story, present.as_ref(), &step, tried);
                    assert_eq!(paid, rules, "{story:?} {present:?} {step:?} {tried:?}");
                }
            }
        }
    }
}

#[test]
fn the_way_is_cleared_once_before_anything_is_concluded() {
    let cases = [
        (Way::Inside, Tried::Nothing, Verdict::Clear(Clearing::Reject)),
        (Way::Reachable, Tried::Nothing, Verdict::Clear(Clearing::Retract)),
        (Way::Unknown, Tried::Nothing, Verdict::Suspect(Doubt::WayUnknown)),
        (Way::Inside, Tried::Clearing, Verdict::Suspect(Doubt::NotCleared)),
        (Way::Reachable, Tried::Clearing, Verdict::Suspect(Doubt::NotCleared)),
        (Way::Unknown, Tried::Clearing, Verdict::Suspect(Doubt::WayUnknown)),
    ];
    for (way, tried, verdict) in cases {
        for step in steps().into_iter().filter(|step| step.dispensing().is_some()) {
            for present in records() {
                let now = Counters { way, ..shown(&[Place::Stacker; 3]) };
                let word = Word { counters: Some(&now), present: present.as_ref(), tried };
                assert_eq!(judge(&withdrawal(step.clone()), &word), verdict, "{way:?}");
            }
        }
    }
}

#[test]
fn doubts_counters_that_prove_nothing() {
    let check = |doubt: Doubt, spoil: &dyn Fn(&mut Counters, &mut Counters)| {
        for world in [[Place::Cassette; 3], [Place::Taken; 3], [Place::RejectBin; 3]] {
            let (mut before, mut now) = (counters(), shown(&world));
            spoil(&mut before, &mut now);
            let dispensing = Dispensing { before, ..dispense(None, TokenUse::First) };
            let withdrawal = withdrawal(Step::Dispensing(dispensing));
            for state in STATES {
                let present = record(state, Some(OURS));
                let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
                assert_eq!(judge(&withdrawal, &word), Verdict::Suspect(doubt), "{world:?} {state:?}");
            }
        }
    };
    check(Doubt::Refilled, &|_, now| now.cassettes[1].initial += 1);
    check(Doubt::Refilled, &|_, now| now.cassettes[0].denomination = 1_000);
    check(Doubt::Refilled, &|_, now| now.cassettes.truncate(1));
    check(Doubt::Refilled, &|before, _| before.cassettes[0].out = 10);
    check(Doubt::Refilled, &|before, _| before.cassettes[0].presented = 10);
    check(Doubt::Refilled, &|before, _| before.cassettes[0].rejected = 10);
    check(Doubt::Refilled, &|before, _| before.cassettes[0].unknown = 10);
    check(Doubt::Refilled, &|before, _| before.rejected = vec![(2_000, 10)]);
    check(Doubt::Refilled, &|before, _| before.retracted = vec![(2_000, 10)]);
    check(Doubt::Refilled, &|before, _| before.retract_operations = 1);
    check(Doubt::Inaccurate, &|_, now| now.cassettes[0].accuracy = Accuracy::Inaccurate);
    check(Doubt::Inaccurate, &|before, _| before.cassettes[1].accuracy = Accuracy::Inaccurate);
    check(Doubt::WayUnknown, &|before, _| before.way = Way::Inside);
    check(Doubt::WayUnknown, &|before, _| before.way = Way::Unknown);

    let dispensing = withdrawal(Step::Dispensing(dispense(None, TokenUse::First)));
    let word = Word { counters: None, present: None, tried: Tried::Nothing };
    assert_eq!(judge(&dispensing, &word), Verdict::Suspect(Doubt::CountersUnread));
    let now = shown(&[Place::RejectBin; 3]);
    let word = Word { counters: Some(&now), ..word };
    assert_eq!(judge(&dispensing, &word), Verdict::Suspect(Doubt::PresentUnread));
}

#[test]
fn a_cassette_that_is_not_concerned_may_count_wrong() {
    let mut dispensing = dispense(Some(nonce(201)), TokenUse::First);
    dispensing.before.cassettes[1].accuracy = Accuracy::Inaccurate;
    let mut withdrawal = withdrawal(Step::Presenting(dispensing.clone()));
    (withdrawal.intent.notes, withdrawal.intent.amount) = (vec![2, 0], Amount::new(4_000, usd(0).currency()));
    let mut now = shown(&[Place::Taken, Place::Taken, Place::Cassette]);
    now.cassettes[1].accuracy = Accuracy::Inaccurate;
    let present = record(PresentState::Presented, Some(OURS));
    let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
    let movement = Movement { dispensed: vec![2, 0], rejected: 0, retracted: 0 };
    assert_eq!(judge(&withdrawal, &word), Verdict::Completed(movement));
}

#[test]
fn takes_notes_rejected_on_the_way_for_neither_paid_nor_missing() {
    // A double feed: three twenties left the cassette for two, one of them went to the reject bin.
    let mut now = shown(&[Place::Taken; 3]);
    (now.cassettes[0].out, now.cassettes[0].rejected, now.rejected) = (3, 1, vec![(2_000, 1)]);
    let withdrawal = withdrawal(Step::Presenting(dispense(Some(nonce(201)), TokenUse::First)));
    let present = record(PresentState::Presented, Some(OURS));
    let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
    let movement = Movement { dispensed: vec![3, 1], rejected: 2_000, retracted: 0 };
    assert_eq!(judge(&withdrawal, &word), Verdict::Completed(movement));
    // Three presented for two wanted is a story that no dispenser tells.
    (now.cassettes[0].presented, now.cassettes[0].rejected, now.rejected) = (3, 0, vec![]);
    let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
    assert_eq!(judge(&withdrawal, &word), Verdict::Suspect(Doubt::Disagree));
}

#[test]
fn a_verdict_ends_each_leave_in_its_way() {
    let evidence = Evidence { failure: Some(Failure::Jam), ..Evidence::default() };
    let original = intent(1, host()).id;
    let none = Movement { dispensed: vec![0, 0], rejected: 0, retracted: 0 };
    let part = Movement { retracted: 5_000, ..all_paid() };
    let host_ends = |verdict: Verdict| {
        let withdrawal = withdrawal(Step::Presenting(dispense(None, TokenUse::First)));
        ending(&withdrawal, &verdict, ReverseReason::Restarted, evidence.clone())
    };
    let reversed = |moved: &Movement, reason| {
        let (moved, evidence) = (moved.clone(), evidence.clone());
        Some(Ending::Advice(AdviceKind::Reversed { original, moved, reason, evidence }))
    };
    assert_eq!(host_ends(Verdict::Reversed(none.clone())), reversed(&none, ReverseReason::Restarted));
    assert_eq!(host_ends(Verdict::Partial(part.clone())), reversed(&part, ReverseReason::PartlyTaken));
    let completed = AdviceKind::Completed { original, moved: all_paid(), evidence: evidence.clone() };
    assert_eq!(host_ends(Verdict::Completed(all_paid())), Some(Ending::Advice(completed)));
    let suspect = AdviceKind::Suspect { original, evidence: evidence.clone() };
    assert_eq!(host_ends(Verdict::Suspect(Doubt::Disagree)), Some(Ending::Advice(suspect)));
    assert_eq!(host_ends(Verdict::Clear(Clearing::Reject)), None);

    let lease_ends = |step: Step, verdict: &Verdict| {
        let withdrawal = OpenWithdrawal { intent: intent(1, under(1)), approved: None, step, card: CardFate::Moves };
        ending(&withdrawal, verdict, ReverseReason::Restarted, Evidence::default())
    };
    let dispensing = || Step::Dispensing(dispense(None, TokenUse::First));
    let withdrawn = |outcome| Some(Ending::Advice(withdrawn(1, 1, outcome).kind));
    assert_eq!(lease_ends(Step::Intended, &Verdict::Reversed(none.clone())), Some(Ending::Dropped));
    let reversed = Verdict::Reversed(none.clone());
    assert_eq!(lease_ends(dispensing(), &reversed), withdrawn(OfflineOutcome::Paid(none)));
    assert_eq!(lease_ends(dispensing(), &Verdict::Partial(part.clone())), withdrawn(OfflineOutcome::Paid(part)));
    assert_eq!(lease_ends(dispensing(), &Verdict::Suspect(Doubt::Disagree)), withdrawn(OfflineOutcome::Suspect));
    assert_eq!(lease_ends(dispensing(), &Verdict::Clear(Clearing::Retract)), None);
}

#[test]
fn evidence_is_what_was_read() {
    let now = shown(&[Place::Taken; 3]);
    let present = PresentStatus { token: Some("HMAC".to_owned()), ..record(PresentState::Presented, Some(OURS)) };
    let word = Word { counters: Some(&now), present: Some(&present), tried: Tried::Nothing };
    let told = evidence(&withdrawal(Step::Dispensing(dispense(None, TokenUse::First))), &word, Some(Failure::Jam));
    let all = Evidence {
        present: Some(PresentState::Presented),
        token: Some("HMAC".to_owned()),
        counters: Some(vec![2, 1]),
        failure: Some(Failure::Jam),
    };
    assert_eq!(told, all);
    let nothing = Word { counters: None, present: None, tried: Tried::Nothing };
    assert_eq!(evidence(&withdrawal(Step::Approved), &nothing, None), Evidence::default());
}

#[test]
fn deposits_are_judged_by_the_acceptor() {
    use {CashInState as S, Customer as C, DepositVerdict as V, Tried as T};
    let deposit = OpenDeposit {
        id: intent(1, host()).id,
        card: intent(1, host()).card,
        account: account(1),
        notes: vec![(5_000, 1), (2_000, 3)],
        amount: usd(110),
        step: DepositStep::Storing,
        tally: Tally::Whole,
    };
    let same = vec![(2_000, 1), (5_000, 1), (2_000, 2)];
    let fewer = vec![(2_000, 2), (5_000, 1)];
    // state, as counted or not, then the verdict: there, there and tried, gone, gone and tried
    let table = [
        (S::Stored, &same, [V::Deposited, V::Deposited, V::Deposited, V::Deposited]),
        (S::Stored, &fewer, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
        (S::Returned, &same, [V::Watch, V::Watch, V::Unclear, V::Unclear]),
        (S::Returned, &Vec::new(), [V::Returned, V::Returned, V::Returned, V::Returned]),
        (S::Active, &same, [V::Return, V::Unclear, V::Store, V::Unclear]),
        (S::Active, &fewer, [V::Return, V::Unclear, V::Unclear, V::Unclear]),
        (S::Retracted, &same, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
        (S::Unknown, &same, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
    ];
    let asked = [(C::There, T::Nothing), (C::There, T::Clearing), (C::Gone, T::Nothing), (C::Gone, T::Clearing)];
    for (state, accepted, verdicts) in table {
        for ((customer, tried), verdict) in asked.into_iter().zip(verdicts) {
            let status = CashInStatus { state, accepted: accepted.clone() };
            assert_eq!(judge_deposit(&deposit, Some(&status), customer, tried), verdict, "{state:?} {customer:?}");
            let broken = OpenDeposit { tally: Tally::Broken, ..deposit.clone() };
            let moves = matches!(verdict, V::Return | V::Store | V::Watch);
            let verdict = if moves { verdict } else { V::Unclear };
            assert_eq!(judge_deposit(&broken, Some(&status), customer, tried), verdict, "{state:?} {customer:?}");
            assert_eq!(judge_deposit(&deposit, None, customer, tried), V::Unclear);
        }
    }
    let (card, account, notes, amount) = (deposit.card, deposit.account, deposit.notes.clone(), deposit.amount);
    let unclear = AdviceKind::DepositUnclear { card, account, counted: notes.clone(), amount };
    let deposited = AdviceKind::Deposited { card, account, notes, amount };
    assert_eq!(deposit_ending(&deposit, &V::Deposited), Some(Ending::Advice(deposited)));
    assert_eq!(deposit_ending(&deposit, &V::Unclear), Some(Ending::Advice(unclear)));
    assert_eq!(deposit_ending(&deposit, &V::Returned), Some(Ending::Dropped));
    assert_eq!([V::Return, V::Store, V::Watch].map(|verdict| deposit_ending(&deposit, &verdict)), [None, None, None]);
}

/// Whatever would end by itself is suspect once the card has jammed; the way is cleared all the same.
#[test]
fn ends_nothing_by_itself_whose_card_jammed() {
    let mut suspects = 0;
    for step in steps().into_iter().filter(|step| step.dispensing().is_some()) {
        for world in worlds() {
            for present in records() {
                for tried in [Tried::Nothing, Tried::Clearing] {
                    let counters = shown(&world);
                    let word = Word { counters: Some(&counters), present: present.as_ref(), tried };
                    let free = withdrawal(step.clone());
                    let jammed = OpenWithdrawal { card: CardFate::Jammed, ..free.clone() };
                    match (judge(&free, &word), judge(&jammed, &word)) {
                        (Verdict::Clear(clearing), verdict) => assert_eq!(verdict, Verdict::Clear(clearing)),
                        (Verdict::Suspect(doubt), verdict) => assert_eq!(verdict, Verdict::Suspect(doubt)),
                        (Verdict::Reversed(_) | Verdict::Completed(_) | Verdict::Partial(_), verdict) => {
                            assert_eq!(verdict, Verdict::Suspect(Doubt::CardJammed));
                            suspects += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(suspects > 10, "{suspects}");
}

#[test]
fn notes_that_nobody_agreed_to_go_back_to_who_is_there_and_nowhere_else() {
    use {CashInState as S, Customer as C, DepositVerdict as V, Tried as T};
    let deposit = OpenDeposit {
        id: intent(1, host()).id,
        card: intent(1, host()).card,
        account: account(1),
        notes: Vec::new(),
        amount: usd(0),
        step: DepositStep::Taking,
        tally: Tally::Whole,
    };
    let counted = vec![(2_000, 1), (5_000, 1), (2_000, 2)];
    // state and what is in escrow, then the verdict: there, there and tried, gone, gone and tried
    let table = [
        (S::Active, &counted, [V::Return, V::Unclear, V::Store, V::Unclear]),
        (S::Active, &Vec::new(), [V::Return, V::Unclear, V::Return, V::Unclear]),
        (S::Returned, &counted, [V::Watch, V::Watch, V::Unclear, V::Unclear]),
        (S::Returned, &Vec::new(), [V::Returned, V::Returned, V::Returned, V::Returned]),
        (S::Stored, &counted, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
        (S::Retracted, &counted, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
        (S::Unknown, &counted, [V::Unclear, V::Unclear, V::Unclear, V::Unclear]),
    ];
    let asked = [(C::There, T::Nothing), (C::There, T::Clearing), (C::Gone, T::Nothing), (C::Gone, T::Clearing)];
    for (state, accepted, verdicts) in table {
        let status = CashInStatus { state, accepted: accepted.clone() };
        for ((customer, tried), verdict) in asked.into_iter().zip(verdicts) {
            assert_eq!(judge_deposit(&deposit, Some(&status), customer, tried), verdict, "{state:?} {customer:?}");
            let broken = OpenDeposit { tally: Tally::Broken, ..deposit.clone() };
            let moves = matches!(verdict, V::Return | V::Store | V::Watch);
            let verdict = if moves { verdict } else { V::Unclear };
            assert_eq!(judge_deposit(&broken, Some(&status), customer, tried), verdict, "{state:?} {customer:?}");
            assert_eq!(judge_deposit(&deposit, None, customer, tried), V::Unclear);
        }
    }
    let status = CashInStatus { state: S::Active, accepted: counted };
    let found = as_found(&deposit, Some(&status));
    assert_eq!((found.notes, found.amount), (vec![(5_000, 1), (2_000, 3)], usd(110)));
    assert_eq!(as_found(&deposit, None), deposit);
    let agreed = OpenDeposit { notes: vec![(2_000, 1)], amount: usd(20), step: DepositStep::Storing, ..deposit };
    let status = CashInStatus { state: S::Stored, accepted: vec![(5_000, 9)] };
    assert_eq!(as_found(&agreed, Some(&status)), agreed, "what was agreed is what was counted then");
}
