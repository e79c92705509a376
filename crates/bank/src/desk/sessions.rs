//! Beginning, seeing and ending sessions. Known and unknown identities cost the same work and get the same answer.

use cashpoint_core::card::PinKey;
use cashpoint_core::command::{
    Command, LogInOnline, LogInOperator, LogInWithCard, LogOut, Match, NewSession, PasswordCheck, PinEntry, Standing,
};
use cashpoint_core::customer::PasswordHash;
use cashpoint_core::facts::{Facts, Keys};
use cashpoint_core::id::{CardId, CustomerId, Index, MachineId, SessionId};
use cashpoint_core::outcome::{Done, Refusal};
use cashpoint_core::session::{Session, SessionState, Subject};
use cashpoint_core::time::Timestamp;

use super::accounts::{AccountView, accounts_of};
use super::reading::{anyone, holder, living};
use super::{Stop, answered, defect, prepared, unexpected};
use crate::bank::{Answered, Bank};
use crate::keys::{KeyPurpose, KeyStore, MacPurpose};
use crate::personal::{VersionedIndex, card_indexes, email_indexes};
use crate::pin;
use crate::secret::{Pan, Password, Pin};
use crate::store::Reads;
use crate::tokens::Token;

/// A session that began, as its holder is told. Holds a name, so it cannot be printed.
pub struct LoggedIn {
    /// Proves the session; told this once.
    pub token: Token,
    /// The session.
    pub session: Session,
    /// When it ends if nothing happens.
    pub expires: Timestamp,
    /// It ends after this long without activity.
    pub idle_s: u32,
    /// The customer and their name; none for staff.
    pub customer: Option<(CustomerId, String)>,
    /// The card, of a card's session.
    pub card: Option<CardId>,
    /// The accounts within reach, the primary one first.
    pub accounts: Vec<AccountView>,
}

/// A session as it stands. Holds a name, so it cannot be printed.
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// When it ends if nothing more happens.
    pub expires: Timestamp,
    /// It ends after this long without activity.
    pub idle_s: u32,
    /// The customer and their name; none for staff.
    pub customer: Option<(CustomerId, String)>,
    /// The card, of a card's session.
    pub card: Option<CardId>,
    /// The accounts within reach, the primary one first.
    pub accounts: Vec<AccountView>,
}

impl Bank {
    /// A card and its PIN at a machine or counter.
    ///
    /// # Errors
    /// The world failed; so everywhere on the desk.
    pub fn log_in_with_card(&self, number: Pan, pin: Pin, place: MachineId, standing: Standing) -> Answered<LoggedIn> {
        answered(self.try_log_in_with_card(&number, &pin, place, standing))
    }

    pub(crate) fn try_log_in_with_card(
        &self,
        number: &Pan,
        pin: &Pin,
        place: MachineId,
        standing: Standing,
    ) -> Result<LoggedIn, Stop> {
        let find = |indexes: &[Index]| self.look(|reads| Ok(reads.card_by_number(indexes)?));
        let pin = shown(self.inner.keys.as_ref(), number, pin, find)?;
        let (token, session) = self.new_session();
        self.begin(token, LogInWithCard { pin, place, standing, session })
    }

    /// A customer's email address and password.
    ///
    /// # Errors
    /// The world failed.
    pub fn log_in_online(&self, email: &str, password: Password) -> Answered<LoggedIn> {
        answered(prepared(|| {
            let indexes = indexes_of(&email_indexes(self.inner.keys.as_ref(), email)?);
            let identity = indexes[0];
            let found = self.look(|reads| {
                throttle(reads, identity, self.now())?;
                Ok(reads.customer_by_email(&indexes)?)
            })?;
            let check = self.compare(&password, found)?;
            let (token, session) = self.new_session();
            self.begin(token, LogInOnline { identity, check, session })
        }))
    }

    /// A member of staff.
    ///
    /// # Errors
    /// The world failed.
    pub fn log_in_operator(&self, username: &str, password: Password) -> Answered<LoggedIn> {
        answered(prepared(|| {
            let identity = name_index(self.inner.keys.as_ref(), username)?;
            let found = self.look(|reads| {
                throttle(reads, identity, self.now())?;
                Ok(reads.operator(username)?)
            })?;
            let found = found.map(|operator| ((operator.id, operator.role), Some(operator.password)));
            let check = self.compare(&password, found)?;
            let (token, session) = self.new_session();
            self.begin(token, LogInOperator { identity, check, session })
        }))
    }

