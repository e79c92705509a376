//! Many terminals on one host for a while: every note accounted for, nobody complains, memory does not grow.

use std::time::Duration;

use crate::support::Json;
use crate::support::process::{cashpoint, finish_within, told, verify_is_clean};

/// What the host's memory may grow by in the second half of the long run, percent of what it was at half time.
const GROWTH: u64 = 10;

#[expect(clippy::print_stdout, reason = "the soak collects this line")]
#[test]
fn many_terminals_work_on_one_host() {
    let long = std::env::var("CASHPOINT_SOAK").is_ok_and(|soak| soak == "1");
    let (terminals, seconds, pause_ms) = if long { ("200", 600, "20000") } else { ("20", 15, "2000") };
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("bank.db");
    let mut command = cashpoint();
    command.args(["bench", "terminal", "--json", "--terminals", terminals, "--pause-ms", pause_ms]);
    command.args(["--seconds", &seconds.to_string(), "--database", &format!("sqlite:{}", database.display())]);
    let (code, out, error) = told(&finish_within(&mut command, Duration::from_secs(seconds + 300)));
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    println!("soak: {}", out.trim());
    let report = Json::parse(&out).unwrap();
    let figure = |path: &str| {
        let Json::Number(text) = report.at(path) else { panic!("{path} of {report} is no number") };
        text.parse::<u64>().unwrap()
    };
    assert!(figure("/visits") > seconds / 2 && figure("/wrong") == 0, "{report}");
    let (half, most) = (figure("/resident/host_half"), figure("/resident/host_most"));
    assert!(half > 0, "{report}");
    assert!(!long || most * 100 < half * (100 + GROWTH), "the host's memory grows: {report}");
    verify_is_clean(&database);
}
