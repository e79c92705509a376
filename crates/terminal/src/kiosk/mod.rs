//! The screen that people use, as a page in a browser on the machine itself.
//!
//! It renders what the terminal's [`Screen`] says and sends back which key was pressed, and nothing else: no amount, no
//! account number and no PIN is ever in a request. It needs no host and fetches nothing from elsewhere; without its
//! script it reloads itself. All of its addresses are relative, so it works under any path.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | the paths, and what a pressed key means |
//! | `guard` | who may ask, and what a browser may do with the answers |
//! | `view` | a screen as words and keys, in a language |
//! | `html` | those as a page |
//! | `words` | the messages |
//! | [`samples`] | one of every screen, for tests and for pictures |
//!
//! [`Screen`]: cashpoint_core::terminal::screen::Screen

mod guard;
mod html;
pub mod routes;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
#[cfg(test)]
mod tests;
mod view;
mod words;

pub use guard::{Frames, Hosts, guarded};
pub use routes::{Kiosk, router, serve};
