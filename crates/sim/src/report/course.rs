//! A run as a page: what was done, how many machines served, how much money was open, minute by minute, and which
//! situations were reached.

use super::{HEIGHT, MARGIN, WIDTH, add, head};
use crate::series::{COMMIT, Scale, Series};
use crate::town::gauge::Minute;

/// One of the plots' layers: its name, its colour, how high it is in a minute.
type Layer<'a> = (&'a str, &'a str, &'a dyn Fn(&Minute) -> i64);

/// The page. `wrong`: what was found that must not be, in words.
#[must_use]
pub fn page(series: &Series, (first, last): (u64, u64), scale: Scale, wrong: Option<&str>) -> String {
    let mut page = head("A simulated network", "A network of machines under every fault");
    let Scale { machines, visits } = scale;
    let towns = series.towns;
    add(
        &mut page,
        format_args!(
            "<p>{towns} towns (seeds {first} to {last}; {machines} machines, {visits} visits at each), commit {COMMIT}. Every \
             fault of each town is drawn from its seed; then faults stop and everything must agree.</p>\n"
        ),
    );
    match wrong {
        None => page.push_str("<p><strong>Nothing was wrong.</strong></p>\n"),
        Some(wrong) => add(&mut page, format_args!("<h2>What was wrong</h2>\n<pre>{}</pre>\n", escaped(wrong))),
    }
    summary(&mut page, series);
    let course = busy(&series.tally.course.0);
    page.push_str("<h2>Machines that serve, per cent</h2>\n");
    let serving = |minute: &Minute| per_cent(minute.serving, minute.machines);
    plot(&mut page, course, &[("serving", "#05a", &serving)], (100, "%"));
    page.push_str("<h2>Money at risk in a town, dollars</h2>\n");
    let each = |minor: i64, minute: &Minute| minor / 100 * whole(machines as u64) / whole(minute.machines).max(1);
    let in_flight = |minute: &Minute| each(minute.in_flight, minute);
    let unasked = |minute: &Minute| in_flight(minute) + each(minute.unasked, minute);
    let cases = |minute: &Minute| unasked(minute) + each(minute.cases, minute);
    let most = course.iter().map(cases).max().unwrap_or(0).max(1);
    let layers: [Layer<'_>; 3] = [
        ("open cases", "#a20", &cases),
        ("paid unasked and not yet told", "#c80", &unasked),
        ("approved and not yet told", "#05a", &in_flight),
    ];
    plot(&mut page, course, &layers, (most, ""));
    page.push_str(
        "<p>Each point is the mean of the towns that were still going in that minute of their time, for as long as a tenth of \
         them were. Towards the end of each, faults have stopped.</p>\n",
    );
    situations(&mut page, series);
    page
}

/// Without the minutes to which few towns came.
fn busy(course: &[Minute]) -> &[Minute] {
    let all = course.first().map_or(0, |minute| minute.machines);
    let few = course.iter().position(|minute| minute.machines * 10 < all);
    &course[..few.unwrap_or(course.len())]
}

fn summary(page: &mut String, series: &Series) {
    let tally = &series.tally;
    let days = series.hundredths_of_days();
    let [taken, laid_in] = tally.notes;
    let rows = [
        ("visits", tally.visits.to_string()),
        ("terminal-days (100 visits)", format!("{}.{:02}", days / 100, days % 100)),
        ("visits in which somebody got what they came for", tally.served.to_string()),
        ("hours at machines", (tally.machine_ms / 3_600_000).to_string()),
        ("messages answered", tally.messages.to_string()),
        ("faults", tally.faults.to_string()),
        ("notes taken", taken.to_string()),
        ("notes laid in", laid_in.to_string()),
        ("cases left open", tally.cases.to_string()),
        ("dollars paid unasked", (tally.offline / 100).to_string()),
        ("of these to stolen cards", (tally.stolen / 100).to_string()),
        ("dollars charged to nobody", (tally.unpaid / 100).to_string()),
    ];
    page.push_str("<table>\n");
    for (name, value) in rows {
        add(page, format_args!("<tr><td>{name}<td>{value}\n"));
    }
    page.push_str("</table>\n");
}

/// Layers over each other, the largest first; `most` is the height of the plot, with its unit.
fn plot(page: &mut String, course: &[Minute], layers: &[Layer<'_>], (most, unit): (i64, &str)) {
    let minutes = whole(course.len() as u64).max(2);
    let (left, right, bottom, top) = (MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN);
    let across = |at: usize| left + whole(at as u64) * (right - left) / (minutes - 1);
    let up = |value: i64| bottom - value.clamp(0, most) * (bottom - top) / most;
    let names: Vec<&str> = layers.iter().map(|(name, ..)| *name).collect();
    add(page, format_args!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{}\">\n", names.join(", ")));
    for (name, colour, height) in layers {
        let point = |(at, minute): (usize, &Minute)| format!("{} {}", across(at), up(height(minute)));
        let points: Vec<String> = course.iter().enumerate().map(point).collect();
        let (line, end) = (points.join(" "), across(course.len().saturating_sub(1)));
        add(
            page,
            format_args!(
                "<polygon points=\"{left} {bottom} {line} {end} {bottom}\" fill={colour} fill-opacity=.5 stroke={colour}>\
                 <title>{name}</title></polygon>\n"
            ),
        );
    }
    add(page, format_args!("<path d=\"M{left} {top}V{bottom}H{right}\" fill=none stroke=#111 />\n"));
    add(page, format_args!("<text x={} y={} text-anchor=end>{most}{unit}</text>", left - 6, top + 5));
    add(page, format_args!("<text x={} y={bottom} text-anchor=end>0</text>\n", left - 6));
    add(page, format_args!("<text x={left} y={}>0</text>", bottom + 18));
    add(page, format_args!("<text x={right} y={} text-anchor=end>{minutes} minutes</text>\n", bottom + 18));
    for (place, (name, colour, _)) in layers.iter().enumerate() {
        let x = left + whole(place as u64) * 220;
        add(page, format_args!("<rect x={x} y=20 width=12 height=12 fill={colour} fill-opacity=.5 />"));
        add(page, format_args!("<text x={} y=31>{name}</text>\n", x + 18));
    }
    page.push_str("</svg>\n");
}

fn situations(page: &mut String, series: &Series) {
    page.push_str("<h2>Situations, and how often they were reached</h2>\n<table>\n");
    for (name, count) in series.tally.sometimes.counts() {
        add(page, format_args!("<tr><td>{name}<td>{count}\n"));
    }
    page.push_str("</table>\n");
}

fn per_cent(part: u64, of: u64) -> i64 {
    whole(part) * 100 / whole(of).max(1)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
