//! Exchanges of terminals' cassettes, from rows; and the text that stands for a count.

use cashpoint_core::id::OperatorId;
use cashpoint_core::money::Amount;
use cashpoint_core::replenishment::{CashCount, CassetteCount, Posted, Replenishment};

use super::rows::{self, Read, Row};

/// Counted cassettes: position:out:in with spaces between.
pub(super) fn counted_text(count: &CashCount) -> String {
    let one = |c: &CassetteCount| format!("{}:{}:{}", c.position, c.counted_out, c.counted_in);
    count.cassettes.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Reads [`counted_text`] back; none for any other text.
fn counted(text: &str) -> Option<Vec<CassetteCount>> {
    let cassette = |text: &str| {
        let mut parts = text.split(':');
        let position = parts.next()?.parse().ok()?;
        let (counted_out, counted_in) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(CassetteCount { position, counted_out, counted_in })
    };
    if text.is_empty() { Some(Vec::new()) } else { text.split(' ').map(cassette).collect() }
}

/// A row of `replenishments`, place: the machine's id, and the machine's currency.
pub(super) fn replenishment<R: Row>(row: &R) -> Read<R, Replenishment> {
    let currency = rows::currency(row, "currency")?;
    let count = match rows::parsed_if_any(row, "cassettes", counted)? {
        None => None,
        Some(cassettes) => Some(CashCount {
            cassettes,
            deposit_bin: row.whole("deposit_bin")?,
            reject_bin: row.whole("reject_bin")?,
            retract_bin: row.whole("retract_bin")?,
        }),
    };
    let posted = match rows::time_if_any(row, "posted")? {
        None => None,
        Some(at) => Some(Posted {
            at,
            cash: Amount::new(rows::whole(row, "cash")?, currency),
            difference: Amount::new(rows::whole(row, "difference")?, currency),
            held: Amount::new(rows::whole(row, "held")?, currency),
            found: rows::text(row, "found")?,
        }),
    };
    Ok(Replenishment {
        machine: rows::machine_id(row, "place")?,
        number: rows::number(row, "number")?,
        operator: OperatorId::new(rows::whole(row, "operator")?),
        ordered: rows::time(row, "ordered")?,
        count,
        posted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_counts_that_it_writes() {
        let of = |position, counted_out, counted_in| CassetteCount { position, counted_out, counted_in };
        for cassettes in [vec![], vec![of(0, 1, 2)], vec![of(2, 0, u32::MAX), of(0, 7, 0)]] {
            let count = CashCount { cassettes, ..CashCount::default() };
            assert_eq!(counted(&counted_text(&count)), Some(count.cassettes));
        }
        for bad in [" ", "1:2", "1:2:3:4", "1:2:3 ", "a:2:3", "1:-2:3"] {
            assert_eq!(counted(bad), None, "{bad}");
        }
    }
}
