//! Reads the test report that cargo-nextest writes (`.config/nextest.toml` asks for it).
//!
//! Not an XML parser: it reads the one shape that nextest writes, one `<testcase …>` element per test, and refuses
//! anything in which it finds none of the attributes that it needs.

use anyhow::{Context, Result, bail};

/// One test that ran.
#[derive(Debug, PartialEq)]
pub(crate) struct Case {
    /// Test program and test, as nextest names them: `cashpoint::rest sessions::it_ends`.
    pub(crate) name: String,
    /// Duration in milliseconds.
    pub(crate) millis: u64,
    /// How it ended.
    pub(crate) verdict: Verdict,
}

/// How a test ended.
#[derive(Debug, PartialEq, Clone, Copy)]
pub(crate) enum Verdict {
    /// It passed, if need be on a later try.
    Passed,
    /// It failed, crashed or was ended for taking too long.
    Failed,
}

/// All cases of a report, in the report's order.
pub(crate) fn cases(report: &str) -> Result<Vec<Case>> {
    if !report.contains("<testsuites") {
        bail!("not a JUnit report");
    }
    // The first piece is what stands before the first case.
    report.split("<testcase ").skip(1).map(case).collect()
}

fn case(element: &str) -> Result<Case> {
    let opening = element.split('>').next().unwrap_or(element);
    let name = attribute(opening, "name").context("a test case without a name")?;
    let program = attribute(opening, "classname").context("a test case without a class name")?;
    let seconds = attribute(opening, "time").context("a test case without a time")?;
    let body = element.split("</testcase>").next().unwrap_or_default();
    let failed = body.contains("<failure") || body.contains("<error");
    Ok(Case {
        name: format!("{program} {name}"),
        millis: millis(&seconds)?,
        verdict: if failed { Verdict::Failed } else { Verdict::Passed },
    })
}

fn attribute(opening: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    // A space before the name, so that `name` does not find `classname`; the element's first attribute has none.
    let from = match opening.strip_prefix(&start) {
        Some(rest) => rest,
        None => opening.split_once(&format!(" {start}"))?.1,
    };
    let (value, _) = from.split_once('"')?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// `1.234` (seconds) in whole milliseconds.
fn millis(seconds: &str) -> Result<u64> {
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
    let thousandths: String = part.chars().chain("000".chars()).take(3).collect();
    let whole: u64 = whole.parse().with_context(|| format!("{seconds} is no time in seconds"))?;
    let thousandths: u64 = thousandths.parse().with_context(|| format!("{seconds} is no time in seconds"))?;
    Ok(whole * 1000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="2" failures="1" errors="0" uuid="x" timestamp="t" time="0.120">
    <testsuite name="cashpoint::rest" tests="2" disabled="0" errors="0" failures="1">
        <testcase name="it_pays" classname="cashpoint::rest" timestamp="t" time="1.2345">
        </testcase>
        <testcase name="a&lt;b" classname="cashpoint::rest" timestamp="t" time="0.007">
            <failure type="test failure">boom</failure>
        </testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn it_reads_names_times_and_verdicts() {
        let read = cases(REPORT).unwrap();
        let expected = [
            Case { name: "cashpoint::rest it_pays".into(), millis: 1234, verdict: Verdict::Passed },
            Case { name: "cashpoint::rest a<b".into(), millis: 7, verdict: Verdict::Failed },
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn it_refuses_what_is_no_report() {
        assert!(cases("").is_err());
        assert!(cases("<testsuites><testcase name=\"x\"></testcase></testsuites>").is_err());
    }
}
