//! Note mixes: which notes pay an amount.
//!
//! Amounts and denominations are minor units of one currency; the caller leaves out cassettes of another one and those
//! that cannot dispense. Nothing here moves a note, knows an account, or asks a device.
//!
//! Greedy is not enough: it cannot pay 60 from fifties and twenties. So every answer comes from a search for the fewest
//! notes that takes the greedy mix first and then proves it, or finds a better one:
//!
//! - *Bound.* No mix of the smaller notes beats filling up from the largest, the last note cut to fit. As one denomination
//!   gives way to smaller ones this bound only grows, so the first take that cannot beat the best ends the row.
//! - *Divisor.* A rest that the common divisor of the remaining notes does not divide cannot be paid.
//! - *Window.* Let `d` be a denomination and `g` the common divisor of it and all smaller ones. Among any `d/g` smaller
//!   notes some add up to a multiple of `d` (two of their running sums agree modulo `d`), and fewer notes of `d` would
//!   pay that. So a mix of the fewest notes takes more than `m − d/g` of `d`, `m` being the most that fit. This is what
//!   makes the work depend on the denominations and not on the amount.
//! - *Memory.* After the first few steps, what was learnt about a rest is kept and not worked out again.
//!
//! Ordinary machines never reach the memory, and then the result is all that is allocated. The work is capped as well
//! (`MOST_VISITS`), because a machine set up with absurd denominations must not stop the bank: past the cap the best
//! mix so far is the answer, or none. No set of real notes comes near it.

use std::collections::BTreeMap;

/// Denominations held without allocating; a machine with more cassettes than this merely allocates once.
const INLINE: usize = 8;

/// Steps of a search before it begins to remember.
const VISITS_WITHOUT_MEMORY: u32 = 128;

/// Steps after which a search answers with what it has: some tens of milliseconds.
const MOST_VISITS: u32 = 1 << 18;

/// One cassette as far as a mix is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cassette {
    /// The value of one note, in minor units. A cassette whose denomination is not positive is never used.
    pub denomination: i64,
    /// How many notes are there to give.
    pub count: u32,
}

/// Notes by denomination in minor units, largest first, each denomination once and none with a count of zero.
pub type Notes = Vec<(i64, u32)>;

/// The payable amounts next to one that was asked for, in minor units; never that amount itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Nearest {
    /// The largest payable amount below, if any is above zero.
    pub below: Option<i64>,
    /// The smallest payable amount above.
    pub above: Option<i64>,
}

/// The mix of the fewest notes: how many to take from each cassette, in the order given, adding up to exactly
/// `amount_minor`; `None` if no mix of at most `max_notes` does.
///
/// Of equally many notes it is the mix with the most of the largest denomination, then of the next. Cassettes that share
/// a denomination are emptied in the order given.
pub fn least_notes(cassettes: &[Cassette], amount_minor: i64, max_notes: u32) -> Option<Vec<u32>> {
    let mut stock = Stock::new(cassettes.iter().copied(), max_notes);
    Search::default().fewest(stock.notes(), amount_minor, i64::from(max_notes))?;
    let mut mix = vec![0; cassettes.len()];
    for note in stock.notes() {
        let mut left = note.taken();
        for (taken, cassette) in mix.iter_mut().zip(cassettes) {
            if cassette.denomination == note.denomination {
                *taken = left.min(cassette.count);
                left -= *taken;
            }
        }
    }
    Some(mix)
}

/// The mix that empties the cassettes evenly; shape and `None` as for [`least_notes`].
///
/// The share of a cassette is the notes taken from it over the notes in it. Of all mixes this is one whose largest share
/// is the smallest possible, and among those one of the fewest notes. Cassettes that share a denomination give in
/// proportion to what they hold. A cassette with few notes left is thus spared as long as others can stand in.
pub fn even(cassettes: &[Cassette], amount_minor: i64, max_notes: u32) -> Option<Vec<u32>> {
    even_by(&mut Search::default(), cassettes, amount_minor, max_notes)
}

