//! What every store must do, whichever database it keeps its rows in. A store brings a [`Database`]; the suite is the
//! same for all.

#![expect(clippy::unwrap_used, reason = "in a test, what fails is the test")]

#[path = "../cluster/mod.rs"]
mod cluster;
#[path = "../sample/mod.rs"]
mod sample;

mod agreement;
mod commits;
mod contents;
mod histories;
mod memory;
mod notifications;
mod postgres;
mod postgres_alone;
mod postgres_failover;
mod postgres_schema;
mod postgres_tls;
mod postgres_writers;
mod requests;
mod sqlite;
mod sqlite_schema;
mod terminals;

use cashpoint_bank::store::{CommitError, Position, Reads, Store};
use cashpoint_core::change::{Changes, Stamp};
use cashpoint_core::facts::{Facts, Keys, Lookups};

use sample::Builder;

/// One empty bank's database, for as long as the test runs.
trait Database {
    /// Opens it for writing, as a new writer. The one before is gone.
    fn writer(&self) -> Box<dyn Store>;

    /// Opens it for reading.
    fn reader(&self) -> Box<dyn Reads>;
}

/// Runs every test of the contract against the database that an expression makes.
macro_rules! tests_of {
    ($database:expr; $($module:ident { $($name:ident),* $(,)? })*) => {
        $(mod $module {
            use super::*;

            $(#[test]
            fn $name() {
                crate::$module::$name(&$database);
            })*
        })*
    };
}

/// Makes the tests of one store.
macro_rules! store_contract {
    ($database:expr) => {
        $crate::tests_of! { $database;
            contents {
                gives_back_everything_that_was_committed,
                says_that_what_is_not_there_is_absent,
                forgets_that_a_request_was_unknown,
                keeps_rows_that_were_loaded_before,
                keeps_each_days_use_in_each_currency,
                finds_people_and_cards_by_their_indexes,
                lists_accounts_in_the_order_of_opening,
                shows_machines_with_their_cash,
                knows_its_staff,
                keeps_versions_of_the_policy,
            }
            commits {
                numbers_commits_without_gaps_for_each_writer,
                refuses_to_write_an_identity_twice,
                leaves_nothing_of_a_group_that_was_refused,
                writes_on_after_a_group_that_was_refused,
                moves_the_day_only_from_the_day_that_was_read,
                begins_the_books_once,
                takes_a_large_group,
            }
            requests {
                answers_again_however_long_ago_it_was,
                refuses_a_key_twice_however_long_ago_it_was,
                refuses_a_key_twice_in_one_group,
            }
            histories {
                shows_what_happened_to_an_account_newest_first,
                pages_through_a_history_while_it_grows,
                cuts_a_history_by_time,
                shows_nothing_behind_a_cursor_of_another_account,
                tells_how_a_two_step_withdrawal_stands,
                shows_a_machines_transfers_newest_first,
                delivers_a_customers_events_in_order,
                delivers_each_event_with_its_commit,
                shows_the_last_commit_to_readers_already_open,
            }
            terminals {
                tells_of_terminals_and_what_they_served,
                lists_cases_from_one_on,
                keeps_cases_of_every_matter,
                keeps_notices_until_they_were_told,
                tells_of_replenishments_and_the_cases_of_a_machine,
            }
            notifications {
                gives_back_feeds_as_they_stand,
                forgets_what_waits_no_longer,
                reads_events_on_from_a_cursor,
                gives_each_event_the_wish_for_the_channel,
                finds_a_customers_events_from_a_number_on,
                lists_what_was_given_up_latest_first,
                keeps_the_first_of_two_letters_about_one_event,
            }
        }
    };
}

pub(crate) use {store_contract, tests_of};

/// Commits what a builder holds, which must succeed.
fn commit(store: &mut dyn Store, bank: &mut Builder) -> Position {
    store.commit(&bank.take()).expect("the sample is sound")
}

/// The small bank, committed.
fn small_bank(store: &mut dyn Store) -> Builder {
    let mut bank = Builder::new();
    for fill in sample::commits() {
        fill(&mut bank);
        commit(store, &mut bank);
    }
    bank
}

/// An empty group at the builder's instant.
fn empty(bank: &Builder) -> Changes {
    Changes::new(Stamp { now: bank.now, ..bank.changes.stamp })
}

/// Everything that a store finds of `lookups` and `keys`.
fn found(store: &mut dyn Store, lookups: &Lookups, keys: &Keys) -> Facts {
    let mut facts = Facts::default();
    store.resolve(lookups, &mut facts).expect("the database is there");
    store.load(keys, &mut facts).expect("the database is there");
    facts
}

/// Whether a group was refused as a conflict.
fn is_conflict(result: &Result<Position, CommitError>) -> bool {
    matches!(result, Err(CommitError::Conflict))
}

/// Whether a group was refused as a defect.
fn is_rejected(result: &Result<Position, CommitError>) -> bool {
    matches!(result, Err(CommitError::Rejected(_)))
}
