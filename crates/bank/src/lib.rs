//! Placeholder.

pub mod calendar;
pub mod clock;
pub mod entropy;
pub mod keys;
pub mod password;
pub mod personal;
pub mod pin;
pub mod secret;
pub mod tokens;
