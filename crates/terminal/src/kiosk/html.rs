//! A screen's words and keys as a page. Nothing inline: what it looks like is in the style sheet, what it does without
//! being pressed is in the script, and both find their places by the marks that are set here.

use cashpoint_core::id::MachineId;
use cashpoint_core::terminal::keys::{Figures, Offer};
use cashpoint_core::terminal::language::Language;
use cashpoint_core::terminal::screen::Choice;
use maud::{DOCTYPE, Markup, html};

use super::view::{Part, Picture, Tone, View, Visit};

/// How many PIN digits have a place on the screen; more are shown when they are there.
const PIN_PLACES: u8 = 4;

/// The whole document.
pub(super) fn page(view: &View, machine: MachineId) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(view.language.tag()) dir=(direction(view.language)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (view.face.heading) " – Cashpoint" }
                link rel="stylesheet" href="kiosk.css";
                link rel="icon" type="image/svg+xml" href="kiosk.svg";
                script src="kiosk.js" defer {}
                noscript { meta http-equiv="refresh" content="2"; }
            }
            body {
                div id="front" { (front(view, machine)) }
                p id="said" role="status" aria-live="polite" {}
            }
        }
    }
}

/// What changes when the screen does.
pub(super) fn front(view: &View, machine: MachineId) -> Markup {
    let frame = &view.words().frame;
    let tone = match view.face.tone {
        Tone::Plain => "plain",
        Tone::Act => "act",
        Tone::Good => "good",
        Tone::Bad => "bad",
    };
    html! {
        header class="bar" {
            p class="brand" { span class="mark" aria-hidden="true" {} "Cashpoint" }
            p class="machine" { (machine_name(view, machine)) }
            div class="tools" role="group" aria-label=(frame.tools) hidden {
                button type="button" id="speech" aria-pressed="false" data-on=(frame.speech_is_on)
                    data-off=(frame.speech_is_off) data-voiceless=(frame.no_voice) { (frame.speech) }
                button type="button" id="dark" aria-pressed="false" data-on=(frame.light) data-off=(frame.dark) {
                    (frame.dark)
                }
            }
        }
        main id="screen" class=(format!("tone-{tone}")) data-page=(view.page) data-lang=(view.language.tag())
            data-dir=(direction(view.language)) data-tone=(tone) data-nobody[view.visit == Visit::Nobody]
            data-speech=(view.speech()) data-echo=(view.echo()) data-stale=(frame.stale) {
            form method="post" action="press" class=(layout(view)) {
                input type="hidden" name="page" value=(view.page);
                (face(view))
                (lines(view))
                @if view.keys.figures == Figures::Typed { (figures(view)) }
                (foot(view))
            }
        }
        div id="darkness" hidden { p { (frame.dark_hint) } }
        div id="cut" role="alert" hidden { h2 { (frame.cut_title) } p { (frame.cut_text) } }
    }
}

const fn direction(language: Language) -> &'static str {
    match language {
        Language::English | Language::German | Language::Spanish => "ltr",
        Language::Arabic => "rtl",
    }
}

fn machine_name(view: &View, machine: MachineId) -> String {
    (view.words().frame.machine)(&view.language.figure(machine.as_str()))
}

fn layout(view: &View) -> &'static str {
    match (view.keys.figures, view.labels.len()) {
        (Figures::Typed, _) => "with-figures",
        (Figures::None | Figures::Secret, 0) => "without-keys",
        (Figures::None | Figures::Secret, _) => "with-lines",
    }
}

fn face(view: &View) -> Markup {
    html! {
        div class="face" {
            (picture(view.face.picture))
            div class="words" {
                h1 tabindex="-1" { (view.face.heading) }
                @for part in &view.face.parts { (shown(part)) }
            }
        }
    }
}

fn shown(part: &Part) -> Markup {
    html! {
        @match part {
            Part::Say(text) => p { (text) },
            Part::Trouble(text) => p class="trouble" { (text) },
            Part::Note(text) => p class="note" { (text) },
            Part::Facts(facts) => dl {
                @for (name, value) in facts { div { dt { (name) } dd { (value) } } }
            },
            Part::Dots(digits, text) => p class="dots" {
                span aria-hidden="true" {
                    @for place in 0..(*digits).max(PIN_PLACES) { span class=(if place < *digits { "dot in" } else { "dot" }) {} }
                }
                span class="aside" { (text) }
            },
            Part::Typed(name, value) => p class="typed" { span { (name) } output { (value) } },
            Part::Reference(text) => p class="reference" { (text) },
            Part::Table { head, rows } => div class="table" tabindex="0" role="region" aria-label=(head[1]) {
                table {
                    thead { tr { @for name in head { th scope="col" { (name) } } } }
                    tbody { @for row in rows { tr { @for value in row { td { (value) } } } } }
                }
            },
            Part::Also(language, texts) => div class="also" lang=(language.tag()) dir=(direction(*language)) {
                @for text in texts { p { (text) } }
            },
        }
    }
}

