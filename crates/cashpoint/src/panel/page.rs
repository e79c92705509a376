//! The page around the machine's front, and which parts of it change by themselves. Nothing inline: what it looks like is
//! in the style sheet, what it does without being pressed is in the script, and both find their places by marks set here.

use cashpoint_core::id::MachineId;
use maud::{DOCTYPE, Markup, html};

use super::seen::Seen;
use super::{beside, front, ledger, routes};
use crate::machines::Switched;

/// The parts that change, by their ids.
pub(super) fn parts(seen: &Seen) -> [(&'static str, Markup); 11] {
    [
        ("cover", front::cover(seen)),
        ("lamp", front::lamp(seen)),
        ("card-slot", front::card_slot(seen)),
        ("receipt-slot", front::receipt_slot(seen)),
        ("cash-slot", front::cash_slot(seen)),
        ("deposit-slot", front::deposit_slot(seen)),
        ("cards", beside::cards(seen)),
        ("books", ledger::books(seen)),
        ("inside", beside::inside(seen)),
        ("switches", beside::switches(seen)),
        ("faults", beside::faults(seen)),
    ]
}

/// The whole document.
pub(super) fn page(machine: &Switched, machines: &[MachineId], seen: &Seen) -> Markup {
    let id = machine.id();
    let mut now = parts(seen).into_iter();
    let mut part = |name: &str| {
        let (id, markup) = now.next().expect("every part has its place on the page");
        assert_eq!(id, name, "the parts stand on the page in their order");
        html! { div id=(id) class="part" data-live { (markup) } }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (id) " – the machine's front – Cashpoint" }
                link rel="stylesheet" href="panel/panel.css";
                link rel="icon" type="image/svg+xml" href="kiosk.svg";
                script src="panel/panel.js" defer {}
                noscript { meta http-equiv="refresh" content="5"; }
            }
            body {
                (head(machine, machines))
                main {
                    (front::front(machine, [part("cover"), part("lamp"), part("card-slot"), part("receipt-slot"),
                        part("cash-slot"), part("deposit-slot")]))
                    div class="beside" {
                        section aria-labelledby="cards-title" {
                            h2 id="cards-title" { "Cards in your hand" }
                            (part("cards"))
                        }
                        section class="ledger" aria-labelledby="books-title" {
                            h2 id="books-title" { "What the ledger says" }
                            (part("books"))
                        }
                        (beside::wallet(seen))
                        section aria-labelledby="inside-title" {
                            h2 id="inside-title" { "Inside the machine" }
                            (part("inside"))
                        }
                        section aria-labelledby="switches-title" {
                            h2 id="switches-title" { "Behind the machine" }
                            (part("switches"))
                        }
                        (beside::fault_form(seen, part("faults")))
                    }
                }
                p id="said" role="status" aria-live="polite" {}
            }
        }
    }
}

fn head(machine: &Switched, machines: &[MachineId]) -> Markup {
    let own = machine.id();
    html! {
        header {
            h1 { span class="brand" { "Cashpoint" } " " (own) ", " (machine.location()) }
            nav aria-label="Elsewhere" {
                @for other in machines.iter().filter(|other| **other != own) {
                    a href=(routes::panel_path(*other)) { (other) }
                }
                a href=(routes::screen_path(own)) { "Screen alone" }
                a href="/docs" { "Interface" }
                a href="/" { "Start" }
            }
        }
    }
}
