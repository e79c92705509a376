//! The machine's front as a page, beside its screen: slots, pad, cable, power switch and faults of a demo's machine to play
//! with, and what the books say of it, live. Only simulated devices have one: what stands here would be a burglar's dream
//! at a real machine.
//!
//! Nothing is decided here. Whoever presses a button does what a person, a thief or staff could do at that machine: it goes to
//! the devices' hands, to the cable or to the switch, never to the terminal and never to the bank.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | the paths, the stream of what changes |
//! | `act` | what a pressed button asks for, and doing it |
//! | `seen` | how machine and books stand at one moment |
//! | `page` | the page around everything |
//! | `front` | the machine's front: a drawing, and the slots in it |
//! | `beside` | cards and notes in one's hand, the machine's inside, cable, switch, faults |
//! | `ledger` | what the books say |

mod act;
mod beside;
mod front;
mod ledger;
mod page;
mod routes;
mod seen;

pub(crate) use routes::{mounted, panel_path, screen_path};
