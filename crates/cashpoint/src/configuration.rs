//! Settings of the host: a TOML file, over it `CASHPOINT_*` variables, over it flags. Unknown keys are errors.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::log::LogFormat;
use crate::notify::{Hidden, Receivers};

/// Variables with our prefix that other parts read.
const OTHER_VARIABLES: [&str; 2] = ["master_key", "soak"];

/// The host's settings as flags; what is not given is left to the file, the variables and the defaults.
#[derive(Debug, Args, Serialize)]
pub(crate) struct HostFlags {
    /// Address to serve customers and staff on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Address of health and metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<SocketAddr>,
    /// The bank: `sqlite:PATH` [default: sqlite:bank.db]
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
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
pub(crate) struct HostSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) database: String,
    pub(crate) keys: Option<PathBuf>,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    #[serde(default)]
    pub(crate) behind_proxy: Vec<IpNet>,
    webhook_url: Option<String>,
    webhook_secret_file: Option<PathBuf>,
    /// No flag: a command line can be read by everybody on the machine, and a password may be in it.
    smtp_url: Option<Hidden>,
    mail_from: Option<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) sandbox: bool,
    pub(crate) expose_sandbox: bool,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            listen: loopback(8080),
            operations: loopback(9090),
            database: "sqlite:bank.db".to_owned(),
            keys: None,
            tls_cert: None,
            tls_key: None,
            behind_proxy: Vec::new(),
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
pub(crate) const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl HostSettings {
    /// Where notifications go.
    pub(crate) fn receivers(&self) -> Receivers {
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
    pub(crate) fn layered(file: Option<&Path>, flags: &HostFlags) -> Result<Self> {
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).with_context(|| format!("configuration {}", file.display()))?;
            layers = layers.merge(Toml::string(&text));
        }
        let variables = Env::prefixed("CASHPOINT_").ignore(&OTHER_VARIABLES);
        let settings = layers.merge(variables).merge(Serialized::defaults(flags)).extract();
        let settings: Self = settings.context("the settings of the host (file, CASHPOINT_* variables, flags)")?;
        if settings.tls_cert.is_some() != settings.tls_key.is_some() {
            bail!("tls_cert and tls_key go together");
        }
        Ok(settings)
    }
}

/// Where a bank's database and keys are.
pub(crate) struct BankFiles {
    pub(crate) database: PathBuf,
    pub(crate) keys: PathBuf,
}

/// Reads `sqlite:PATH`; the keys are beside it unless named.
///
/// # Errors
/// Another scheme.
pub(crate) fn bank_files(url: &str, keys: Option<PathBuf>) -> Result<BankFiles> {
    let Some(path) = url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) else {
        bail!("database {url:?}: write sqlite:PATH, for example sqlite:bank.db");
    };
    let database = PathBuf::from(path);
    let keys = keys.unwrap_or_else(|| database.with_file_name("keys.toml"));
    Ok(BankFiles { database, keys })
}
