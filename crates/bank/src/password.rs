//! Passwords: slow hashes, a few at a time, and the same work whoever asks.
//!
//! Argon2id (RFC 9106) with 19 MiB, two passes and one lane, stored as a PHC string that names its own parameters. An
//! evaluation takes memory and tens of milliseconds, so it runs off the money path, only so many run at once, and who
//! would wait too long is told so. Counting wrong tries and deciding what follows is not done here.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;

use crate::entropy::{Entropy, random_bytes};
use crate::secret::Password;

/// Memory, passes and lanes: the least that OWASP's Password Storage Cheat Sheet asks of Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// How much password work may run and wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLimits {
    /// Evaluations at once, at least one. Each takes 19 MiB and one processor.
    pub at_once: usize,
    /// Callers that may wait beyond those.
    pub waiting: usize,
    /// How long one of them waits.
    pub patience: Duration,
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self { at_once: 2, waiting: 64, patience: Duration::from_secs(2) }
    }
}

/// Makes and checks password hashes.
#[derive(Debug)]
pub struct Passwords {
    limits: PasswordLimits,
    queue: Mutex<Queue>,
    freed: Condvar,
    evaluations: AtomicU64,
    dummy: String,
}

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    waiting: usize,
}

/// Why a password was not evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Too many evaluations run and wait; trying again a little later helps.
    Overloaded,
    /// What is stored is not an Argon2 hash.
    MalformedHash,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Overloaded => "too many passwords are being checked at once",
            Self::MalformedHash => "the stored password hash cannot be read",
        })
    }
}

impl std::error::Error for PasswordError {}

impl Passwords {
    /// Password work within these limits.
    ///
    /// # Panics
    /// If none may run at once.
    #[must_use]
    pub fn new(limits: PasswordLimits, entropy: &dyn Entropy) -> Self {
        assert!(limits.at_once > 0, "no password could ever be checked");
        // A hash that no password is known for, with the parameters of real ones.
        let salt = BASE64_NOPAD.encode(&random_bytes::<SALT_BYTES>(entropy));
        let hash = BASE64_NOPAD.encode(&random_bytes::<HASH_BYTES>(entropy));
        let dummy = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}");
        Self { limits, queue: Mutex::default(), freed: Condvar::new(), evaluations: AtomicU64::new(0), dummy }
    }

    /// Hashes a new password with a fresh salt: a PHC string.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`].
    pub fn hash(&self, password: &Password, entropy: &dyn Entropy) -> Result<String, PasswordError> {
        let salt = random_bytes::<SALT_BYTES>(entropy);
        let password = password.expose().as_bytes();
        let hash = self.evaluate(|| argon2().hash_password_with_salt(password, &salt))?;
        // Parameters and salt are legal, so nothing but memory can be missing.
        hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Overloaded)
    }

    /// Whether this is the password that was hashed; compared in constant time.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn verify(&self, password: &Password, stored: &str) -> Result<bool, PasswordError> {
        let stored = PasswordHash::new(stored).map_err(|_| PasswordError::MalformedHash)?;
        if stored.salt.is_none() || stored.hash.is_none() {
            return Err(PasswordError::MalformedHash);
        }
        let password = password.expose().as_bytes();
        match self.evaluate(|| argon2().verify_password(password, &stored))? {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(HashError::OutOfMemory) => Err(PasswordError::Overloaded),
            Err(_) => Err(PasswordError::MalformedHash),
        }
    }

    /// Does the work of [`Passwords::verify`] for an identity that does not exist, so that the time of the answer
    /// does not tell.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`].
    pub fn verify_dummy(&self, password: &Password) -> Result<(), PasswordError> {
        self.verify(password, &self.dummy).map(drop)
    }

    /// How many evaluations have run.
    #[must_use]
    pub fn evaluations(&self) -> u64 {
        self.evaluations.load(Ordering::Relaxed)
    }

    fn evaluate<T>(&self, work: impl FnOnce() -> T) -> Result<T, PasswordError> {
        let _slot = self.enter()?;
        self.evaluations.fetch_add(1, Ordering::Relaxed);
        Ok(work())
    }

    fn enter(&self) -> Result<Slot<'_>, PasswordError> {
        let mut queue = self.queue.lock().expect("no holder of this lock can panic");
        if queue.running >= self.limits.at_once {
            if queue.waiting >= self.limits.waiting {
                return Err(PasswordError::Overloaded);
            }
            queue.waiting += 1;
            let full = |queue: &mut Queue| queue.running >= self.limits.at_once;
            let waited = self.freed.wait_timeout_while(queue, self.limits.patience, full);
            queue = waited.expect("no holder of this lock can panic").0;
            queue.waiting -= 1;
            if full(&mut queue) {
                return Err(PasswordError::Overloaded);
            }
        }
        queue.running += 1;
        Ok(Slot(self))
    }
}