/// The nearest amounts below and above `amount_minor` that these cassettes can pay with at most `max_notes` notes. Past
/// the cap on the work, none.
pub fn nearest(cassettes: &[Cassette], amount_minor: i64, max_notes: u32) -> Nearest {
    nearest_by(&mut Search::default(), cassettes, amount_minor, max_notes)
}

/// What a mix pays out, for receipts and replies: `mix` holds notes per cassette, in the same order.
pub fn notes(cassettes: &[Cassette], mix: &[u32]) -> Notes {
    let mut notes = Notes::new();
    for (cassette, &taken) in cassettes.iter().zip(mix).filter(|(_, taken)| **taken > 0) {
        match notes.binary_search_by(|(denomination, _)| cassette.denomination.cmp(denomination)) {
            Ok(at) => notes[at].1 = notes[at].1.saturating_add(taken),
            Err(at) => notes.insert(at, (cassette.denomination, taken)),
        }
    }
    notes
}

/// All notes of one denomination.
#[derive(Clone, Copy)]
struct Note {
    denomination: i64,
    /// How many there are to give, cut to the most that a mix may have. Never zero.
    count: i64,
    /// The greatest common divisor of this denomination and all smaller ones.
    divisor: i64,
    /// The value of these notes and all smaller ones, ending at `i64::MAX`.
    cash: i64,
    /// How many the best mix so far takes.
    take: i64,
}

impl Note {
    const NONE: Note = Note { denomination: 0, count: 0, divisor: 0, cash: 0, take: 0 };

    fn taken(&self) -> u32 {
        u32::try_from(self.take).expect("a mix takes at most max_notes of a denomination")
    }
}

/// A machine's notes, largest denomination first, each denomination once.
struct Stock {
    inline: [Note; INLINE],
    heap: Vec<Note>,
    len: usize,
}

impl Stock {
    fn new(cassettes: impl ExactSizeIterator<Item = Cassette>, max_notes: u32) -> Stock {
        let mut stock = Stock { inline: [Note::NONE; INLINE], heap: Vec::new(), len: 0 };
        if cassettes.len() > INLINE {
            stock.heap.resize(cassettes.len(), Note::NONE);
        }
        for cassette in cassettes.filter(|c| c.denomination > 0) {
            let count = cassette.count.min(max_notes);
            if count > 0 {
                stock.add(cassette.denomination, i64::from(count), i64::from(max_notes));
            }
        }
        let (mut divisor, mut cash) = (0, 0i64);
        for note in stock.notes().iter_mut().rev() {
            divisor = common_divisor(note.denomination, divisor);
            cash = cash.saturating_add(note.denomination.saturating_mul(note.count));
            (note.divisor, note.cash) = (divisor, cash);
        }
        stock
    }

    fn add(&mut self, denomination: i64, count: i64, max_notes: i64) {
        let known = self.notes();
        let at = known.iter().position(|n| n.denomination <= denomination).unwrap_or(known.len());
        match known.get_mut(at) {
            Some(same) if same.denomination == denomination => same.count = max_notes.min(same.count + count),
            Some(_) | None => {
                self.len += 1;
                let longer = self.notes();
                longer[at..].rotate_right(1);
                longer[at] = Note { denomination, count, ..Note::NONE };
            }
        }
    }

    fn notes(&mut self) -> &mut [Note] {
        let all = if self.heap.is_empty() { &mut self.inline[..] } else { &mut self.heap[..] };
        &mut all[..self.len]
    }
}

/// The search for the fewest notes. See the module's page for why it is exact.
#[derive(Default)]
struct Search {
    visits: u32,
    /// By number of denominations left and rest: no mix has fewer notes than this.
    known: BTreeMap<(usize, i64), i64>,
}

