//! Names of requests: who asks under which key, and what they ask for, as digests that are kept for ever.
//!
//! The bank only computes them; whether a key was used, and for what, is compared by `decide`. What both digests are
//! taken over is a promise to every request that was ever recorded: changing it makes old keys unknown.

use cashpoint_core::id::{AccountNumber, CustomerId, MachineId, OperatorId, RequestId};
use cashpoint_core::money::Decimal;
use sha2::{Digest, Sha256};

use crate::bank::Bank;

/// Within what a key is unique.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// One customer, over all sessions.
    Customer(CustomerId),
    /// One terminal.
    Terminal(MachineId),
    /// One member of staff.
    Operator(OperatorId),
    /// The sandbox's teller surface.
    Teller,
}

/// What a request asks for, in canonical form: two requests that ask for the same have equal content.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Which operation.
    pub kind: &'static str,
    /// The account it is about.
    pub account: Option<AccountNumber>,
    /// How much; equal figures are equal however they were written.
    pub amount: Option<Decimal>,
    /// The other account.
    pub target: Option<AccountNumber>,
    /// The machine as the request names it.
    pub atm_id: Option<&'a str>,
    /// Everything else, as [`Canonical`] writes it.
    pub rest: &'a str,
}

impl<'a> Content<'a> {
    /// Content of which nothing but `rest` is given.
    #[must_use]
    pub const fn of(kind: &'static str, rest: &'a str) -> Self {
        Self { kind, account: None, amount: None, target: None, atm_id: None, rest }
    }
}

/// Writes fields one after the other so that no two lists of fields give the same text.
#[derive(Clone, Debug, Default)]
pub struct Canonical(String);

impl Canonical {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// One more field.
    #[must_use]
    pub fn field(self, text: &str) -> Self {
        Self(format!("{}{}:{text},", self.0, text.len()))
    }

    /// One more field, which may be absent; that is not the same as empty.
    #[must_use]
    pub fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.field(text),
            None => Self(format!("{}-,", self.0)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a request: the first 16 bytes of SHA-256 over scope and key, and over the content.
#[must_use]
pub fn request_id(scope: Scope, key: &str, content: &Content<'_>) -> RequestId {
    RequestId { key: half(named(scope, key)), content: half(asked(content)) }
}

impl Bank {
    /// As [`request_id`].
    #[must_use]
    pub fn request_id(&self, scope: Scope, key: &str, content: &Content<'_>) -> RequestId {
        request_id(scope, key, content)
    }
}

/// The first byte says how long the scope is, so where the key begins is never in doubt.
fn named(scope: Scope, key: &str) -> Sha256 {
    let mut hash = Sha256::new();
    match scope {
        Scope::Customer(id) => {
            hash.update(b"c");
            hash.update(id.number().to_be_bytes());
        }
        Scope::Terminal(id) => {
            hash.update(b"t");
            hash_text(&mut hash, id.as_str());
        }
        Scope::Operator(id) => {
            hash.update(b"o");
            hash.update(id.number().to_be_bytes());
        }
        Scope::Teller => hash.update(b"s"),
    }
    hash.update(key.as_bytes());
    hash
}

fn asked(content: &Content<'_>) -> Sha256 {
    let mut hash = Sha256::new();
    hash_text(&mut hash, content.kind);
    for account in [content.account, content.target] {
        hash.update([u8::from(account.is_some())]);
        hash.update(account.map_or(0, AccountNumber::number).to_be_bytes());
    }
    let amount = content.amount.map(Decimal::canonical);
    for text in [amount.as_deref(), content.atm_id] {
        hash.update([u8::from(text.is_some())]);
        hash_text(&mut hash, text.unwrap_or_default());
    }
    hash.update(content.rest.as_bytes());
    hash
}

fn hash_text(hash: &mut Sha256, text: &str) {
    let length = u64::try_from(text.len()).expect("no text is longer than 2^64");
    hash.update(length.to_be_bytes());
    hash.update(text.as_bytes());
}

fn half(hash: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hash.finalize().into();
    *digest.first_chunk().expect("a digest has more than 16 bytes")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn content() -> Content<'static> {
        let amount = Decimal::parse("100").ok();
        Content {
            kind: "withdraw",
            account: Some(AccountNumber::new(10_001)),
            amount,
            target: None,
            atm_id: None,
            rest: "",
        }
    }

    #[test]
    fn keeps_scopes_apart_that_share_a_key() {
        let scopes = [
            Scope::Customer(CustomerId::new(1)),
            Scope::Customer(CustomerId::new(2)),
            Scope::Operator(OperatorId::new(1)),
            Scope::Terminal(MachineId::parse("ATM1").unwrap()),
            Scope::Terminal(MachineId::parse("ATM12").unwrap()),
            Scope::Teller,
        ];
        let keys: BTreeSet<_> = scopes.iter().map(|scope| request_id(*scope, "2k", &content()).key).collect();
        assert_eq!(keys.len(), scopes.len());
        let moved = request_id(scopes[3], "2k", &content());
        assert_ne!(moved.key, request_id(scopes[4], "k", &content()).key, "the scope's end is marked");
    }

    #[test]
    fn takes_equal_figures_for_equal_however_they_are_written() {
        let id = |text| request_id(Scope::Teller, "k", &Content { amount: Decimal::parse(text).ok(), ..content() });
        assert_eq!(id("100"), id("100.00"));
        assert_eq!(id("100").content, id("100.0").content);
        assert_ne!(id("100").content, id("100.01").content);
    }

    #[test]
    fn sees_every_field_of_the_content() {
        let account = Some(AccountNumber::new(10_002));
        let variants = [
            content(),
            Content { kind: "deposit", ..content() },
            Content { account, ..content() },
            Content { account: None, ..content() },
            Content { target: account, ..content() },
            Content { account: account.filter(|_| false), target: content().account, ..content() },
            Content { amount: None, ..content() },
            Content { amount: None, atm_id: Some("100"), ..content() },
            Content { atm_id: Some(""), ..content() },
            Content { atm_id: Some("ATM1"), ..content() },
            Content { rest: "ATM1", ..content() },
        ];
        let ids: BTreeSet<_> = variants.iter().map(|content| request_id(Scope::Teller, "k", content).content).collect();
        assert_eq!(ids.len(), variants.len());
    }

    #[test]
    fn writes_different_fields_differently() {
        let texts = [
            Canonical::new().field("a").field("b"),
            Canonical::new().field("a,1:b"),
            Canonical::new().field("ab"),
            Canonical::new().field("").field("ab"),
            Canonical::new().maybe(None).field("ab"),
            Canonical::new().field("-").field("ab"),
        ];
        let distinct: BTreeSet<_> = texts.iter().map(Canonical::as_str).collect();
        assert_eq!(distinct.len(), texts.len());
    }

    #[test]
    fn keeps_the_promise_to_requests_already_recorded() {
        let id =
            request_id(Scope::Customer(CustomerId::new(7)), "key-1", &Content { atm_id: Some("ATM1"), ..content() });
        let hex = |bytes: [u8; 16]| data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(
            (hex(id.key), hex(id.content)),
            ("6f6bc2585ef0100d7fc92e7ed59f6cbd".to_owned(), "7726ad0b57b10f72eb48ce87675a53cf".to_owned())
        );
    }
}
