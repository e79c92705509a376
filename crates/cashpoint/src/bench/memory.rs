//! How much memory this process has in use.

/// Resident bytes; none where the system does not say.
pub(super) fn resident() -> Option<u64> {
    resident_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t  12345 kB\nVmData:\t1 kB\n"), Some(12_641_280));
        assert_eq!(resident_in("Name:\tx\n"), None);
    }
}