/// Leave to run one evaluation.
struct Slot<'a>(&'a Passwords);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().expect("no holder of this lock can panic").running -= 1;
        self.0.freed.notify_one();
    }
}

fn params() -> Params {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).expect("parameters are of legal size")
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::entropy::SeededEntropy;

    const PATIENT: PasswordLimits = PasswordLimits { at_once: 1, waiting: 8, patience: Duration::from_secs(60) };

    fn passwords(limits: PasswordLimits) -> Passwords {
        Passwords::new(limits, &SeededEntropy::new(1))
    }

    fn password(text: &str) -> Password {
        Password::attempt(text).unwrap()
    }

    #[test]
    fn knows_the_right_password_alone() {
        let passwords = passwords(PasswordLimits::default());
        let stored = passwords.hash(&password("correct horse"), &SeededEntropy::new(2)).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passwords.verify(&password("correct horse"), &stored), Ok(true));
        for wrong in ["", "correct horsf", "Correct horse", "correct horse "] {
            assert_eq!(passwords.verify(&password(wrong), &stored), Ok(false), "{wrong}");
        }
    }

    #[test]
    fn salts_each_hash() {
        let (passwords, entropy) = (passwords(PasswordLimits::default()), SeededEntropy::new(2));
        let hash = || passwords.hash(&password("correct horse"), &entropy).unwrap();
        assert_ne!(hash(), hash());
    }

    /// Reference implementation of Argon2 (github.com/P-H-C/phc-winner-argon2), `src/test.c`, Argon2id version 0x13.
    #[test]
    fn verifies_the_published_example() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let passwords = passwords(PasswordLimits::default());
        assert_eq!(passwords.verify(&password("password"), stored), Ok(true));
        assert_eq!(passwords.verify(&password("differentpassword"), stored), Ok(false));
    }

    #[test]
    fn does_the_same_work_for_known_and_unknown_identities() {
        let passwords = passwords(PasswordLimits::default());
        let stored = passwords.hash(&password("correct horse"), &SeededEntropy::new(2)).unwrap();
        let before = passwords.evaluations();
        passwords.verify(&password("wrong"), &stored).unwrap();
        let for_known = passwords.evaluations() - before;
        passwords.verify_dummy(&password("wrong")).unwrap();
        assert_eq!((for_known, passwords.evaluations() - before), (1, 2));
        let parameters = |phc: &str| {
            let phc = PasswordHash::new(phc).unwrap();
            let lengths = (phc.salt.unwrap().len(), phc.hash.unwrap().len());
            (phc.algorithm, phc.version, phc.params.to_string(), lengths)
        };
        assert_eq!(parameters(&stored), parameters(&passwords.dummy));
    }

    #[test]
    fn says_that_a_stored_hash_is_broken() {
        let passwords = passwords(PasswordLimits::default());
        let broken = [
            "",
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=99$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$pbkdf2$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ];
        for stored in broken {
            let verified = passwords.verify(&password("correct horse"), stored);
            assert_eq!(verified, Err(PasswordError::MalformedHash), "{stored}");
        }
    }

    #[test]
    fn refuses_when_too_many_wait_and_when_one_waits_too_long() {
        let full = PasswordLimits { waiting: 0, ..PATIENT };
        let impatient = PasswordLimits { patience: Duration::ZERO, ..PATIENT };
        for limits in [full, impatient] {
            let passwords = passwords(limits);
            let running = passwords.enter().unwrap();
            assert_eq!(passwords.verify_dummy(&password("x")), Err(PasswordError::Overloaded));
            assert_eq!(passwords.evaluations(), 0);
            drop(running);
            assert_eq!(passwords.verify_dummy(&password("x")), Ok(()));
        }
    }

    #[test]
    fn runs_no_more_at_once_than_it_may_and_lets_all_that_wait_run() {
        let limits = PasswordLimits { at_once: 2, ..PATIENT };
        let (passwords, together) = (passwords(limits), Barrier::new(8));
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    passwords.evaluate(|| {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        (0..100).for_each(|_| std::thread::yield_now());
                        now.fetch_sub(1, Ordering::SeqCst);
                    })
                });
            }
        });
        assert_eq!(passwords.evaluations(), 8);
        assert!((1..=2).contains(&most.into_inner()));
    }

    #[test]
    fn frees_its_place_when_the_work_panics() {
        let passwords = passwords(PATIENT);
        let work = std::panic::AssertUnwindSafe(|| passwords.evaluate(|| panic!("in the work")));
        assert!(std::panic::catch_unwind(work).is_err());
        assert_eq!(passwords.verify_dummy(&password("x")), Ok(()));
    }
}