    /// Ends a session; its token is dead from then on.
    ///
    /// # Errors
    /// The world failed.
    pub fn log_out(&self, session: Session) -> Answered<()> {
        answered(self.changed(LogOut { session }))
    }

    /// A session as it stands.
    ///
    /// # Errors
    /// The world failed.
    pub fn session_view(&self, session: Session) -> Answered<SessionView> {
        let now = self.now();
        answered(self.look_as(&session, anyone, |reads, ()| {
            let state = living(reads, &session, now)?;
            let (customer, accounts) = whose(reads, &session)?;
            let (expires, idle_s, card) = (session.expires(&state), session.idle_s, card_of(&session));
            Ok(SessionView { session, expires, idle_s, customer, card, accounts })
        }))
    }

    /// A token and the session that it will begin.
    pub(crate) fn new_session(&self) -> (Token, NewSession) {
        let token = Token::generate(self.inner.entropy.as_ref());
        let id = SessionId::new(self.new_number());
        let session = NewSession { id, token: token.hash() };
        (token, session)
    }

    /// Compares a password with what is stored. Exactly one evaluation, whether there is anything to compare with or not.
    pub(super) fn compare<Id>(
        &self,
        password: &Password,
        found: Option<(Id, Option<PasswordHash>)>,
    ) -> Result<Option<PasswordCheck<Id>>, Stop> {
        let passwords = &self.inner.passwords;
        match found {
            Some((of, Some(hash))) => {
                let same = passwords.verify(password, &hash.phc)?;
                let matched = if same { Match::Same } else { Match::Different };
                Ok(Some(PasswordCheck { of, version: hash.version, matched }))
            }
            Some((of, None)) => {
                passwords.verify_dummy(password)?;
                Ok(Some(PasswordCheck { of, version: 0, matched: Match::Different }))
            }
            None => {
                passwords.verify_dummy(password)?;
                Ok(None)
            }
        }
    }

    /// Sends a log-in and tells what it began.
    fn begin(&self, token: Token, command: impl Into<Command>) -> Result<LoggedIn, Stop> {
        match self.done(command)? {
            (Done::LoggedIn(session), _) => self.welcome(token, session),
            (done, _) => Err(unexpected(&done)),
        }
    }

    /// What the holder of a session that just began is told.
    pub(super) fn welcome(&self, token: Token, session: Session) -> Result<LoggedIn, Stop> {
        self.remember(session);
        let (customer, accounts) = self.look(|reads| whose(reads, &session))?;
        let fresh = SessionState { id: session.id, active: session.began, generation: 0, ended: None };
        let (expires, idle_s, card) = (session.expires(&fresh), session.idle_s, card_of(&session));
        Ok(LoggedIn { token, session, expires, idle_s, customer, card, accounts })
    }
}

/// A card shown with a PIN: the same work for a number that some card has and for one that none has.
fn shown(
    keys: &dyn KeyStore,
    number: &Pan,
    pin: &Pin,
    find: impl FnOnce(&[Index]) -> Result<Option<CardId>, Stop>,
) -> Result<PinEntry, Stop> {
    let indexes = indexes_of(&card_indexes(keys, number)?);
    let key = find(&indexes)?.map_or(PinKey::Unknown(indexes[0]), PinKey::Card);
    pin_entry(keys, key, pin)
}

/// What a PIN makes under every live key, the current one first.
pub(super) fn pin_entry(keys: &dyn KeyStore, key: PinKey, entered: &Pin) -> Result<PinEntry, Stop> {
    let mut candidates = pin::candidates(keys, key, entered)?;
    candidates.reverse();
    Ok(PinEntry { key, candidates })
}

/// The index under which an operator name's tries are counted.
pub(super) fn name_index(keys: &dyn KeyStore, name: &str) -> Result<Index, Stop> {
    let version = keys.current_version(KeyPurpose::Mac(MacPurpose::EmailIndex))?;
    Ok(keys.mac(MacPurpose::EmailIndex, version, &[b"operator", name.as_bytes()])?)
}

/// The indexes alone, the current key's first.
pub(super) fn indexes_of(versions: &[VersionedIndex]) -> Vec<Index> {
    assert!(!versions.is_empty(), "a key store always has a current key");
    versions.iter().rev().map(|version| version.index).collect()
}

