//! `/api/accounts`

mod balance;
mod deposit;
mod list;
mod transactions;
mod transfer;
mod withdraw;
