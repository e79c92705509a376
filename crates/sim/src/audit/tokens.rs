//! By whose leave a machine's notes move: what each token of the host's allows, what was done by it, and which lease stands.
//!
//! A lease is for one nonce of the dispenser's. A machine that tells another one, with nothing left to tell besides, has let go of
//! it, and the host may give that much to others.

use std::collections::BTreeMap;

use cashpoint_core::terminal::device::Nonce;
use cashpoint_core::terminal::link::{Heartbeat, Lease};
use cashpoint_core::time::Timestamp;

/// A machine's tokens. Minor units throughout.
#[derive(Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, Token>,
    held: Option<Held>,
}

/// The lease that came last.
struct Held {
    nonce: Nonce,
    amount: i64,
    until: Timestamp,
}

/// What a token allows, and what was done by it.
struct Token {
    most: i64,
    serves: Serves,
    /// What was ordered by it, where notes moved.
    ordered: i64,
    /// How often they did.
    dispenses: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Serves {
    Approval,
    Lease,
}

impl Tokens {
    /// One that is for an approval.
    pub(super) fn approve(&mut self, token: &str, most: i64) {
        self.give(token, most, Serves::Approval);
    }

    /// One that is for cash which nobody asks for.
    pub(super) fn lease(&mut self, Lease { nonce, token, amount, until, .. }: &Lease) {
        let (nonce, amount, until) = (*nonce, amount.minor(), *until);
        self.give(&token.0, amount, Serves::Lease);
        self.held = Some(Held { nonce, amount, until });
    }

    fn give(&mut self, token: &str, most: i64, serves: Serves) {
        let new = || Token { most, serves, ordered: 0, dispenses: 0 };
        self.given.entry(token.to_owned()).or_insert_with(new);
    }

    /// The machine gives a sign of life.
    pub(super) fn told(&mut self, told: &Heartbeat) {
        if let Some(nonce) = told.nonce.filter(|_| told.waiting == 0) {
            self.held.take_if(|held| held.nonce != nonce);
        }
    }

    /// What the machine may pay unasked.
    pub(super) fn standing(&self, now: Timestamp) -> Option<i64> {
        self.held.as_ref().filter(|held| now < held.until).map(|held| held.amount)
    }

    /// Notes left the cassettes by a token's leave, for so much: what is wrong with that, if something is.
    pub(super) fn dispensed(&mut self, token: &str, amount: i64) -> Option<String> {
        let Some(Token { most, serves, ordered, dispenses }) = self.given.get_mut(token) else {
            return Some(format!("{amount} left by a token that the host did not give"));
        };
        *ordered += amount;
        *dispenses += 1;
        let twice = *serves == Serves::Approval && *dispenses > 1;
        (twice || *ordered > *most).then(|| format!("{ordered} of {most} ordered, in {dispenses} dispenses"))
    }
}

#[cfg(test)]
mod tests {
    use cashpoint_core::currency::Currency;
    use cashpoint_core::money::Amount;
    use cashpoint_core::terminal::device::DispenseToken;
    use cashpoint_core::terminal::link::Availability;

    use super::*;

    const UNTIL: Timestamp = Timestamp::EPOCH.plus_s(60);

    fn lease(nonce: u8) -> Lease {
        Lease {
            nonce: Nonce([nonce; 16]),
            token: DispenseToken(format!("lease {nonce}")),
            amount: Amount::new(500_00, Currency::USD),
            until: UNTIL,
            present_nonces: Vec::new(),
        }
    }

    fn alive(nonce: u8, waiting: u32) -> Heartbeat {
        Heartbeat {
            service: Availability::In,
            devices: Vec::new(),
            counters: None,
            settings: 1,
            hot_list: 1,
            nonce: Some(Nonce([nonce; 16])),
            pin_key: None,
            waiting,
            carried_out: Vec::new(),
            exchange: None,
        }
    }

    #[test]
    fn a_lease_stands_until_its_machine_tells_another_nonce() {
        let mut tokens = Tokens::default();
        tokens.lease(&lease(1));
        assert_eq!((tokens.standing(Timestamp::EPOCH), tokens.standing(UNTIL)), (Some(500_00), None));
        for held in [alive(1, 0), alive(2, 1)] {
            tokens.told(&held);
            assert_eq!(tokens.standing(Timestamp::EPOCH), Some(500_00), "what waits is not told yet");
        }
        tokens.told(&alive(2, 0));
        assert_eq!(tokens.standing(Timestamp::EPOCH), None);
    }
}
