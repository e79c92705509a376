//! The machine's front: a drawing, the terminal's own page where its glass is, keys, and the slots. The drawing has a fixed
//! size; the style sheet scales it as a whole.

use cashpoint_devices::model::{CardSlot, Quality, Shutter, Waiting};
use maud::{Markup, html};

use super::seen::{Lot, Seen, count, notes, value};
use crate::machines::{Switch, Switched};

/// Notes that are drawn; more are only counted.
const DRAWN: usize = 9;

/// How far the last of them may lie from the first.
const FAN: usize = 160;

/// The front, with the parts of it that change: glass cover, lamp of the pad, and the four slots.
pub(super) fn front(machine: &Switched, [cover, lamp, card, receipt, cash, deposit]: [Markup; 6]) -> Markup {
    html! {
        div class="stand" {
            section class="machine" aria-label="The machine" {
                (chassis(machine))
                iframe id="screen" title={ "Screen of " (machine.id()) } src="screen" {}
                (cover)
                (function_keys("left", "Function keys, left of the screen", [1, 3, 5, 7]))
                (function_keys("right", "Function keys, right of the screen", [2, 4, 6, 8]))
                (pad(lamp))
                section class="slot at-card" aria-label="Card slot" { (card) }
                section class="slot at-receipt" aria-label="Receipt slot" { (receipt) }
                section class="slot at-cash" aria-label="Cash slot" { (cash) }
                section class="slot at-deposit" aria-label="Deposit slot" { (deposit) }
            }
        }
    }
}

/// What never changes of it.
fn chassis(machine: &Switched) -> Markup {
    let engraved = [(456, 610, "CARD"), (640, 610, "RECEIPT"), (548, 786, "CASH"), (194, 902, "NOTES IN")];
    let wells = [(372, 590, 168, 162), (556, 590, 168, 162), (372, 766, 352, 196), (36, 882, 316, 80)];
    html! {
        svg class="chassis" viewBox="0 0 760 990" aria-hidden="true" focusable="false" {
            defs {
                linearGradient id="steel" x1="0" y1="0" x2="0" y2="1" {
                    stop offset="0" stop-color="#f3f6f9" {}
                    stop offset="0.55" stop-color="#d6dee7" {}
                    stop offset="1" stop-color="#b9c5d2" {}
                }
                linearGradient id="deck" x1="0" y1="0" x2="0" y2="1" {
                    stop offset="0" stop-color="#aab7c5" {}
                    stop offset="0.08" stop-color="#c5cfda" {}
                    stop offset="1" stop-color="#dbe2ea" {}
                }
                linearGradient id="band" x1="0" y1="0" x2="1" y2="0" {
                    stop offset="0" stop-color="#06203a" {}
                    stop offset="1" stop-color="#0f4274" {}
                }
            }
            rect x="4" y="4" width="752" height="982" rx="30" fill="url(#steel)" stroke="#8796a6" stroke-width="3" {}
            rect x="9" y="9" width="742" height="972" rx="26" fill="none" stroke="#ffffff" stroke-opacity="0.7" stroke-width="3" {}
            rect x="22" y="22" width="716" height="58" rx="14" fill="url(#band)" {}
            path d="M66 40a14 14 0 1 0 0 22" fill="none" stroke="#ffd75e" stroke-width="7" {}
            text x="84" y="60" class="logo" { "Cashpoint" }
            text x="722" y="59" class="place" text-anchor="end" { (machine.id()) " · " (machine.location()) }
            // The screen's bezel and the rows of function keys beside it.
            rect x="78" y="92" width="604" height="460" rx="16" fill="#10161d" {}
            rect x="82" y="96" width="596" height="452" rx="13" fill="none" stroke="#3a4653" stroke-width="2" {}
            // The deck with everything that hands reach for.
            rect x="22" y="568" width="716" height="404" rx="18" fill="url(#deck)" stroke="#93a1b0" stroke-width="2" {}
            @for (x, y, width, height) in wells {
                rect x=(x) y=(y) width=(width) height=(height) rx="14" fill="#eef2f6" stroke="#93a1b0" stroke-width="2" {}
            }
            @for (x, y, text) in engraved { text x=(x) y=(y) class="engraved" text-anchor="middle" { (text) } }
            @for (x, y) in [(14, 560), (746, 560)] { circle cx=(x) cy=(y) r="4" fill="#8796a6" {} }
        }
    }
}

/// What lies over the glass: nothing, or the dark of a machine without power.
pub(super) fn cover(seen: &Seen) -> Markup {
    match seen.power {
        Switch::On => html! { div data-power="on" {} },
        Switch::Off => html! {
            div class="dark" data-power="off" { p { "No power" } p class="small" { "The switch is behind the machine." } }
        },
    }
}

