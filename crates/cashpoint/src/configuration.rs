//! Settings of the host: a TOML file, over it `CASHPOINT_*` variables, over it flags. Unknown keys are errors. What the
//! settings lead to stands with whoever acts on them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cashpoint_bank::store::database::{Database, NotADatabase};
use clap::{Args, ValueEnum};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::notify::{Hidden, Receivers};

/// Variables with our prefix that other parts read.
const OTHER_VARIABLES: [&str; 2] = ["master_key", "soak"];

/// Connections, and requests, unless the settings say otherwise.
const MOST: NonZeroUsize = NonZeroUsize::new(12_000).expect("it is not zero");

/// Commands that wait, unless the settings say otherwise: each connection may have one.
const MOST_WAITING: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");

/// How the log looks: text is for people, json is one object a line.
#[expect(missing_docs, reason = "what is said of a variant would make a page of the list in `--help`")]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The host's settings as flags; what is not given is left to the file, the variables and the defaults.
#[derive(Debug, Default, Args, Serialize)]
pub struct HostFlags {
    /// Address to serve customers and staff on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Address of health and metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<SocketAddr>,
    /// The bank: `sqlite:PATH` or `postgres://USER@HOST,HOST/DATABASE` [default: sqlite:bank.db]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<DatabaseUrl>,
    /// A server that follows the bank's, from which staff's reports are read, never what money rests on
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<DatabaseUrl>,
    /// Key file [default: keys.toml beside the database]
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<PathBuf>,
    /// Certificate chain (PEM); with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
    /// Proxies whose X-Forwarded-For is believed, and behind which plain HTTP may listen in the open; may be repeated
    #[arg(long, value_name = "CIDR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behind_proxy: Vec<IpNet>,
    /// Most connections at once [default: 12000]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    most_connections: Option<NonZeroUsize>,
    /// Most requests being answered at once; one more is answered 503 [default: 12000]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    most_requests: Option<NonZeroUsize>,
    /// Most commands waiting for the bank at once; one more is answered 503 [default: 16384]
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    most_waiting: Option<NonZeroUsize>,
    /// Where webhooks go; needs --webhook-secret-file too
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    /// File with the secret that webhooks are signed with: whsec_ and the base64 of 24 to 64 bytes
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret_file: Option<PathBuf>,
    /// Sender of mail to customers; the server is set with smtp_url in the file, or CASHPOINT_SMTP_URL
    #[arg(long, value_name = "MAILBOX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_from: Option<String>,
    /// How the log on standard error looks [default: text]
    #[arg(long = "log", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    /// The database is a sandbox, or becomes one if it is new
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sandbox: bool,
    /// Let a sandbox listen beyond this machine
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    expose_sandbox: bool,
}

/// The host's settings, all known.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// Where customers and staff are served.
    pub listen: SocketAddr,
    /// Where health and metrics are.
    pub operations: SocketAddr,
    /// The bank, as [`bank_files`] reads it.
    pub database: DatabaseUrl,
    /// A server that follows the bank's, as [`DatabaseUrl::replica`] reads it.
    pub replica: Option<DatabaseUrl>,
    /// The key file; beside the database unless named.
    pub keys: Option<PathBuf>,
    /// Certificate chain; there if and only if the key is.
    pub tls_cert: Option<PathBuf>,
    /// Its private key.
    pub tls_key: Option<PathBuf>,
    /// Proxies whose word about a client's address is believed.
    #[serde(default)]
    pub behind_proxy: Vec<IpNet>,
    /// Most connections at once.
    pub most_connections: NonZeroUsize,
    /// Most requests being answered at once.
    pub most_requests: NonZeroUsize,
    /// Most commands waiting for the bank at once.
    pub most_waiting: NonZeroUsize,
    webhook_url: Option<String>,
    webhook_secret_file: Option<PathBuf>,
    /// No flag: a command line can be read by everybody on the machine, and a password may be in it.
    smtp_url: Option<Hidden>,
    mail_from: Option<String>,
    /// How the log looks.
    pub log_format: LogFormat,
    /// The database is play money, or becomes that if it is new.
    pub sandbox: bool,
    /// Play money may be served beyond this machine.
    pub expose_sandbox: bool,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            listen: loopback(8080),
            operations: loopback(9090),
            database: DatabaseUrl::from("sqlite:bank.db"),
            replica: None,
            keys: None,
            tls_cert: None,
            tls_key: None,
            behind_proxy: Vec::new(),
            most_connections: MOST,
            most_requests: MOST,
            most_waiting: MOST_WAITING,
            webhook_url: None,
            webhook_secret_file: None,
            smtp_url: None,
            mail_from: None,
            log_format: LogFormat::Text,
            sandbox: false,
            expose_sandbox: false,
        }
    }
}

