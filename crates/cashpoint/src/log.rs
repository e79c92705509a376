//! The log on standard error: as text for people, or as JSON for programs that collect logs.

use tracing_subscriber::EnvFilter;

use crate::cli::Command;
use crate::configuration::{HostSettings, LogFormat};

/// What is logged unless `RUST_LOG` chooses (`cashpoint::request=debug` shows every request): what an operator should see.
const USUALLY: &str = "info,refinery_core=warn";

/// Begins to log, as `command` wants it.
pub(crate) fn begin(command: &Command) {
    // A benchmark or a simulation has a report; hundreds of terminals that say that they begin would bury it.
    let usually = if matches!(command, Command::Bench(_) | Command::Simulate(_)) { "off" } else { USUALLY };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usually.into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match wanted(command) {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
}

fn wanted(command: &Command) -> LogFormat {
    match command {
        Command::Demo(demo) => demo.log.unwrap_or_default(),
        Command::Host(host) => {
            // Settings that cannot be read are complained of by the host itself.
            let settings = HostSettings::layered(host.config.as_deref(), &host.settings);
            settings.map_or(LogFormat::default(), |settings| settings.log_format)
        }
        Command::Terminal(terminal) => terminal.log_format(),
        Command::Tour(_)
        | Command::Devices(_)
        | Command::Operator(_)
        | Command::Verify(_)
        | Command::Migrate(_)
        | Command::Copy(_)
        | Command::Archive(_)
        | Command::Bench(_)
        | Command::Simulate(_)
        | Command::Tls(_)
        | Command::Completions { .. }
        | Command::Man => LogFormat::Text,
    }
}