fn function_keys(side: &str, label: &str, keys: [u8; 4]) -> Markup {
    html! {
        form method="post" action="panel/act" class={ "functions " (side) } aria-label=(label) {
            input type="hidden" name="act" value="press";
            @for key in keys {
                button type="submit" name="key" value={ "f" (key) } aria-label={ "Function key " (key) } {
                    span class="arrow" aria-hidden="true" {}
                    span aria-hidden="true" { (key) }
                }
            }
        }
    }
}

fn pad(lamp: Markup) -> Markup {
    let keys = [
        ("1", "1", ""),
        ("2", "2", ""),
        ("3", "3", ""),
        ("cancel", "Cancel", "cancel"),
        ("4", "4", ""),
        ("5", "5", "five"),
        ("6", "6", ""),
        ("clear", "Clear", "clear"),
        ("7", "7", ""),
        ("8", "8", ""),
        ("9", "9", ""),
        ("enter", "Enter", "enter"),
    ];
    html! {
        form method="post" action="panel/act" class="pad" id="pad" aria-label="PIN pad" {
            input type="hidden" name="act" value="press";
            (lamp)
            div class="keys" {
                @for (value, text, class) in keys {
                    button type="submit" name="key" value=(value) class=(class) { (text) }
                }
                span class="blank" {}
                button type="submit" name="key" value="0" { "0" }
                button type="submit" name="key" value="00" { "00" }
                span class="blank" {}
            }
        }
    }
}

/// Whether the pad listens, and to what.
pub(super) fn lamp(seen: &Seen) -> Markup {
    let (class, text) = match (seen.devices.waits_for(Waiting::Pin), seen.devices.waits_for(Waiting::Keys)) {
        (true, _) => ("lit", "Enter your PIN"),
        (false, true) => ("lit", "Keys are on"),
        (false, false) => ("", "Keys are off"),
    };
    html! { p class={ "lamp " (class) } { span class="light" aria-hidden="true" {} (text) } }
}

/// How the strip of light over a slot looks that wants nobody's hand …
const QUIET: &str = "strip";
/// … and over one that does.
const CALLS: &str = "strip calls";

fn strip(class: &str, width: u32) -> Markup {
    html! { rect class=(class) x="0" y="0" width=(width) height="5" rx="2.5" {} }
}

/// The card reader's mouth, and the card as far as it sticks out.
pub(super) fn card_slot(seen: &Seen) -> Markup {
    let (card, wanted) = (seen.devices.card, seen.devices.waits_for(Waiting::Card));
    let calls = if card == CardSlot::Exit || (card == CardSlot::Empty && wanted) { CALLS } else { QUIET };
    let mouth = html! { (strip(calls, 130)) rect class="mouth" x="0" y="9" width="130" height="12" rx="6" {} };
    let hue = format!("hue-{}", seen.person);
    let edge = |height: u32| {
        html! {
            rect class=(hue) x="22" y="15" width="86" height=(height) rx="4" {}
            @if height > 20 { rect x="22" y="36" width="86" height="11" fill="#10161d" fill-opacity="0.75" {} }
        }
    };
    let drawing = |inner: Markup| {
        html! {
            svg class="drawn" viewBox="0 0 130 74" aria-hidden="true" focusable="false" { (mouth) (inner) }
        }
    };
    match card {
        CardSlot::Empty => html! {
            (drawing(html! {}))
            p class="state" { @if wanted { "Waiting for a card" } @else { "No card" } }
        },
        CardSlot::Inside => html! { (drawing(edge(9))) p class="state" { "Card is inside" } },
        CardSlot::Stuck => html! { (drawing(edge(14))) p class="state bad" { "Card is stuck" } },
        CardSlot::Exit => html! {
            (acts("take-card", html! {
                button type="submit" class="grab" { (drawing(edge(52))) span { "Take card" } }
            }))
        },
    }
}

/// The printer's mouth, and the end of what it printed. What stands on it is readable.
pub(super) fn receipt_slot(seen: &Seen) -> Markup {
    let mouth =
        |calls: &str| html! { (strip(calls, 130)) rect class="mouth" x="0" y="9" width="130" height="12" rx="6" {} };
    let Some(lines) = &seen.devices.receipt else {
        let text = if seen.devices.receipts_left == 0 { "No paper" } else { "No receipt" };
        return html! {
            svg class="drawn" viewBox="0 0 130 74" aria-hidden="true" focusable="false" { (mouth(QUIET)) }
            p class="state" { (text) }
        };
    };
    html! {
        (acts("take-receipt", html! {
            button type="submit" class="grab" {
                svg class="drawn" viewBox="0 0 130 74" aria-hidden="true" focusable="false" {
                    (mouth(CALLS))
                    path d="M24 15h82v54l-7-5-7 5-7-5-7 5-6-5-7 5-7-5-7 5-7-5-7 5-6-5-7 5z" fill="#ffffff" stroke="#93a1b0" {}
                    path d="M34 28h62M34 36h46M34 44h54M34 52h36" stroke="#5c6b7a" stroke-width="2" {}
                }
                span { "Take receipt" }
            }
        }))
        pre class="receipt" role="region" aria-label="The receipt" tabindex="0" { (lines.join("\n")) }
    }
}

