//! A certificate that vouches for itself: for trying TLS out, and for a closed network that hands it to its clients.

use std::error::Error;
use std::fmt;

use cashpoint_core::time::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;
use zeroize::Zeroizing;

const DAY_S: i64 = 24 * 60 * 60;

/// Clients do not take certificates that are valid for longer than 398 days.
const VALID_DAYS: i64 = 397;

/// A certificate and its key, both PEM.
pub struct SelfSigned {
    /// For everybody.
    pub certificate_pem: String,
    /// For the server alone (file mode 0600).
    pub key_pem: Zeroizing<String>,
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SelfSigned").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum SelfSignedError {
    /// No name was given.
    NoNames,
    /// A name is neither a DNS name nor an IP address.
    BadName(String),
    /// It could not be made.
    Failed(rcgen::Error),
}

impl fmt::Display for SelfSignedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNames => formatter.write_str("a certificate needs at least one name"),
            Self::BadName(name) => write!(formatter, "{name:?} is neither a DNS name nor an IP address"),
            Self::Failed(error) => write!(formatter, "cannot make a certificate: {error}"),
        }
    }
}

impl Error for SelfSignedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::NoNames | Self::BadName(_) => None,
        }
    }
}

/// Makes a key (ECDSA P-256) and a certificate for these DNS names and IP addresses, valid from the day before `now`
/// for 397 days.
pub fn self_signed(names: &[String], now: Timestamp) -> Result<SelfSigned, SelfSignedError> {
    let first = names.first().ok_or(SelfSignedError::NoNames)?;
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(SelfSignedError::BadName(name.clone()));
    }
    let mut parameters = CertificateParams::new(names).map_err(SelfSignedError::Failed)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, first.as_str());
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let from_s = now.micros() / 1_000_000 - DAY_S;
    parameters.not_before = instant(from_s);
    parameters.not_after = instant(from_s + VALID_DAYS * DAY_S);
    let key = KeyPair::generate().map_err(SelfSignedError::Failed)?;
    let certificate = parameters.self_signed(&key).map_err(SelfSignedError::Failed)?;
    Ok(SelfSigned { certificate_pem: certificate.pem(), key_pem: Zeroizing::new(key.serialize_pem()) })
}

/// What TLS clients take for a name: an address, or labels of letters, digits and hyphens, the first perhaps a `*`.
fn is_name(name: &str) -> bool {
    let host = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<std::net::IpAddr>().is_ok() || rustls::pki_types::DnsName::try_from(host).is_ok()
}

fn instant(unix_s: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix_s).expect("a host's clock is within the years that dates can have")
}
