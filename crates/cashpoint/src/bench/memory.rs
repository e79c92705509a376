//! How much memory this process, or one that it started, has in use, and how much processor time it took.

/// How many ticks of `/proc` are a second: what Linux tells programs everywhere, whatever it counts in itself.
const TICKS_A_SECOND: f64 = 100.0;

/// Resident bytes; none where the system does not say.
pub(super) fn resident() -> Option<u64> {
    resident_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The same of another process; none too if there is no such process.
pub(super) fn resident_of(process: u32) -> Option<u64> {
    resident_in(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// Processor time of another process, seconds; none as above.
pub(super) fn processor_s(process: u32) -> Option<f64> {
    processor_in(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn processor_in(stat: &str) -> Option<f64> {
    // The name in brackets may have spaces in it. After it, the state is the third field; times are fields 14 and 15.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11).map_while(|field| field.parse::<u32>().ok());
    Some((f64::from(times.next()?) + f64::from(times.next()?)) / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t  12345 kB\nVmData:\t1 kB\n"), Some(12_641_280));
        assert_eq!(resident_in("Name:\tx\n"), None);
    }

    #[test]
    fn adds_up_times_behind_a_name_with_brackets() {
        let stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 900 0 3 0 250 50 7 8 20 0 9 0 100 1 1";
        assert_eq!(processor_in(stat), Some(3.0));
        assert_eq!(processor_in("77 (a) S 1"), None);
    }
}