/// Refuses before any password work is done for an identity that has no try left. Nothing is taken here: the try is
/// counted when the log-in is decided.
pub(super) fn throttle(reads: &mut dyn Reads, identity: Index, now: Timestamp) -> Result<(), Stop> {
    let mut keys = Keys::default();
    keys.tries.insert(identity);
    let mut facts = Facts::default();
    reads.load(&keys, &mut facts)?;
    let (_, policy) = reads.policy()?;
    let tries = facts.tries.find(&identity).copied().unwrap_or_default();
    match tries.take(now, policy.password_burst, policy.password_per_minute) {
        Ok(_) => Ok(()),
        Err(retry_after_s) => Err(Refusal::TooManyRequests { retry_after_s }.into()),
    }
}

fn card_of(session: &Session) -> Option<CardId> {
    match session.subject {
        Subject::Card { card, .. } => Some(card),
        Subject::Online { .. } | Subject::Operator { .. } => None,
    }
}

/// A session's customer by name, and the accounts it reaches.
type Whose = (Option<(CustomerId, String)>, Vec<AccountView>);

/// Whose a session is; nothing for staff.
fn whose(reads: &mut dyn Reads, session: &Session) -> Result<Whose, Stop> {
    let Ok(holder) = holder(session) else {
        return Ok((None, Vec::new()));
    };
    let (profile, _) = reads.customer(holder.customer)?.ok_or_else(|| defect("a session's customer is not there"))?;
    let accounts = accounts_of(reads, holder)?;
    Ok((Some((holder.customer, profile.name)), accounts))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use zeroize::Zeroizing;

    use super::*;
    use crate::keys::{KeyError, WrappedKey};

    /// Two live keys of every purpose, and a record of what was asked of them.
    #[derive(Default)]
    struct Observed(Mutex<Vec<(MacPurpose, u32, usize)>>);

    impl KeyStore for Observed {
        fn current_version(&self, _: KeyPurpose) -> Result<u32, KeyError> {
            Ok(2)
        }

        fn live_versions(&self, _: KeyPurpose) -> Result<Vec<u32>, KeyError> {
            Ok(vec![1, 2])
        }

        fn mac(&self, purpose: MacPurpose, version: u32, parts: &[&[u8]]) -> Result<[u8; 32], KeyError> {
            self.0.lock().unwrap().push((purpose, version, parts.len()));
            let sum =
                parts.concat().iter().fold(version, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
            let mut mac = [0; 32];
            mac[..4].copy_from_slice(&sum.to_be_bytes());
            Ok(mac)
        }

        fn wrap(&self, _: &[u8], _: &[u8; 32]) -> Result<WrappedKey, KeyError> {
            Err(KeyError::NotAuthentic)
        }

        fn unwrap(&self, _: &[u8], _: &WrappedKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
            Err(KeyError::NotAuthentic)
        }
    }

    #[test]
    fn does_the_same_work_for_a_known_and_an_unknown_number() {
        let (number, pin) = (Pan::parse("4532123456789012").unwrap(), Pin::parse("1234").unwrap());
        let work = |found: Option<CardId>| {
            let keys = Observed::default();
            let entry = shown(&keys, &number, &pin, |_| Ok(found)).map_err(|_| "no key fails here").unwrap();
            (entry, keys.0.into_inner().unwrap())
        };
        let (known, of_known) = work(Some(CardId::new(7)));
        let (unknown, of_unknown) = work(None);
        assert_eq!(of_known, of_unknown);
        assert_eq!(of_known.len(), 4, "number and PIN under both live keys");
        assert_eq!(known.key, PinKey::Card(CardId::new(7)));
        let versions =
            |entry: &PinEntry| entry.candidates.iter().map(|candidate| candidate.version).collect::<Vec<_>>();
        assert_eq!((versions(&known), versions(&unknown)), (vec![2, 1], vec![2, 1]), "the current key first");
    }

    #[test]
    fn counts_an_unknown_number_under_the_current_keys_index() {
        let keys = Observed::default();
        let (number, pin) = (Pan::parse("4532123456789012").unwrap(), Pin::parse("1234").unwrap());
        let current = keys.mac(MacPurpose::CardIndex, 2, &[number.expose().as_bytes()]).unwrap();
        let entry = shown(&keys, &number, &pin, |_| Ok(None)).map_err(|_| "no key fails here").unwrap();
        assert_eq!(entry.key, PinKey::Unknown(current));
    }
}
