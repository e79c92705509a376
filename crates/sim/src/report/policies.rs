//! The comparison of policies as a page: a curve and a table.

use super::{HEIGHT, MARGIN, WIDTH, add, head};
use crate::explore::{Point, tenths};
use crate::series::Scale;

/// The page.
#[must_use]
pub fn page(points: &[Point], seeds: &[u64], scale: Scale) -> String {
    let mut page = head("Partition policies", "What a policy for cut-off machines brings and costs");
    let Scale { machines, visits } = scale;
    let (first, last) = (seeds.first().copied().unwrap_or(0), seeds.last().copied().unwrap_or(0));
    let towns = seeds.len();
    add(
        &mut page,
        format_args!(
            "<p>The same {towns} towns (seeds {first} to {last}; {machines} machines, {visits} visits at each) under each policy. \
             Lines are often down for up to five minutes, cards are often reported stolen, and whoever has them goes on. Where \
             machines are shut meanwhile people wait, and most are served in the end: what a policy brings is customers served \
             in an hour. Amounts are dollars in all towns together, the exposure that of one town.</p>\n"
        ),
    );
    plot(&mut page, points);
    page.push_str("<table><tr><th>while cut off<th>served in an hour<th>of all who came<th>could be paid unasked<th>was<th>to stolen cards<th>charged to nobody\n");
    for point in points {
        let [hourly, share] = [point.served_in_ten_hours(), point.served_per_mille()].map(tenths);
        let tally = &point.tally;
        add(
            &mut page,
            format_args!(
                "<tr><td>{}<td>{hourly}<td>{share} %<td>{}<td>{}<td>{}<td>{}\n",
                point.name,
                point.exposed / 100,
                tally.offline / 100,
                tally.stolen / 100,
                tally.unpaid / 100
            ),
        );
    }
    page.push_str("</table>\n");
    page
}

/// Customers served against money exposed (round) and lost (square).
fn plot(page: &mut String, points: &[Point]) {
    let widest = points.iter().map(|point| point.exposed.max(point.lost())).max().unwrap_or(0).max(1);
    let served = || points.iter().map(Point::served_in_ten_hours);
    let (low, high) = (served().min().unwrap_or(0).saturating_sub(5), served().max().unwrap_or(0) + 5);
    let across = |money: i64| MARGIN + money * (WIDTH - 2 * MARGIN) / widest;
    let up = |served: u64| {
        let (part, whole) = (served.saturating_sub(low), (high - low).max(1));
        HEIGHT - MARGIN - i64::try_from(part).unwrap_or(0) * (HEIGHT - 2 * MARGIN) / i64::try_from(whole).unwrap_or(1)
    };
    add(
        page,
        format_args!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"served against exposed and lost\">\n"
        ),
    );
    let (left, right, bottom, top) = (MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN);
    add(page, format_args!("<path d=\"M{left} {top}V{bottom}H{right}\" fill=none stroke=#111 />\n"));
    add(
        page,
        format_args!(
            "<text x={left} y={}>customers served in an hour at a machine: {} to {}</text>\n",
            top - 20,
            tenths(low),
            tenths(high)
        ),
    );
    add(
        page,
        format_args!("<text x={left} y={}>dollars, 0 to {}: ● exposed, ■ lost</text>\n", bottom + 30, widest / 100),
    );
    let line: Vec<String> =
        points.iter().map(|point| format!("{} {}", across(point.exposed), up(point.served_in_ten_hours()))).collect();
    add(page, format_args!("<polyline points=\"{}\" fill=none stroke=#05a />\n", line.join(" ")));
    for point in points {
        let height = up(point.served_in_ten_hours());
        let (exposed, lost) = (across(point.exposed), across(point.lost()) - 5);
        add(
            page,
            format_args!("<circle cx={exposed} cy={height} r=5 fill=#05a><title>{}</title></circle>", point.name),
        );
        let name = point.name;
        add(
            page,
            format_args!("<rect x={lost} y={} width=10 height=10 fill=#a20><title>{name}</title></rect>\n", height - 5),
        );
    }
    page.push_str("</svg>\n");
}
