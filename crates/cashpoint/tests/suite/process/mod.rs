//! The process as a whole: killed, crowded, searched for secrets.

mod canary;
mod concurrency;
mod demo;
mod devices;
mod kill_nine;
mod kill_terminal;
mod machine;
mod notifications;
mod overload;
mod partition;
mod power_loss;
mod shared;
mod terminal;
mod terminals;
mod timing;
