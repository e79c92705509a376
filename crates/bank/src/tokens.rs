//! Secrets that the bank makes and a client brings back: session tokens and the secrets of channels.
//!
//! 256 random bits, written as URL-safe base64 after a short prefix that says what was found when one turns up where
//! it should not be. The bank stores their SHA-256 alone; a plain hash is enough, because nobody guesses 256 bits.

use std::fmt;
use std::marker::PhantomData;

use cashpoint_core::id::Index;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::secret::Malformed;

/// The bearer token of a session, of customers and operators alike: `cps_` and 43 characters.
pub type Token = Bearer<SessionToken>;

/// The secret half of a channel's credential (a machine's or counter's): `cpc_` and 43 characters.
pub type ChannelSecret = Bearer<ChannelCredential>;

/// What a [`Bearer`] is for.
pub trait BearerKind {
    /// What its text begins with.
    const PREFIX: &'static str;
}

/// Marks a session's token.
#[derive(Clone, Copy, Debug)]
pub enum SessionToken {}

impl BearerKind for SessionToken {
    const PREFIX: &'static str = "cps_";
}

/// Marks a channel's secret.
#[derive(Clone, Copy, Debug)]
pub enum ChannelCredential {}

impl BearerKind for ChannelCredential {
    const PREFIX: &'static str = "cpc_";
}

/// A secret that proves by being known.
pub struct Bearer<K> {
    text: Zeroizing<String>,
    kind: PhantomData<K>,
}

impl<K: BearerKind> Bearer<K> {
    /// Makes a new one.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        let length = K::PREFIX.len() + BASE64URL_NOPAD.encode_len(bytes.len());
        // Its whole room at once: growing would leave pieces behind in memory.
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(K::PREFIX);
        BASE64URL_NOPAD.encode_append(bytes.as_slice(), &mut text);
        Self { text, kind: PhantomData }
    }

    /// Reads one that a client brings.
    ///
    /// # Errors
    /// [`Malformed`] unless it is the prefix and 256 bits in canonical URL-safe base64 without padding.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let encoded = text.strip_prefix(K::PREFIX).ok_or(Malformed)?;
        if encoded.len() != BASE64URL_NOPAD.encode_len(32) {
            return Err(Malformed);
        }
        let mut bytes = Zeroizing::new([0; 33]);
        let length = BASE64URL_NOPAD.decode_len(encoded.len()).map_err(|_| Malformed)?;
        BASE64URL_NOPAD.decode_mut(encoded.as_bytes(), &mut bytes[..length]).map_err(|_| Malformed)?;
        let text = Zeroizing::new(text.to_owned());
        Ok(Self { text, kind: PhantomData })
    }

    /// SHA-256 of the text: what is stored, and looked up.
    #[must_use]
    pub fn hash(&self) -> Index {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// The text. It must not reach a log or a store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl<K> Clone for Bearer<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: BearerKind> fmt::Debug for Bearer<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}****", K::PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn writes_256_bits_and_reads_them_again() {
        let entropy = SeededEntropy::new(1);
        let token = Token::generate(&entropy);
        assert!(token.expose().starts_with("cps_") && token.expose().len() == 47);
        assert_eq!(Token::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(Token::generate(&entropy).hash(), token.hash());
        assert!(ChannelSecret::generate(&entropy).expose().starts_with("cpc_"));
    }

    #[test]
    fn reads_nothing_else() {
        let good = Token::generate(&SeededEntropy::new(1)).expose().to_owned();
        let channel = ChannelSecret::generate(&SeededEntropy::new(1)).expose().to_owned();
        let bits_beyond_the_last = format!("cps_{}B", "A".repeat(42));
        let bad = [
            "",
            "cps_",
            &good[1..],
            &good[..46],
            &format!("{good}A"),
            &format!("{good}="),
            &format!(" {good}"),
            &good.replace("cps_", "CPS_"),
            &format!("{}+", &good[..46]),
            &bits_beyond_the_last,
            &channel,
            &format!("cps_{}", "é".repeat(22)),
        ];
        for text in bad {
            assert_eq!(Token::parse(text).unwrap_err(), Malformed, "{text}");
        }
    }

    #[test]
    fn hashes_the_text_as_it_is_sent() {
        let zeros = Token::parse(&format!("cps_{}", "A".repeat(43))).unwrap();
        // printf 'cps_%043d' 0 | tr 0 A | sha256sum
        assert_eq!(
            data_encoding::HEXLOWER.encode(&zeros.hash()),
            "4397920de6a6e920502d0dff0d05222f0c5b1fbdcdf76f19e830ef6ccaae3466"
        );
    }

    #[test]
    fn is_neither_shown_nor_left_in_memory() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) {}
        let token = Token::generate(&SeededEntropy::new(1));
        wiped_on_drop(&token.text);
        assert_eq!(format!("{token:?}"), "cps_****");
        assert_eq!(format!("{:?}", ChannelSecret::generate(&SeededEntropy::new(1))), "cpc_****");
    }
}
