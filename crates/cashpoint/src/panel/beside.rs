//! What is not the machine's front: the cards and notes in one's hand, the machine's inside, what is behind it, and faults.

use cashpoint_bank::sandbox::{PEOPLE, Person};
use cashpoint_core::terminal::device::Usable;
use cashpoint_devices::model::{Armed, CardSlot, Fault, Lasts, Quality, Step, Waiting};
use maud::{Markup, html};

use super::act::name;
use super::front::acts;
use super::seen::{Bin, Cassette, Seen, money, notes};
use crate::machines::{Plug, Switch};

/// The cards, with what their owners know by heart.
pub(super) fn cards(seen: &Seen) -> Markup {
    let devices = &seen.devices;
    let takes = devices.waits_for(Waiting::Card) && devices.card == CardSlot::Empty;
    html! {
        ul class="cards" {
            @for (at, person) in PEOPLE.iter().enumerate() {
                li {
                    (card(at, person))
                    div class="who" {
                        p class="name" { (person.name) }
                        p { "PIN " span class="pin" { (person.pin) } " · " (balances(seen, at)) }
                    }
                    @if devices.holder == Some(at) {
                        p class="gone" { "in the machine" }
                    } @else {
                        (acts("insert-card", html! {
                            input type="hidden" name="card" value=(at);
                            button type="submit" disabled[!takes] aria-label={ "Insert the card of " (person.name) } {
                                "Insert"
                            }
                        }))
                    }
                }
            }
        }
    }
}

fn balances(seen: &Seen, at: usize) -> String {
    let Some(books) = &seen.books else { return "balance not known".to_owned() };
    let each = books.accounts[at].iter().map(|account| money(account.balance()));
    each.collect::<Vec<_>>().join(" and ")
}

fn card(at: usize, person: &Person) -> Markup {
    let end = &person.number[person.number.len() - 4..];
    html! {
        svg class="plastic" viewBox="0 0 86 54" aria-hidden="true" focusable="false" {
            rect class={ "hue-" (at) } x="0" y="0" width="86" height="54" rx="6" {}
            path d="M0 38C30 20 52 52 86 30v18a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6z" fill="#ffffff" fill-opacity="0.14" {}
            rect x="9" y="15" width="14" height="11" rx="2" fill="#ffd75e" {}
            text x="9" y="44" class="digits" { "•••• " (end) }
        }
    }
}

/// Notes to feed: a form that stays as it is while everything around it changes.
pub(super) fn wallet(seen: &Seen) -> Markup {
    let qualities = [Quality::Good, Quality::Worn, Quality::False];
    html! {
        section aria-labelledby="wallet-title" {
            h2 id="wallet-title" { "Notes in your hand" }
            (acts("insert-notes", html! {
                table class="feed" {
                    thead {
                        tr { th scope="col" { "Note" } @for quality in qualities { th scope="col" { (name(quality)) } } }
                    }
                    tbody {
                        @for denomination in &seen.devices.accepted {
                            @let worth = seen.face(*denomination);
                            tr {
                                th scope="row" { (worth) }
                                @for quality in qualities.map(name) {
                                    td {
                                        input type="number" min="0" max="200" placeholder="0"
                                            name={ "note-" (denomination) "-" (quality) }
                                            aria-label={ "How many " (quality) " notes of " (worth) };
                                    }
                                }
                            }
                        }
                    }
                }
                button type="submit" { "Put them in" }
            }))
        }
    }
}

/// Cassettes and bins as they are, not as anybody believes.
pub(super) fn inside(seen: &Seen) -> Markup {
    let devices = &seen.devices;
    html! {
        ul class="cassettes" {
            @for (at, cassette) in devices.cassettes.iter().enumerate() { li { (cassette_bar(seen, at, cassette)) } }
        }
        dl class="bins" {
            @for (bin, count, value) in devices.bins {
                div {
                    dt { @match bin { Bin::Deposits => "Deposits", Bin::Rejected => "Rejected", Bin::Retracted => "Taken back" } }
                    dd { (count) span { (seen.money(value)) } }
                }
            }
            div { dt { "Cards kept" } dd { (devices.retained) } }
            div { dt { "Receipts left" } dd { (devices.receipts_left) } }
        }
        @if devices.on_the_way > 0 { p { (notes(devices.on_the_way)) " on the way inside" } }
        @if !devices.stuck.is_empty() {
            p class="bad" { "Stuck: " (devices.stuck.join(", ")) }
            (acts("clear-jams", html! { button type="submit" { "Clear the jam, as staff" } }))
        }
    }
}