fn lines(view: &View) -> Markup {
    let lines = view.keys.lines.iter().zip(&view.labels).enumerate();
    html! {
        @if !view.labels.is_empty() {
            div class="lines" role="group" aria-label=(view.words().frame.choices) {
                @for (at, (line, label)) in lines {
                    @let choice = &line.choice;
                    button type="submit" name="press" value=(format!("line-{at}")) data-line=(at + 1)
                        data-yes[*choice == Choice::Yes] data-cancel[*choice == Choice::Cancel]
                        data-no[*choice == Choice::No] disabled[line.offer == Offer::NotNow] {
                        span class="number" aria-hidden="true" { (view.key(at)) }
                        @let tag = label.language.map(Language::tag);
                        span class="label" lang=[tag] dir=[label.language.map(direction)] { (label.text) }
                    }
                }
            }
        }
    }
}

fn figures(view: &View) -> Markup {
    let frame = &view.words().frame;
    html! {
        div class="figures" role="group" aria-label=(frame.figures) dir="ltr" {
            @for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "00"] {
                button type="submit" name="press" value=(digit) class=[(digit == "0").then_some("zero")]
                    data-digit=(digit) { (digit) }
            }
            button type="submit" name="press" value="clear" class="clear" data-clear { (frame.clear) }
            button type="submit" name="press" value="enter" class="enter" data-yes { (frame.enter) }
        }
    }
}

fn foot(view: &View) -> Markup {
    let frame = &view.words().frame;
    let (back, cancel) = (view.keys.back.is_some(), view.keys.cancel.is_some());
    html! {
        @if back || cancel {
            div class="foot" {
                @if back { button type="submit" name="press" value="back" data-no { (frame.back) } }
                @if cancel {
                    button type="submit" name="press" value="cancel" class="cancel" data-cancel { (frame.cancel) }
                }
            }
        }
    }
}

fn picture(picture: Picture) -> Markup {
    let drawing = match picture {
        Picture::None => return html! {},
        Picture::InsertCard => {
            html! { (slot()) g class="moves-in" { (card()) } path class="line" d="M60 116v-26m-12 12 12-12 12 12" {} }
        }
        Picture::TakeCard => {
            html! { (slot()) g class="moves-out" { (card()) } path class="line" d="M60 90v26m-12-12 12 12 12-12" {} }
        }
        Picture::Cash => {
            html! { (slot()) g class="moves-out" { (note()) } path class="line" d="M60 90v26m-12-12 12 12 12-12" {} }
        }
        Picture::NotesIn => {
            html! { (slot()) g class="moves-in" { (note()) } path class="line" d="M60 116v-26m-12 12 12-12 12 12" {} }
        }
        Picture::Pad => html! {
            rect class="line" x="26" y="14" width="68" height="92" rx="8" {}
            @for row in 0..4 { @for column in 0..3 {
                circle class="fill" cx=(42 + column * 18) cy=(32 + row * 19) r="5" {}
            } }
        },
        Picture::Receipt => html! {
            path class="line" d="M34 12h52v92l-9-7-8 7-9-7-9 7-8-7-9 7z" {}
            path class="line" d="M46 34h28M46 50h28M46 66h16" {}
        },
        Picture::Clock => {
            html! { circle class="line" cx="60" cy="60" r="44" {} path class="line" d="M60 32v28l18 14" {} }
        }
        Picture::Wait => html! {
            circle class="faint" cx="60" cy="60" r="42" {}
            path class="line turns" d="M60 18a42 42 0 0 1 42 42" {}
        },
        Picture::Done => {
            html! { circle class="line" cx="60" cy="60" r="44" {} path class="line" d="m40 62 14 14 28-32" {} }
        }
        Picture::Alert => html! {
            path class="line" d="M60 14 108 100H12z" {}
            path class="line" d="M60 44v28M60 86v2" {}
        },
        Picture::Closed => html! { circle class="line" cx="60" cy="60" r="44" {} path class="line" d="M32 60h56" {} },
    };
    html! { svg class="picture" viewBox="0 0 120 120" aria-hidden="true" focusable="false" { (drawing) } }
}

fn slot() -> Markup {
    html! { rect class="fill" x="14" y="10" width="92" height="12" rx="6" {} }
}

fn card() -> Markup {
    html! { rect class="line" x="34" y="24" width="52" height="62" rx="6" {} path class="line" d="M48 24v62" {} }
}

fn note() -> Markup {
    html! { rect class="line" x="28" y="24" width="64" height="56" rx="3" {} circle class="line" cx="60" cy="52" r="13" {} }
}
