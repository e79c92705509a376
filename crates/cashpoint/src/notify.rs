//! Where notifications go beside the log: the settings, and the channels that they make.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::entropy::SystemEntropy;
use cashpoint_host::notify::{Email, EmailSetting, Notifications, Webhook};
use figment::Figment;
use figment::providers::Env;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The settings' names.
const KEYS: [&str; 4] = ["webhook_url", "webhook_secret_file", "smtp_url", "mail_from"];

const WEBHOOK_DEADLINE: Duration = Duration::from_secs(10);
const MAIL_DEADLINE: Duration = Duration::from_secs(30);

/// A text with a password in it, which shows itself masked.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("****")
    }
}

/// Where notifications go, as it is set.
#[derive(Clone, Default, Deserialize, Debug)]
pub struct Receivers {
    /// Where webhooks go …
    pub webhook_url: Option<String>,
    /// … and what they are signed with.
    pub webhook_secret_file: Option<PathBuf>,
    /// The mail server, with name and password in it if it asks for them …
    pub smtp_url: Option<Hidden>,
    /// … and who the mail is from.
    pub mail_from: Option<String>,
}

impl Receivers {
    /// What `CASHPOINT_*` variables alone say: a demo has no other settings.
    ///
    /// # Errors
    /// A value of another kind.
    pub fn from_variables() -> Result<Self> {
        let variables = Figment::from(Env::prefixed("CASHPOINT_").only(&KEYS));
        variables.extract().context("the CASHPOINT_* variables about notifications")
    }

    /// The log, and the channels that are set.
    ///
    /// # Errors
    /// A setting that is missing or wrong.
    pub fn open(&self, bank: &Bank) -> Result<Notifications> {
        let mut notifications = Notifications::to_log(bank, std::sync::Arc::new(SystemEntropy));
        match (&self.webhook_url, &self.webhook_secret_file) {
            (Some(url), Some(file)) => {
                let secret = Zeroizing::new(
                    std::fs::read_to_string(file).with_context(|| format!("webhook_secret_file {}", file.display()))?,
                );
                let webhook = Webhook::new(bank.clone(), url, &secret, WEBHOOK_DEADLINE).context("webhook_url")?;
                notifications = notifications.and(webhook);
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => bail!("webhook_url and webhook_secret_file go together"),
        }
        match (&self.smtp_url, &self.mail_from) {
            (Some(Hidden(server)), Some(from)) => {
                let setting = EmailSetting { server, from, deadline: MAIL_DEADLINE };
                notifications = notifications.and(Email::new(bank.clone(), setting).context("smtp_url, mail_from")?);
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => bail!("smtp_url and mail_from go together"),
        }
        Ok(notifications)
    }
}