fn cassette_bar(seen: &Seen, at: usize, cassette: &Cassette) -> Markup {
    const TALL: u32 = 60;
    let full = cassette.filled.max(cassette.notes).max(1);
    let level = (cassette.notes * TALL).div_ceil(full);
    let books = seen.books.as_ref().and_then(|books| books.machine.as_ref());
    let believed = books.and_then(|machine| machine.holdings.cassettes.get(at)).map(|cassette| cassette.count);
    let state = match cassette.usable {
        Usable::Yes => None,
        Usable::Low => Some("low"),
        Usable::Empty => Some("empty"),
        Usable::No => Some("out of order"),
    };
    html! {
        svg viewBox="0 0 64 70" aria-hidden="true" focusable="false" {
            rect x="2" y="2" width="60" height="66" rx="6" class="box" {}
            rect x="5" y=(5 + TALL - level) width="54" height=(level) rx="3" class="level" {}
            @for line in 1..6 { path d={ "M5 " (5 + line * 10) "h54" } class="line" {} }
        }
        p class="name" { (seen.face(cassette.denomination)) }
        p { (cassette.notes) " of " (cassette.filled) }
        @if let Some(state) = state { p class="bad" { (state) } }
        @if let Some(believed) = believed.filter(|believed| *believed != cassette.notes) {
            p class="small" { "host: " (believed) }
        }
    }
}

/// The network cable and the power switch.
pub(super) fn switches(seen: &Seen) -> Markup {
    let (plugged, cable, plug) = match seen.plug {
        Plug::In => ("The network cable is plugged in", "Pull the cable", "out"),
        Plug::Out => ("The network cable is pulled: no host", "Plug the cable in", "in"),
    };
    let (powered, switch, to) = match seen.power {
        Switch::On => ("The power is on", "Cut the power", "off"),
        Switch::Off => ("The power is off", "Switch on", "on"),
    };
    html! {
        div class="switches" {
            div data-plug=(if seen.plug == Plug::In { "in" } else { "out" }) {
                svg viewBox="0 0 120 60" aria-hidden="true" focusable="false" {
                    rect x="74" y="10" width="40" height="40" rx="6" class="socket" {}
                    rect x="82" y="20" width="24" height="20" rx="2" class="hole" {}
                    g class="plug" {
                        path d="M2 30h26" class="wire" {}
                        path d="M28 18h30v4h6v16h-6v4H28z" class="jack" {}
                        path d="M46 22v16M51 22v16M56 22v16" class="pins" {}
                    }
                }
                p { (plugged) }
                (acts("cable", html! {
                    input type="hidden" name="plug" value=(plug);
                    button type="submit" { (cable) }
                }))
            }
            div data-switch=(if seen.power == Switch::On { "on" } else { "off" }) {
                svg viewBox="0 0 120 60" aria-hidden="true" focusable="false" {
                    rect x="30" y="6" width="60" height="48" rx="10" class="socket" {}
                    rect x="36" y="12" width="48" height="36" rx="6" class="rocker" {}
                    path d="M48 22v16" class="mark" {}
                    circle cx="72" cy="30" r="8" class="mark" {}
                }
                p { (powered) }
                (acts("power", html! {
                    input type="hidden" name="switch" value=(to);
                    button type="submit" { (switch) }
                }))
            }
        }
    }
}

/// Every fault at every step where it happens. The form stays as it is; what is set changes below.
pub(super) fn fault_form(seen: &Seen, set: Markup) -> Markup {
    html! {
        section aria-labelledby="faults-title" {
            h2 id="faults-title" { "Faults" }
            form method="post" action="panel/act" class="fault" {
                input type="hidden" name="act" value="fault";
                label for="fault" { "At this step, this goes wrong" }
                select id="fault" name="fault" {
                    @for step in Step::ALL {
                        optgroup label=(words(&name(step))) {
                            @for fault in Fault::ALL.into_iter().filter(|fault| fault.meets(step)) {
                                option value={ (name(fault)) "." (name(step)) } {
                                    (words(&name(step))) ": " (words(&name(fault)))
                                }
                            }
                        }
                    }
                }
                select name="lasts" aria-label="How often" {
                    @for lasts in [Lasts::Once, Lasts::Always] { option value=(name(lasts)) { (name(lasts)) } }
                }
                select name="cassette" aria-label="Which cassette, if it concerns one" {
                    @for (at, cassette) in seen.devices.cassettes.iter().enumerate() {
                        option value=(at) { "cassette " (at + 1) ", " (seen.face(cassette.denomination)) }
                    }
                }
                button type="submit" { "Set" }
            }
            (set)
        }
    }
}

/// The faults that are set.
pub(super) fn faults(seen: &Seen) -> Markup {
    html! {
        @if seen.devices.faults.is_empty() {
            p class="small" { "None is set." }
        } @else {
            ul class="set" { @for armed in &seen.devices.faults { li { (described(armed)) } } }
            (acts("clear-faults", html! { button type="submit" { "Clear all" } }))
        }
    }
}

fn described(armed: &Armed) -> String {
    let often = match armed.lasts {
        Lasts::Once => "",
        Lasts::Always => ", always",
    };
    let concerns = [Fault::CassetteEmpty, Fault::CassetteLow, Fault::CassetteMissing].contains(&armed.fault);
    let which = if concerns { format!(", cassette {}", armed.cassette + 1) } else { String::new() };
    format!("{}: {}{which}{often}", words(&name(armed.step)), words(&name(armed.fault)))
}

/// `power_loss_before` as words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}
