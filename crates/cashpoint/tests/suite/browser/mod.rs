//! The screen in a real browser.

mod gallery;
mod visits;