/// `port` on this machine alone.
#[must_use]
pub const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl HostSettings {
    /// Where notifications go.
    #[must_use]
    pub fn receivers(&self) -> Receivers {
        Receivers {
            webhook_url: self.webhook_url.clone(),
            webhook_secret_file: self.webhook_secret_file.clone(),
            smtp_url: self.smtp_url.clone(),
            mail_from: self.mail_from.clone(),
        }
    }

    /// Puts the layers over each other.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value of another kind.
    pub fn layered(file: Option<&Path>, flags: &HostFlags) -> Result<Self> {
        let text = match file {
            None => String::new(),
            Some(file) => std::fs::read_to_string(file).with_context(|| format!("configuration {}", file.display()))?,
        };
        // The variables of a terminal on the same machine are its own.
        let variables = Env::prefixed("CASHPOINT_")
            .ignore(&OTHER_VARIABLES)
            .filter(|name| !name.as_str().to_ascii_lowercase().starts_with("terminal_"));
        Self::of(over_defaults(&text).merge(variables).merge(Serialized::defaults(flags)))
    }

    /// The settings that a configuration file makes by itself, by its text.
    ///
    /// # Errors
    /// As [`Self::layered`].
    pub fn from_file(text: &str) -> Result<Self> {
        Self::of(over_defaults(text))
    }

    fn of(layers: Figment) -> Result<Self> {
        let settings: Self =
            layers.extract().context("the settings of the host (file, CASHPOINT_* variables, flags)")?;
        if settings.tls_cert.is_some() != settings.tls_key.is_some() {
            bail!("tls_cert and tls_key go together");
        }
        Ok(settings)
    }
}

fn over_defaults(file: &str) -> Figment {
    Figment::from(Serialized::defaults(HostSettings::default())).merge(Toml::string(file))
}

/// A database's address as somebody wrote it: there may be a password in it, so it shows itself without.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// What it says.
    ///
    /// # Errors
    /// It is no database's address.
    pub fn read(&self) -> Result<Database, NotADatabase> {
        self.0.parse()
    }

    /// What it says of a server from which only reports are read.
    ///
    /// # Errors
    /// It is no server's address.
    pub fn replica(&self) -> Result<Database, NotADatabase> {
        self.read()?.replica()
    }

    /// As it was written, for a program that must have it whole.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.read() {
            Ok(database) => fmt::Display::fmt(&database, out),
            Err(_) => out.write_str("****"),
        }
    }
}

/// Where a bank's database and keys are.
pub struct BankFiles {
    /// The database.
    pub database: Database,
    /// The key file.
    pub keys: PathBuf,
}

/// Reads `sqlite:PATH` or `postgres://…`. A file's keys are beside it unless named.
///
/// # Errors
/// Another scheme, a server without a key file.
pub fn bank_files(url: &DatabaseUrl, keys: Option<PathBuf>) -> Result<BankFiles> {
    let database = url.read()?;
    let keys = match (keys, &database) {
        (Some(keys), _) => keys,
        (None, Database::Sqlite(path)) => path.with_file_name("keys.toml"),
        (None, Database::Postgres(_)) => {
            bail!("name the key file with --keys: every host of the bank has its copy of the same one")
        }
        (None, Database::Memory(_)) => bail!("name the key file: a bank in memory has none beside it"),
    };
    Ok(BankFiles { database, keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password_of_a_database() {
        for address in ["postgres://bank:opensesame@db1,db2/bank", "postgre://bank:opensesame@db1/bank"] {
            let settings = HostSettings::from_file(&format!("database = {address:?}")).unwrap();
            let flags = HostFlags { database: Some(address.into()), ..HostFlags::default() };
            let shown = format!("{settings:?} {flags:?}");
            assert!(!shown.contains("opensesame"), "{shown}");
        }
        let settings = HostSettings::from_file("").unwrap();
        assert!(format!("{settings:?}").contains("bank.db"));
    }
}
