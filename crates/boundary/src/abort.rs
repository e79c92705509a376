//! The end of a process at the boundary that its environment names. Deliberately no crate for it: the one that is in use
//! brings a second generator of random numbers along.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where to end, and how often that may still be passed.
struct End {
    at: String,
    left: AtomicUsize,
}

static END: OnceLock<Option<End>> = OnceLock::new();

fn wanted() -> Option<End> {
    let text = std::env::var("ENDS_AT").ok()?;
    let (at, nth) = text.split_once(' ').expect("ENDS_AT is a boundary and a number");
    let nth = nth.parse().expect("ENDS_AT ends with a number");
    Some(End { at: at.to_owned(), left: AtomicUsize::new(nth) })
}

pub(crate) fn reached(name: &str) {
    tracing::trace!(target: "boundary", at = name, "reached");
    let ends = |end: &End| end.at == name && end.left.fetch_sub(1, Ordering::Relaxed) == 1;
    if END.get_or_init(wanted).as_ref().is_some_and(ends) {
        std::process::abort();
    }
}
