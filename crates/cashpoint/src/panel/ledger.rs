//! What the books say, live: the person's accounts and latest entries, the machine's cash against its notes, open cases.

use cashpoint_bank::desk::{Direction, EntryKind, EntryStatus, EntryView};
use cashpoint_bank::sandbox::Books;
use cashpoint_bank::store::MachineView;
use cashpoint_core::case::{Case, Matter};
use cashpoint_core::time::Timestamp;
use maud::{Markup, html};

use super::seen::{Seen, money};

/// Cases that are shown one by one.
const CASES: usize = 4;

pub(super) fn books(seen: &Seen) -> Markup {
    let Some(books) = &seen.books else { return html! { p class="bad" { "The ledger cannot be read now." } } };
    html! {
        h3 { (seen.person().name) }
        ul class="accounts" {
            @for account in &books.accounts[seen.person] {
                li {
                    span { (capital(account.identity.product.name())) " " span class="number" { (account.identity.number) } }
                    strong { (money(account.balance())) }
                }
            }
        }
        (entries(seen, books))
        @if let Some(machine) = &books.machine { (cash(seen, machine)) }
        (cases(seen, &books.cases))
    }
}

fn entries(seen: &Seen, books: &Books) -> Markup {
    html! {
        table class="entries" {
            caption { "Latest entries" }
            thead {
                tr {
                    th scope="col" { "When" }
                    th scope="col" { "What" }
                    th scope="col" { "Amount" }
                    th scope="col" { "Balance" }
                }
            }
            tbody {
                @for entry in &books.entries {
                    tr data-entry=(entry.kind.name()) {
                        td { (time(seen, entry.at)) }
                        td { (what(entry)) @match entry.status {
                            EntryStatus::Posted => {}
                            EntryStatus::Pending => { " " span class="tag" { "pending" } }
                            EntryStatus::Reversed => { " " span class="tag" { "reversed" } }
                        } }
                        td { (signed(entry)) }
                        td { (money(entry.balance)) }
                    }
                }
            }
        }
    }
}

const fn what(entry: &EntryView) -> &'static str {
    match entry.kind {
        EntryKind::Deposit => "Deposit",
        EntryKind::Withdrawal => "Withdrawal",
        EntryKind::TransferIn => "Transfer in",
        EntryKind::TransferOut => "Transfer out",
        EntryKind::OverdraftFee => "Overdraft fee",
        EntryKind::Reversal => "Given back",
        EntryKind::Adjustment => "Adjustment",
    }
}

fn signed(entry: &EntryView) -> String {
    match entry.direction {
        Direction::Debit => format!("−{}", money(entry.amount)),
        Direction::Credit => format!("+{}", money(entry.amount)),
    }
}

/// The machine's account against the notes that lie in it.
fn cash(seen: &Seen, machine: &MachineView) -> Markup {
    let (books, notes, flight) = (machine.holdings.cash(), seen.devices.inside, machine.in_flight);
    html! {
        h3 { "The machine’s cash" }
        dl class="cash" {
            div { dt { "In the ledger" } dd { (seen.money(books)) } }
            div { dt { "Notes in it" } dd { (seen.money(notes)) } }
            div { dt { "Promised, not settled" } dd { (seen.money(flight)) } }
        }
        @match (books - notes, flight) {
            (0, _) => p class="good" data-agrees { "Ledger and notes agree." },
            (gone, flight) if gone == flight => p { (seen.money(gone)) " is out of the machine, and on its way into the ledger." },
            (gone, _) => p { "They differ by " (seen.money(gone.abs())) ": the machine has not told yet, or nobody knows." },
        }
    }
}

fn cases(seen: &Seen, cases: &[Case]) -> Markup {
    html! {
        h3 { "Open cases" }
        @if cases.is_empty() {
            p class="good" { "None." }
        } @else {
            ul class="cases" {
                @for case in cases.iter().rev().take(CASES) {
                    li {
                        strong { (money(case.amount)) } " " (matter(case.matter)) " "
                        span class="small" { @if let Some(at) = case.opened { (time(seen, at)) ", " } (case.id) }
                    }
                }
            }
            @if cases.len() > CASES { p class="small" { "and " (cases.len() - CASES) " more" } }
        }
    }
}

const fn matter(matter: Matter) -> &'static str {
    match matter {
        Matter::Suspect(_) => "perhaps paid, perhaps not",
        Matter::OfflineSuspect(_) => "perhaps paid without the host",
        Matter::DepositUnclear => "of a deposit that nobody could count",
        Matter::OverCeiling(_) => "deposited above a ceiling",
        Matter::DepositUnclaimed(_) => "deposited, and nobody’s",
        Matter::WithdrawalUnclaimed(_) => "paid, and charged to nobody",
        Matter::WithdrawalUnclear => "perhaps paid, and charged to nobody",
        Matter::ReturnUnclaimed(_) => "gone back to an account that is closed",
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn time(seen: &Seen, at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or_default();
    at.to_zoned(seen.zone.clone()).strftime("%H:%M:%S").to_string()
}
