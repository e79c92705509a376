//! The screen in a real browser.

mod before;
mod cut;
mod gallery;
mod panel;
mod visits;
