//! Which server, or servers of which one takes writes, how far the way to it is trusted, and which database there: a
//! `postgres://` address as libpq reads it. Nothing is looked up and no file is read here.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::schema::PostgresError;

/// Which server, or servers of which one is the primary, and which database there. Shows neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    config: Config,
    trust: Trust,
}

/// Whose certificate is believed where the connection is encrypted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Trust {
    /// Anybody's: who only listens learns nothing.
    Anybody,
    /// One for the host's name, from an authority that the system trusts.
    System,
    /// One for the host's name, from an authority in this file (PEM).
    File(PathBuf),
}

/// What the address asks of the way, as libpq calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

/// Of what the options say, what is about encryption.
#[derive(Default)]
struct Asked {
    mode: Option<Mode>,
    /// Whose word counts.
    authority: Option<PathBuf>,
}

impl Address {
    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The same where a copy will do: servers that take no writes too.
    #[must_use]
    pub fn of_any(&self) -> Self {
        let mut config = self.config().clone();
        config.target_session_attrs(TargetSessionAttrs::Any);
        Self(Arc::new(Parts { config, trust: self.trust().clone() }))
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.0.trust
    }
}

impl FromStr for Address {
    type Err = PostgresError;

    /// Reads `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?OPTIONS`. Whatever the options say, only a server
    /// that takes writes will do. Without `sslmode`, a server that is elsewhere must prove who it is (`verify-full`).
    fn from_str(text: &str) -> Result<Self, PostgresError> {
        let (rest, asked) = asked_of_the_way(text)?;
        let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // The library's own text may quote the address, password and all.
            let source =
                std::error::Error::source(&error).map_or_else(|| "it cannot be read".to_owned(), ToString::to_string);
            PostgresError::Address(source)
        })?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(PostgresError::Address("name a host and a database".to_owned()));
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("cashpoint");
        }
        let trust = secure(&mut config, asked)?;
        Ok(Self(Arc::new(Parts { config, trust })))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config();
        out.write_str("postgres://")?;
        let ports = config.get_ports();
        for (at, host) in config.get_hosts().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(out, "{comma}{name}")?,
                Host::Unix(path) => write!(out, "{comma}{}", path.display())?,
            }
            if let Some(port) = ports.get(at).or_else(|| ports.first()) {
                write!(out, ":{port}")?;
            }
        }
        write!(out, "/{}", config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn wrong(why: &str) -> PostgresError {
    PostgresError::Address(why.to_owned())
}

/// What the options say about encryption, taken out of the address: the library knows less of it than libpq.
fn asked_of_the_way(text: &str) -> Result<(String, Asked), PostgresError> {
    // A password may have a question mark in it, and stands before the first `@`.
    let from = text.find('@').unwrap_or_default();
    let Some(at) = text[from..].find('?').map(|at| from + at) else { return Ok((text.to_owned(), Asked::default())) };
    let (mut asked, mut others) = (Asked::default(), Vec::new());
    for option in text[at + 1..].split('&') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = || percent_decode_str(value).decode_utf8().map_err(|_| wrong("an option is not UTF-8"));
        match name {
            "sslmode" => {
                asked.mode = Some(match &*value()? {
                    "disable" => Mode::Disable,
                    "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-full" => Mode::VerifyFull,
                    _ => return Err(wrong("sslmode is one of disable, prefer, require, verify-full")),
                });
            }
            "sslrootcert" => asked.authority = Some(PathBuf::from(value()?.into_owned())),
            _ => others.push(option),
        }
    }
    Ok((format!("{}?{}", &text[..at], others.join("&")), asked))
}

