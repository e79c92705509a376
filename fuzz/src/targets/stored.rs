//! What comes back from the bank's own files: recorded answers, policies, password hashes, the key file.
//!
//! What holds: what can be read is written so that it is read back as the same; and a complaint about a key file
//! does not repeat a key.

use std::sync::LazyLock;

use cashpoint_bank::entropy::SeededEntropy;
use cashpoint_bank::fuzzing;
use cashpoint_bank::password::{PasswordLimits, Passwords};
use cashpoint_bank::secret::Password;
use cashpoint_wire::problem::Problem;

use crate::Target;

/// See the module.
pub(crate) const TARGET: Target = Target {
    name: "stored",
    check,
    finish: || {},
    dictionary: &[
        "USD",
        "JPY",
        "ATM1",
        "admin",
        "pin_tries=",
        "time_zone=",
        "=off\n",
        "withdrawal_limit=",
        "\n",
        "\r",
        "$argon2id$v=19$",
        "m=8,t=1,p=1$",
        "$argon2i$",
        "$argon2d$v=16$",
        "format = 1\n",
        "master = \"",
        "[[key]]\n",
        "purpose = \"pin-verifier\"\n",
        "purpose = \"personal-data-wrap\"\n",
        "version = 1\n",
        "sealed = \"",
        "\"\"\"",
        "\u{80}",
        "\u{1}",
    ],
};

fn check(bytes: &[u8]) {
    if let Ok(outcome) = fuzzing::read_outcome(bytes) {
        let written = fuzzing::write_outcome(&outcome).expect("what was recorded can be recorded");
        assert!(written.len() <= bytes.len(), "{written:?} is longer than it was");
        assert_eq!(fuzzing::read_outcome(&written).as_ref(), Ok(&outcome));
        if let Err(refusal) = outcome {
            assert!(!Problem::from(refusal).to_json("id").is_empty());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(policy) = fuzzing::read_policy(text) {
        assert_eq!(fuzzing::read_policy(&fuzzing::write_policy(&policy)), Ok(policy));
    }
    password(text);
    keys(text);
}

/// A stored hash names its own cost; only cheap ones are computed here.
fn password(stored: &str) {
    static PASSWORDS: LazyLock<Passwords> =
        LazyLock::new(|| Passwords::new(PasswordLimits::default(), &SeededEntropy::new(1)));
    let digits = stored.split(|c: char| !c.is_ascii_digit());
    let cheap = stored.split('$').nth(3).is_none_or(|cost| cost.len() <= 16) && digits.clone().count() < 200;
    let longest =
        stored.split('$').take(4).flat_map(|part| part.split(|c: char| !c.is_ascii_digit())).map(str::len).max();
    if cheap && longest.is_none_or(|longest| longest <= 2) {
        let guess = Password::attempt("a guess").expect("it is short");
        let right = PASSWORDS.verify(&guess, stored);
        assert_ne!(right, Ok(true), "{stored:?} takes a password that nobody hashed");
    }
}

fn keys(text: &str) {
    let entropy = SeededEntropy::new(1);
    match fuzzing::rewrite_key_file(text, &entropy) {
        Ok(again) => {
            let third = fuzzing::rewrite_key_file(&again, &entropy).expect("what was written can be read");
            assert_eq!(third.len(), again.len());
        }
        Err(complaint) => {
            let key = |run: &str| run.len() >= 64 && run.bytes().all(|b| b.is_ascii_hexdigit());
            let shown = complaint.split(|c: char| !c.is_ascii_hexdigit()).any(key);
            assert!(!shown, "a complaint repeats what may be a key: {complaint}");
        }
    }
}