impl Search {
    /// The fewest notes that pay `rest`, leaving the mix in each note's `take`; `None`, and every `take` untouched, if
    /// that needs more than `limit` notes.
    fn fewest(&mut self, notes: &mut [Note], rest: i64, mut limit: i64) -> Option<i64> {
        if rest == 0 {
            notes.iter_mut().for_each(|note| note.take = 0);
            return Some(0);
        }
        let key = (notes.len(), rest);
        let (note, smaller) = notes.split_first_mut()?;
        if rest < 0 || rest > note.cash || rest % note.divisor != 0 || self.visits == MOST_VISITS {
            return None;
        }
        self.visits += 1;
        let remembers = self.visits > VISITS_WITHOUT_MEMORY;
        if remembers && self.known.get(&key).is_some_and(|fewest| *fewest > limit) {
            return None;
        }
        let most = note.count.min(rest / note.denomination);
        let least = (most - note.denomination / note.divisor + 1).max(0);
        let mut best = None;
        for take in (least..=most.min(limit)).rev() {
            let left = rest - take * note.denomination;
            if lower_bound(smaller, left).is_none_or(|more| more > limit - take) {
                break;
            }
            if let Some(more) = self.fewest(smaller, left, limit - take) {
                note.take = take;
                best = Some(take + more);
                limit = take + more - 1;
            }
        }
        if remembers && self.visits < MOST_VISITS {
            // Everything up to `limit` has been looked at and does not do; it is one below the best, if there is one.
            self.known.insert(key, limit + 1);
        }
        best
    }

    /// The first of these amounts that at most `limit` notes pay.
    fn first_payable(&mut self, notes: &mut [Note], mut amounts: impl Iterator<Item = i64>, limit: i64) -> Option<i64> {
        amounts
            .find(|amount| self.visits == MOST_VISITS || self.fewest(notes, *amount, limit).is_some())
            .filter(|_| self.visits < MOST_VISITS)
    }
}

/// What no mix of `notes` that pays `rest` can undercut, or `None` if they are not worth that much: filled up from the
/// largest denomination, counting a note that is only partly needed as one.
fn lower_bound(notes: &[Note], rest: i64) -> Option<i64> {
    let (mut left, mut fewest) = (rest, 0);
    for note in notes {
        let whole = left / note.denomination;
        if whole < note.count {
            return Some(fewest + whole + i64::from(left % note.denomination > 0));
        }
        left -= note.count * note.denomination;
        fewest += note.count;
    }
    (left == 0).then_some(fewest)
}

/// The most that `limit` notes can be worth, ending at `i64::MAX`. Payable by its nature.
fn richest(notes: &[Note], limit: i64) -> i64 {
    let mut left = limit;
    notes.iter().fold(0i64, |sum, note| {
        let take = note.count.min(left);
        left -= take;
        sum.saturating_add(note.denomination.saturating_mul(take))
    })
}

fn common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// [`nearest`] with a search that may have begun.
fn nearest_by(search: &mut Search, cassettes: &[Cassette], amount_minor: i64, max_notes: u32) -> Nearest {
    let mut stock = Stock::new(cassettes.iter().copied(), max_notes);
    let notes = stock.notes();
    let Some(step) = notes.first().map(|largest| largest.divisor) else {
        return Nearest::default();
    };
    let limit = i64::from(max_notes);
    let richest = richest(notes, limit);
    // What one amount teaches about a rest holds for the next amount too, so both directions share the memory. Payable
    // amounts are never further apart than the largest note: taking single notes out of the richest mix shows it.
    let asked = amount_minor.max(0);
    let below = if asked > richest {
        Some(richest)
    } else {
        let down = |amount: &i64| amount.checked_sub(step);
        let amounts = std::iter::successors(Some((asked - 1).div_euclid(step) * step), down);
        search.first_payable(notes, amounts.take_while(|amount| *amount > 0), limit)
    };
    let up = |amount: &i64| amount.checked_add(step);
    let amounts = std::iter::successors(up(&(asked / step * step)), up);
    let above = search.first_payable(notes, amounts.take_while(|amount| *amount <= richest), limit);
    Nearest { below, above }
}

/// A share is a whole number of 2^-64: fine enough to tell any two fractions of 32-bit counts apart.
const SHARE_BITS: u32 = 64;
const WHOLE_SHARE: u128 = 1 << SHARE_BITS;

/// The smallest share that allows `taken` of `count` notes.
fn share_of(taken: u32, count: u32) -> u128 {
    (u128::from(taken) << SHARE_BITS).div_ceil(u128::from(count))
}

