//! Changes to inputs, for the short run in the tests: blind to coverage, repeatable from a seed.

/// Longest input that is made.
const LONGEST: usize = 16 * 1024;

/// Bytes that parsers often treat apart.
const ODD: &[u8] = b"\0\t\n\r \"#%&'+,-./0123456789:;=?@AZ[\\]_aez{}~\x7f\x80\xc3\xff";

/// A generator of numbers that look random (`SplitMix64`); the same from the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * u128::try_from(bound).expect("128 bits hold any size");
        usize::try_from(wide >> 64).expect("it is below the bound")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// An input made from one of the seeds by a few changes.
pub fn mutated(dice: &mut Dice, seeds: &[Vec<u8>], dictionary: &[&str]) -> Vec<u8> {
    let mut input = dice.one_of(seeds).clone();
    for _ in 0..=dice.below(4) {
        change(dice, &mut input, seeds, dictionary);
    }
    input.truncate(LONGEST);
    input
}

fn change(dice: &mut Dice, input: &mut Vec<u8>, seeds: &[Vec<u8>], dictionary: &[&str]) {
    let (from, to) = span(dice, input.len());
    let at = dice.below(input.len() + 1);
    match dice.below(9) {
        0 if !input.is_empty() => input[at.min(from)] ^= 1 << dice.below(8),
        1 if !input.is_empty() => input[from] = *dice.one_of(ODD),
        2 => input.insert(at, dice.byte()),
        3 => drop(input.drain(from..to)),
        4 => {
            let again = input[from..to].to_vec();
            input.splice(at..at, again);
        }
        5 if !dictionary.is_empty() => {
            let word = dice.one_of(dictionary).bytes();
            input.splice(at..at, word);
        }
        6 if !dictionary.is_empty() => {
            let word = dice.one_of(dictionary).bytes();
            input.splice(from..to, word);
        }
        7 => {
            let other = dice.one_of(seeds);
            let (start, end) = span(dice, other.len());
            input.splice(from..to, other[start..end].iter().copied());
        }
        _ => digits(dice, input),
    }
}

/// Part of `0..length`, not empty if that is not.
fn span(dice: &mut Dice, length: usize) -> (usize, usize) {
    if length == 0 {
        return (0, 0);
    }
    let from = dice.below(length);
    (from, from + 1 + dice.below((length - from).min(64)))
}

/// Puts another number where a digit stands.
fn digits(dice: &mut Dice, input: &mut Vec<u8>) {
    const NUMBERS: [&str; 12] = [
        "0",
        "-1",
        "255",
        "500",
        "501",
        "65536",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "10000000000000.00",
        "1e308",
    ];
    let places: Vec<_> = (0..input.len()).filter(|at| input[*at].is_ascii_digit()).collect();
    if !places.is_empty() {
        let at = *dice.one_of(&places);
        let end = (at..input.len()).find(|at| !input[*at].is_ascii_digit()).unwrap_or(input.len());
        input.splice(at..end, dice.one_of(&NUMBERS).bytes());
    }
}