/// The shutter, and the notes in front of it.
pub(super) fn cash_slot(seen: &Seen) -> Markup {
    let exit = &seen.devices.exit;
    let there = count(exit);
    let open = seen.devices.shutter == Shutter::Open;
    let offered = open && there > 0;
    html! {
        svg class="drawn wide" viewBox="0 0 320 106" aria-hidden="true" focusable="false" {
            (strip(if offered { CALLS } else { QUIET }, 320))
            rect x="0" y="10" width="320" height="26" rx="8" fill="#27323e" {}
            @if open {
                rect x="8" y="15" width="304" height="16" rx="4" fill="#05080b" {}
                (fan(seen))
            } @else {
                rect class="shutter" x="8" y="14" width="304" height="18" rx="4" {}
                @for x in 0..15 { path d={ "M" (20 + x * 20) " 17v12" } stroke="#55636f" stroke-width="2" {} }
            }
        }
        @if offered {
            p class="state" { (notes(there)) ", " (seen.money(value(exit))) " (left alone: taken back)" }
            div class="choices" {
                (acts("take-notes", html! { button type="submit" class="main" { "Take all" } }))
                @if there > 1 {
                    (acts("take-notes", html! {
                        label for="some" { "Only" }
                        input id="some" type="number" name="count" value="1" min="1" max=(there - 1) required;
                        button type="submit" { "Take" }
                    }))
                }
            }
        } @else if there > 0 {
            p class="state" { "Shutter closed, " (notes(there)) " behind it" }
        } @else {
            p class="state" { @if open { "Shutter open, nothing there" } @else { "Shutter closed" } }
        }
    }
}

/// The notes side by side, as far as there is room so that each one's value can be read.
fn fan(seen: &Seen) -> Markup {
    let each: Vec<_> = seen.devices.exit.iter().flat_map(|lot| (0..lot.count).map(move |_| lot)).take(DRAWN).collect();
    let apart = (FAN / each.len().max(2).saturating_sub(1)).min(34);
    html! {
        @for (at, lot) in each.into_iter().enumerate() {
            (note(lot, &seen.face(lot.denomination), (14 + at * apart, 22 + (at % 2) * 4)))
        }
    }
}

/// A note, with its left upper corner there.
fn note(lot: &Lot, face: &str, (x, y): (usize, usize)) -> Markup {
    let paper = match (lot.quality, lot.denomination) {
        (Quality::False, _) => "#d9c7e8",
        (Quality::Worn, _) => "#d5cdb6",
        (Quality::Good, 50_00) => "#f4cfa8",
        (Quality::Good, 20_00) => "#bfe0c4",
        (Quality::Good, _) => "#bcd8ee",
    };
    html! {
        g class="note" {
            rect x=(x) y=(y) width="132" height="66" rx="4" fill=(paper) stroke="#4d5b68" stroke-width="1.5" {}
            circle cx=(x + 66) cy=(y + 33) r="18" fill="none" stroke="#4d5b68" stroke-opacity="0.6" stroke-width="2" {}
            text x=(x + 5) y=(y + 18) class="worth" { (face) }
            text x=(x + 127) y=(y + 60) class="worth" text-anchor="end" { (face) }
        }
    }
}

/// Where notes go in, and where those come back that the machine does not take.
pub(super) fn deposit_slot(seen: &Seen) -> Markup {
    let (wanted, returned) = (seen.devices.waits_for(Waiting::Notes), &seen.devices.returned);
    let back = count(returned);
    html! {
        svg class="drawn" viewBox="0 0 130 24" aria-hidden="true" focusable="false" {
            (strip(if wanted || back > 0 { CALLS } else { QUIET }, 130))
            rect class="mouth" x="0" y="9" width="130" height="13" rx="5" {}
        }
        @if back > 0 {
            (acts("take-returned", html! {
                button type="submit" class="main" { "Take back " (notes(back)) }
            }))
        } @else {
            p class="state" {
                @match (wanted, seen.devices.escrow) {
                    (true, _) => { "Open: put notes in" }
                    (false, 0) => { "Closed" }
                    (false, held) => { (notes(held)) " counted, held" }
                }
            }
        }
    }
}

/// A form that does this.
pub(super) fn acts(what: &str, inner: Markup) -> Markup {
    html! { form method="post" action="panel/act" { input type="hidden" name="act" value=(what); (inner) } }
}