/// How many of `count` notes a share allows: `share_of` backwards.
fn notes_within(count: u32, share: u128) -> u32 {
    u32::try_from((u128::from(count) * share) >> SHARE_BITS).expect("a share of at most one leaves a count that fits")
}

fn usable(cassettes: &[Cassette]) -> impl Iterator<Item = &Cassette> {
    cassettes.iter().filter(|c| c.denomination > 0 && c.count > 0)
}

fn largest_share(cassettes: &[Cassette], mix: &[u32]) -> u128 {
    let used = cassettes.iter().zip(mix).filter(|(_, taken)| **taken > 0);
    used.map(|(cassette, taken)| share_of(*taken, cassette.count)).max().unwrap_or(0)
}

/// [`even`] with a search that may have begun.
fn even_by(search: &mut Search, cassettes: &[Cassette], amount_minor: i64, max_notes: u32) -> Option<Vec<u32>> {
    let mut best = even_below(search, cassettes, amount_minor, max_notes, WHOLE_SHARE)?;
    if amount_minor == 0 {
        return Some(best);
    }
    // The smallest share known to do, and the largest known not to: the average share is below that of some cassette.
    let mut enough = largest_share(cassettes, &best);
    let cash: u128 = usable(cassettes).map(|c| u128::from(c.denomination.unsigned_abs()) * u128::from(c.count)).sum();
    let mut too_little = (u128::from(amount_minor.unsigned_abs()) << SHARE_BITS).div_ceil(cash) - 1;
    while too_little + 1 < enough {
        let share = too_little.midpoint(enough);
        match even_below(search, cassettes, amount_minor, max_notes, share) {
            Some(mix) => {
                enough = largest_share(cassettes, &mix);
                best = mix;
            }
            None => {
                // Nothing changes before the share at which some cassette gives one note more.
                let next = usable(cassettes).map(|c| share_of(notes_within(c.count, share) + 1, c.count)).min();
                too_little = next.expect("an amount was paid, so a cassette is usable") - 1;
            }
        }
    }
    Some(best)
}

/// The fewest notes that take no more than `share` of any cassette, spread evenly within each denomination.
fn even_below(
    search: &mut Search,
    cassettes: &[Cassette],
    amount_minor: i64,
    max_notes: u32,
    share: u128,
) -> Option<Vec<u32>> {
    // What was learnt under other shares does not hold; the steps already made still count towards the cap.
    search.known.clear();
    let allowed = cassettes.iter().map(|c| Cassette { count: notes_within(c.count, share), ..*c });
    let mut stock = Stock::new(allowed, max_notes);
    search.fewest(stock.notes(), amount_minor, i64::from(max_notes))?;
    let mut mix = vec![0; cassettes.len()];
    for note in stock.notes().iter().filter(|note| note.take > 0) {
        spread(cassettes, note, &mut mix);
    }
    Some(mix)
}