/// Sets how the way is encrypted, and says whose certificate is believed.
fn secure(config: &mut Config, asked: Asked) -> Result<Trust, PostgresError> {
    let Asked { mode, authority } = asked;
    let is_here = is_here(config);
    let mode = match mode {
        // What stays on this machine needs no proof of where it came from.
        None if is_here && authority.is_none() => Mode::Prefer,
        None => Mode::VerifyFull,
        Some(mode) => mode,
    };
    if authority.is_some() && mode != Mode::VerifyFull {
        return Err(wrong("sslrootcert goes with sslmode=verify-full: otherwise nobody looks at the certificate"));
    }
    if mode == Mode::Prefer && !is_here && config.get_password().is_some() {
        return Err(wrong(
            "with sslmode=prefer the password may go over the network in the clear: write sslmode=verify-full, or \
             sslmode=disable if the network is trusted",
        ));
    }
    // A server encrypts no connection by a socket in the file system, and says so to whoever asks.
    let by_socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    let offered = match mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyFull => SslMode::Require,
    };
    config.ssl_mode(if by_socket { SslMode::Disable } else { offered });
    Ok(match (mode, authority) {
        (Mode::VerifyFull, Some(file)) if file.as_os_str() != "system" => Trust::File(file),
        (Mode::VerifyFull, _) => Trust::System,
        (Mode::Disable | Mode::Prefer | Mode::Require, _) => Trust::Anybody,
    })
}

/// Whether every server of the address is on this machine.
fn is_here(config: &Config) -> bool {
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELSEWHERE: &str = "postgres://cashpoint:opensesame@db1,db2:6432/bank";

    fn check(text: &str, mode: SslMode, trust: Trust) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.config().get_ssl_mode(), mode, "{text}");
        assert_eq!(address.trust(), &trust, "{text}");
        assert_eq!(address.config().get_target_session_attrs(), TargetSessionAttrs::ReadWrite, "{text}");
    }

    fn refuses(text: &str, why: &str) {
        let refused = text.parse::<Address>().unwrap_err().to_string();
        assert!(refused.contains(why), "{text}: {refused}");
        assert!(!refused.contains("opensesame"), "{refused}");
    }

    #[test]
    fn asks_a_server_elsewhere_who_it_is() {
        check(ELSEWHERE, SslMode::Require, Trust::System);
        check("postgres://cashpoint@127.0.0.1,db2/bank", SslMode::Require, Trust::System);
        check("postgres://cashpoint@db1/bank?hostaddr=10.1.2.3", SslMode::Require, Trust::System);
        check(&format!("{ELSEWHERE}?sslrootcert=%2Fetc%2Fca.pem"), SslMode::Require, Trust::File("/etc/ca.pem".into()));
        check(&format!("{ELSEWHERE}?sslmode=verify-full&sslrootcert=system"), SslMode::Require, Trust::System);
    }

    #[test]
    fn asks_a_server_on_this_machine_for_nothing() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            check(&format!("postgres://cashpoint:opensesame@{host}/bank"), SslMode::Prefer, Trust::Anybody);
        }
        check("postgres://cashpoint@%2Frun%2Fpostgresql/bank", SslMode::Disable, Trust::Anybody);
        check("postgres://cashpoint@db1/bank?hostaddr=127.0.0.1", SslMode::Prefer, Trust::Anybody);
        check("postgres://cashpoint@localhost/bank?sslmode=verify-full", SslMode::Require, Trust::System);
    }

    #[test]
    fn takes_a_choice_at_its_word() {
        check(&format!("{ELSEWHERE}?sslmode=disable"), SslMode::Disable, Trust::Anybody);
        check(&format!("{ELSEWHERE}?connect_timeout=5&sslmode=require"), SslMode::Require, Trust::Anybody);
        check("postgres://cashpoint@db1/bank?sslmode=prefer", SslMode::Prefer, Trust::Anybody);
        check("postgres://cashpoint:open?sslmode=x@db1/bank?sslmode=require", SslMode::Require, Trust::Anybody);
    }

    #[test]
    fn refuses_what_would_protect_nothing() {
        refuses(&format!("{ELSEWHERE}?sslmode=prefer"), "sslmode=prefer");
        refuses(&format!("{ELSEWHERE}?sslmode=require&sslrootcert=ca.pem"), "sslrootcert goes with");
        refuses(&format!("{ELSEWHERE}?sslmode=allow"), "sslmode is one of");
        refuses(&format!("{ELSEWHERE}?password=opensesame&sslkey=key.pem"), "sslkey");
    }

    #[test]
    fn shows_neither_user_nor_password() {
        let address: Address = format!("{ELSEWHERE}?sslmode=disable").parse().unwrap();
        assert_eq!(address.to_string(), "postgres://db1:5432,db2:6432/bank");
        assert_eq!(format!("{address:?}"), address.to_string());
    }
}
