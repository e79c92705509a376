//! Names for requests that nobody named: request ids, and idempotency keys for those who sent none.
//!
//! A random start and a counter: unique for ever, also over restarts, without asking for randomness every time. Nothing
//! here is secret.

use std::sync::atomic::{AtomicU64, Ordering};

use cashpoint_bank::entropy::{Entropy, random_u64};

/// Makes names in the form of a UUID of version 8 (RFC 9562, 5.8).
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self { start: random_u64(entropy), next: AtomicU64::new(random_u64(entropy)) }
    }

    /// A new name.
    pub(crate) fn next(&self) -> String {
        const VERSION: u64 = 0x8000;
        const VARIANT: u64 = 0x8000_0000_0000_0000;
        let high = self.start & !0xf000 | VERSION;
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let low = count & !(0b11 << 62) | VARIANT;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cashpoint_bank::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn it_never_makes_the_same_name_twice() {
        let entropy = SeededEntropy::new(1);
        let (one, other) = (RequestIds::new(&entropy), RequestIds::new(&entropy));
        let names: BTreeSet<_> = (0..1_000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(names.len(), 2_000);
        for name in names {
            let at = |index| name.as_bytes()[index];
            assert!(name.len() == 36 && at(14) == b'8' && matches!(at(19), b'8'..=b'b'), "{name}");
        }
    }
}
