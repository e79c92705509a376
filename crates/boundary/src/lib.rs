//! Named places between two effects, where a crash must do no harm: before and after something is written down, sent,
//! received or answered. With the feature `abort`, which only builds for tests have, a process ends there by itself, as if
//! it had been killed. Without it nothing of this is left. What must hold afterwards is not known here.
//!
//! `ENDS_AT="journal.dispensing.after 3"` ends the process when it gets there for the third time.

#[cfg(feature = "abort")]
mod abort;

/// The process is at the boundary `what.which.when`. With the feature `abort` it may not come back.
#[inline]
pub fn reached(what: &'static str, which: &str, when: &'static str) {
    #[cfg(feature = "abort")]
    abort::reached(&format!("{what}.{which}.{when}"));
    #[cfg(not(feature = "abort"))]
    let _ = (what, which, when);
}