/// Takes one denomination's notes from its cassettes in proportion to what they hold. The few notes that proportion
/// leaves over go one by one to where they raise the share least, which keeps the largest share as small as it can be.
fn spread(cassettes: &[Cassette], note: &Note, mix: &mut [u32]) {
    let holds = |at: &usize| cassettes[*at].denomination == note.denomination && cassettes[*at].count > 0;
    let positions = || (0..cassettes.len()).filter(holds);
    let total: u128 = positions().map(|at| u128::from(cassettes[at].count)).sum();
    let mut left = note.taken();
    for at in positions() {
        let part = u128::from(note.taken()) * u128::from(cassettes[at].count) / total;
        mix[at] = u32::try_from(part).expect("a part of a cassette's notes");
        left -= mix[at];
    }
    for _ in 0..left {
        let at = positions().min_by_key(|at| share_of(mix[*at] + 1, cassettes[*at].count));
        mix[at.expect("a denomination in stock has a cassette")] += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    fn cassettes(holdings: &[(i64, u32)]) -> Vec<Cassette> {
        holdings.iter().map(|&(denomination, count)| Cassette { denomination, count }).collect()
    }

    fn paid(cassettes: &[Cassette], mix: &[u32]) -> i64 {
        cassettes.iter().zip(mix).map(|(c, taken)| c.denomination * i64::from(*taken)).sum()
    }

    #[track_caller]
    fn check_least(holdings: &[(i64, u32)], amount: i64, expected: Option<&[u32]>) {
        assert_eq!(least_notes(&cassettes(holdings), amount, 40).as_deref(), expected, "{amount} from {holdings:?}");
    }

    #[test]
    fn pays_where_greedy_cannot() {
        check_least(&[(50, 10), (20, 10)], 60, Some(&[0, 3]));
        check_least(&[(50, 10), (20, 10)], 80, Some(&[0, 4]));
        check_least(&[(50, 10), (20, 10)], 130, Some(&[1, 4]));
        check_least(&[(20, 10), (50, 10)], 110, Some(&[3, 1]));
        check_least(&[(50, 10), (20, 10), (10, 10)], 60, Some(&[1, 0, 1]));
        check_least(&[(40, 10), (30, 10), (10, 10)], 60, Some(&[0, 2, 0]));
        check_least(&[(100, 1), (75, 8), (10, 8)], 150, Some(&[0, 2, 0]));
        check_least(&[(20, 9), (30, 9), (40, 9)], 60, Some(&[1, 0, 1]));
    }

    #[test]
    fn refuses_what_the_notes_cannot_make() {
        check_least(&[(50, 10), (20, 10)], 30, None);
        check_least(&[(50, 10), (20, 10)], 10, None);
        check_least(&[(50, 10), (20, 10)], 65, None);
        check_least(&[(50, 10), (20, 2)], 60, None);
        check_least(&[(20, 41)], 820, None);
        check_least(&[(20, 40)], 800, Some(&[40]));
        check_least(&[(20, 3)], 80, None);
        check_least(&[], 20, None);
        check_least(&[(20, 3)], -20, None);
        check_least(&[(20, 3)], 0, Some(&[0]));
    }

    #[test]
    fn takes_no_note_from_a_cassette_without_any_or_without_value() {
        check_least(&[(50, 0), (0, 9), (-50, 9), (10, 9)], 50, Some(&[0, 0, 0, 5]));
        assert_eq!(even(&cassettes(&[(50, 0), (0, 9), (-50, 9), (10, 9)]), 50, 40), Some(vec![0, 0, 0, 5]));
        assert_eq!(nearest(&cassettes(&[(50, 0), (0, 9), (-50, 9)]), 50, 40), Nearest::default());
        assert_eq!(nearest(&cassettes(&[(50, 9)]), 60, 0), Nearest::default());
    }

    #[test]
    fn empties_cassettes_of_one_denomination_in_order_or_in_proportion() {
        check_least(&[(20, 2), (50, 1), (20, 5)], 150, Some(&[2, 1, 3]));
        let even = |holdings: &[(i64, u32)], amount| even(&cassettes(holdings), amount, 40).unwrap();
        assert_eq!(even(&[(20, 30), (20, 10)], 160), [6, 2]);
        assert_eq!(even(&[(20, 5), (20, 5), (20, 5)], 80), [2, 1, 1]);
    }

    #[test]
    fn spares_the_cassette_that_is_nearly_empty() {
        let holdings = cassettes(&[(10_000, 4), (5_000, 400), (2_000, 900)]);
        assert_eq!(least_notes(&holdings, 20_000, 40), Some(vec![2, 0, 0]));
        assert_eq!(even(&holdings, 20_000, 40), Some(vec![0, 2, 5]));
        assert_eq!(even(&holdings, 20_000, 6), Some(vec![0, 4, 0]));
        assert_eq!(even(&holdings, 20_000, 2), Some(vec![2, 0, 0]));
        assert_eq!(even(&holdings, 20_000, 1), None);
    }

    #[test]
    fn names_the_nearest_amounts() {
        let near = |holdings: &[(i64, u32)], amount, max| {
            let found = nearest(&cassettes(holdings), amount, max);
            (found.below, found.above)
        };
        assert_eq!(near(&[(50, 10), (20, 10)], 30, 40), (Some(20), Some(40)));
        assert_eq!(near(&[(50, 10), (20, 10)], 10, 40), (None, Some(20)));
        assert_eq!(near(&[(50, 1), (20, 1)], 65, 40), (Some(50), Some(70)));
        assert_eq!(near(&[(50, 1), (20, 1)], 70, 40), (Some(50), None));
        assert_eq!(near(&[(50, 1), (20, 1)], i64::MAX, 40), (Some(70), None));
        assert_eq!(near(&[(50, 1), (20, 1)], i64::MIN, 40), (None, Some(20)));
        assert_eq!(near(&[(50, 100), (10, 100)], 2_010, 40), (Some(2_000), None));
        assert_eq!(near(&[(10_000, 9), (1, 3)], 15_000, 40), (Some(10_003), Some(20_000)));
        assert_eq!(near(&[], 100, 40), (None, None));
    }

    #[test]
    fn does_not_mind_huge_amounts_and_counts() {
        let most = u32::MAX;
        let full = cassettes(&[(5_000, most), (2_000, most), (2_000, most)]);
        let mix = least_notes(&full, 10_000_000_000_000 - 1_000, most).unwrap();
        assert_eq!(mix, [1_999_999_999, 2, 0]);
        assert_eq!(least_notes(&full, 10_000_000_000_500, most), None);
        let mix = even(&full, 10_000_000_000_000, most).unwrap();
        assert_eq!(paid(&full, &mix), 10_000_000_000_000);
        let found = nearest(&full, 10_000_000_000_500, most);
        assert_eq!(found, Nearest { below: Some(10_000_000_000_000), above: Some(10_000_000_001_000) });
        let absurd = cassettes(&[(i64::MAX, most), (i64::MAX - 1, most)]);
        assert_eq!(least_notes(&absurd, i64::MAX, most), Some(vec![1, 0]));
        assert_eq!(nearest(&absurd, i64::MAX, 1), Nearest { below: Some(i64::MAX - 1), above: None });
        assert_eq!(even(&absurd, i64::MAX, most), Some(vec![1, 0]));
    }

    #[test]
    fn takes_more_cassettes_than_it_keeps_inline() {
        let many: Vec<_> = (1..=40).map(|n| Cassette { denomination: 7 * n, count: 1 }).collect();
        let mix = least_notes(&many, 7 * 820, 40).unwrap();
        assert_eq!(mix, [1; 40]);
        assert_eq!(least_notes(&many, 7 * 79, 40).unwrap().iter().sum::<u32>(), 2);
        assert_eq!(least_notes(&many, 7 * 821, 40), None);
    }

    #[test]
    fn needs_no_memory_for_ordinary_machines() {
        let machines: [&[(i64, u32)]; 6] = [
            &[(5_000, 100), (2_000, 200), (1_000, 100)],
            &[(5_000, 2_000), (2_000, 2_000)],
            &[(10_000, 500), (5_000, 500), (2_000, 500), (1_000, 500)],
            &[(10_000, 2), (5_000, 3), (2_000, 500), (1_000, 4)],
            &[(50_000, 9), (20_000, 9), (10_000, 99), (5_000, 99), (2_000, 99), (1_000, 9), (500, 9)],
            &[(2_000, 2_000), (2_000, 2_000), (500, 2_000)],
        ];
        for machine in machines {
            for amount in (500..=200_000).step_by(500) {
                let (mut search, holdings) = (Search::default(), cassettes(machine));
                search.fewest(Stock::new(holdings.into_iter(), 40).notes(), amount, 40);
                assert!(search.known.is_empty(), "{amount} from {machine:?} took {} steps", search.visits);
            }
        }
    }

    #[test]
    fn remembers_a_rest_apart_for_each_set_of_notes_left() {
        let holdings = cassettes(&[(25, 1), (20, 2), (15, 2)]);
        let (mut search, mut stock) = (remembering(), Stock::new(holdings.into_iter(), 9));
        assert_eq!(search.fewest(stock.notes(), 50, 9), Some(3), "25 cannot be paid by the smaller notes");
        assert_eq!(search.fewest(stock.notes(), 25, 2), Some(1), "but by all of them");
    }

    #[test]
    fn gives_up_on_absurd_denominations_instead_of_hanging() {
        let value = |n: i64| 2 * (1_000_003 * (n + 40) + n * n * 7_919);
        let mut absurd: Vec<_> = (0..12).map(|n| Cassette { denomination: value(n), count: 900 }).collect();
        absurd.push(Cassette { denomination: 3, count: 1 });
        let wanted = 2_345_678_900;
        let mut search = Search::default();
        search.fewest(Stock::new(absurd.iter().copied(), 200).notes(), wanted, 200);
        assert_eq!(search.visits, MOST_VISITS);
        for mix in [least_notes(&absurd, wanted, 200), even(&absurd, wanted, 200)].iter().flatten() {
            assert_eq!(paid(&absurd, mix), wanted);
        }
        let found = nearest(&absurd, wanted, 200);
        assert!(found.below < Some(wanted) && found.above.is_none_or(|above| above > wanted));
    }

    /// A search that remembers from its first step, as others do only after many.
    fn remembering() -> Search {
        Search { visits: VISITS_WITHOUT_MEMORY, ..Search::default() }
    }

    /// Every mix there is, by trying all of them.
    fn all_mixes(cassettes: &[Cassette], max_notes: u32) -> Vec<Vec<u32>> {
        let mut mixes = vec![vec![]];
        for cassette in cassettes {
            let longer = |mix: &Vec<u32>, taken| mix.iter().copied().chain([taken]).collect::<Vec<_>>();
            mixes = mixes.iter().flat_map(|mix| (0..=cassette.count).map(move |n| longer(mix, n))).collect();
        }
        mixes.retain(|mix| mix.iter().sum::<u32>() <= max_notes);
        mixes
    }

    /// The largest share of a mix over the common multiple of all counts up to 4, so that it is a whole number.
    fn largest_twelfth(cassettes: &[Cassette], mix: &[u32]) -> u32 {
        let shares = cassettes.iter().zip(mix).filter(|(c, _)| c.count > 0);
        shares.map(|(c, taken)| 12 / c.count * taken).max().unwrap_or(0)
    }

    /// The fewest notes for every amount, one note after the other (`u32::MAX` = not payable).
    fn fewest_by_table(cassettes: &[Cassette], highest: usize) -> Vec<u32> {
        let mut fewest = vec![u32::MAX; highest + 1];
        fewest[0] = 0;
        for cassette in cassettes {
            let value = usize::try_from(cassette.denomination).unwrap();
            for _ in 0..cassette.count {
                for amount in (value..=highest).rev() {
                    fewest[amount] = fewest[amount].min(fewest[amount - value].saturating_add(1));
                }
            }
        }
        fewest
    }

    fn few_notes() -> impl Strategy<Value = Vec<Cassette>> {
        let denomination = prop_oneof![1..=5i64, 1..=12i64, proptest::sample::select(vec![5, 10, 20, 50, 100])];
        let cassette = (denomination, 0..=4u32).prop_map(|(denomination, count)| Cassette { denomination, count });
        proptest::collection::vec(cassette, 0..=4)
    }

    fn amount() -> impl Strategy<Value = i64> {
        prop_oneof![1..=30i64, 1..=140i64]
    }

    fn many_notes() -> impl Strategy<Value = Vec<Cassette>> {
        let denomination = prop_oneof![1..=60i64, proptest::sample::select(vec![5, 10, 20, 50, 100])];
        let cassette = (denomination, 0..=50u32).prop_map(|(denomination, count)| Cassette { denomination, count });
        proptest::collection::vec(cassette, 1..=5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn finds_what_an_exhaustive_search_finds(holdings in few_notes(), amount in amount(), max_notes in 0..=17u32) {
            let all = all_mixes(&holdings, max_notes);
            let paying = || all.iter().filter(|mix| paid(&holdings, mix) == amount);
            let notes = |mix: &Vec<u32>| mix.iter().sum::<u32>();

            let least = least_notes(&holdings, amount, max_notes);
            prop_assert_eq!(least.as_ref().map(notes), paying().map(notes).min());
            if let Some(mix) = &least {
                prop_assert!(paying().any(|possible| possible == mix));
            }

            let even = even(&holdings, amount, max_notes);
            let measure = |mix: &Vec<u32>| (largest_twelfth(&holdings, mix), notes(mix));
            prop_assert_eq!(even.as_ref().map(measure), paying().map(measure).min());
            if let Some(mix) = &even {
                prop_assert!(paying().any(|possible| possible == mix));
            }

            prop_assert_eq!(&even_by(&mut remembering(), &holdings, amount, max_notes), &even);

            let found = nearest(&holdings, amount, max_notes);
            prop_assert_eq!(nearest_by(&mut remembering(), &holdings, amount, max_notes), found);
            let payable = || all.iter().map(|mix| paid(&holdings, mix)).filter(|paid| *paid > 0);
            prop_assert_eq!(found.below, payable().filter(|paid| *paid < amount).max());
            prop_assert_eq!(found.above, payable().filter(|paid| *paid > amount).min());
        }

        #[test]
        fn prefers_large_notes_among_equally_many(holdings in few_notes(), amount in amount()) {
            let large_first = |mix: &Vec<u32>| (mix.iter().sum::<u32>(), Reverse(notes(&holdings, mix)));
            let best = all_mixes(&holdings, 16).into_iter().filter(|mix| paid(&holdings, mix) == amount).min_by_key(large_first);
            let found = least_notes(&holdings, amount, 16);
            prop_assert_eq!(found.map(|mix| notes(&holdings, &mix)), best.map(|mix| notes(&holdings, &mix)));
        }

        #[test]
        fn adds_up_notes_by_denomination(holdings in few_notes()) {
            let everything: Vec<_> = holdings.iter().map(|c| c.count).collect();
            let notes = notes(&holdings, &everything);
            prop_assert!(notes.windows(2).all(|pair| pair[0].0 > pair[1].0));
            prop_assert!(notes.iter().all(|(_, count)| *count > 0));
            let value: i64 = notes.iter().map(|(denomination, count)| denomination * i64::from(*count)).sum();
            prop_assert_eq!(value, paid(&holdings, &everything));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn finds_what_a_table_finds(holdings in many_notes(), amounts in proptest::collection::vec(1..=2_000usize, 20), max_notes in 0..=120u32) {
            let table = fewest_by_table(&holdings, 4_000);
            let mut stock = Stock::new(holdings.iter().copied(), max_notes);
            let mut search = remembering();
            let payable = |amount: &usize| table[*amount] <= max_notes;
            for amount in amounts {
                let wanted = i64::try_from(amount).unwrap();
                let least = least_notes(&holdings, wanted, max_notes);
                let fewest = Some(table[amount]).filter(|fewest| *fewest <= max_notes);
                prop_assert_eq!(least.as_ref().map(|mix| mix.iter().sum::<u32>()), fewest);
                // A narrow limit first teaches something that must not spoil the answer under the wide one.
                for limit in [max_notes / 3, max_notes] {
                    let found = search.fewest(stock.notes(), wanted, i64::from(limit));
                    prop_assert_eq!(found, fewest.filter(|fewest| *fewest <= limit).map(i64::from));
                }
                for mix in least.iter().chain(&even(&holdings, wanted, max_notes)) {
                    prop_assert_eq!(paid(&holdings, mix), wanted);
                    prop_assert!(mix.iter().zip(&holdings).all(|(taken, c)| *taken <= c.count));
                }
                let found = nearest(&holdings, wanted, max_notes);
                let below = (1..amount).rev().find(payable).map(|amount| i64::try_from(amount).unwrap());
                let above = (amount + 1..4_000).find(payable).map(|amount| i64::try_from(amount).unwrap());
                prop_assert_eq!(found, Nearest { below, above });
            }
        }
    }
}
