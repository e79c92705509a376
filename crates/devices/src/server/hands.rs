//! Hands at the machine, for whoever runs it in the same process: what people and staff do, faults, the power switch, and
//! a look at where everything is. The control interface says the same over HTTP.

use std::fmt;

use cashpoint_core::terminal::device::Key;

use super::Jobs;
use super::desk::Switch;
use crate::model::{Armed, Hardware, NeverMeets, PersonAction};

/// Hands at one machine. Clones are at the same.
#[derive(Clone)]
pub struct Hands(Jobs);

/// Why something was not done; nothing happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotDone {
    /// The machine does not let a person do that now.
    Impossible,
    /// The fault does not happen at that step.
    NeverMeets,
    /// The devices have ended.
    Gone,
}

impl fmt::Display for NotDone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Impossible => "the machine does not let a person do that now",
            Self::NeverMeets => "this fault does not happen at that step",
            Self::Gone => "the devices have ended",
        })
    }
}

impl std::error::Error for NotDone {}

impl From<super::Gone> for NotDone {
    fn from(_: super::Gone) -> Self {
        Self::Gone
    }
}

impl From<NeverMeets> for NotDone {
    fn from(_: NeverMeets) -> Self {
        Self::NeverMeets
    }
}

impl Hands {
    pub(super) const fn new(jobs: Jobs) -> Self {
        Self(jobs)
    }

    /// Looks at the machine as it is now.
    ///
    /// # Errors
    /// [`NotDone::Gone`].
    pub async fn look<T: Send + 'static>(
        &self,
        at: impl FnOnce(&Hardware) -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        Ok(self.0.run(|desk| at(desk.hardware())).await?)
    }

    /// A person does something.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn act(&self, action: PersonAction) -> Result<(), NotDone> {
        self.0.run(move |desk| desk.attempt(&action)).await?.map_err(|_| NotDone::Impossible)
    }

    /// Sets a fault.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn arm(&self, armed: Armed) -> Result<(), NotDone> {
        if !armed.fault.meets(armed.step) {
            return Err(NeverMeets.into());
        }
        Ok(self.0.run(move |desk| desk.arm(armed)).await?)
    }

    /// Clears all faults; what they have done stays done.
    ///
    /// # Errors
    /// [`NotDone::Gone`].
    pub async fn clear_faults(&self) -> Result<(), NotDone> {
        Ok(self.0.run(super::desk::Desk::clear_faults).await?)
    }

    /// Takes the power away.
    ///
    /// # Errors
    /// [`NotDone::Gone`].
    pub async fn switch_off(&self) -> Result<(), NotDone> {
        Ok(self.0.run(|desk| desk.switch(Switch::Off)).await?)
    }

    /// Gives power again.
    ///
    /// # Errors
    /// [`NotDone::Gone`].
    pub async fn switch_on(&self) -> Result<(), NotDone> {
        Ok(self.0.run(|desk| desk.switch(Switch::On)).await?)
    }
}

/// The key of the pad that is called so: a digit, `00`, `enter`, `clear`, `cancel`, `f1` to `f8`.
#[must_use]
pub fn key(name: &str) -> Option<Key> {
    match name {
        "00" => Some(Key::DoubleZero),
        "enter" => Some(Key::Enter),
        "clear" => Some(Key::Clear),
        "cancel" => Some(Key::Cancel),
        name => match (name.strip_prefix('f'), name.as_bytes()) {
            (Some(number), _) => number.parse().ok().filter(|number| (1..=8).contains(number)).map(Key::Function),
            (None, [digit]) if digit.is_ascii_digit() => Some(Key::Digit(digit - b'0')),
            (None, _) => None,
        },
    }
}
