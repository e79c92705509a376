//! Certificate and key from their files: TLS 1.3 and 1.2, HTTP/1.1, the whole chain. Read once; a new certificate
//! needs a restart.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use zeroize::Zeroizing;

/// Why there is no TLS: one line that names the file and what to do about it.
#[derive(Debug)]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not PEM where it seems to be.
    NotPem {
        /// Which.
        file: PathBuf,
        /// Where it goes wrong.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    NoCertificate(PathBuf),
    /// There is no key in the file.
    NoKey(PathBuf),
    /// The key asks for a password.
    EncryptedKey(PathBuf),
    /// The key is none that TLS can use.
    UnusableKey {
        /// In which file.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The first certificate of the file is none that TLS can use.
    UnusableCertificate {
        /// In which file.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The key is not the one of the first certificate.
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, source } => write!(formatter, "cannot read {}: {source}", file.display()),
            Self::NotPem { file, source } => write!(formatter, "{} is not valid PEM: {source}", file.display()),
            Self::NoCertificate(file) => {
                write!(formatter, "no certificate in {}: it has no PEM block CERTIFICATE", file.display())
            }
            Self::NoKey(file) => {
                write!(formatter, "no private key in {}: it has no PEM block PRIVATE KEY", file.display())
            }
            Self::EncryptedKey(file) => write!(
                formatter,
                "the private key in {} is encrypted: decrypt it first (openssl pkey -in … -out …)",
                file.display()
            ),
            Self::UnusableKey { file, source } => {
                write!(formatter, "the private key in {} cannot be used: {source}", file.display())
            }
            Self::UnusableCertificate { file, source } => {
                write!(formatter, "the first certificate in {} cannot be used: {source}", file.display())
            }
            Self::Mismatch { certificate, key } => write!(
                formatter,
                "the private key in {} does not match the first certificate in {}",
                key.display(),
                certificate.display()
            ),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::NotPem { source, .. } => Some(source),
            Self::UnusableKey { source, .. } | Self::UnusableCertificate { source, .. } => Some(source),
            Self::NoCertificate(_) | Self::NoKey(_) | Self::EncryptedKey(_) | Self::Mismatch { .. } => None,
        }
    }
}

/// Reads the chain (the server's own certificate first) and its key, both PEM.
pub fn load(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = read_chain(certificate)?;
    let private_key = read_key(key)?;
    let provider = ring::default_provider();
    provider
        .key_provider
        .load_private_key(private_key.clone_key())
        .map_err(|source| TlsError::UnusableKey { file: key.to_owned(), source })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("ring has cipher suites for both")
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(|source| {
            if matches!(source, rustls::Error::InconsistentKeys(_)) {
                TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
            } else {
                TlsError::UnusableCertificate { file: certificate.to_owned(), source }
            }
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = std::fs::read(file).map_err(|source| TlsError::Unreadable { file: file.to_owned(), source })?;
    let chain = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::NotPem { file: file.to_owned(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(file.to_owned()));
    }
    Ok(chain)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    let text = std::fs::read(file).map_err(|source| TlsError::Unreadable { file: file.to_owned(), source })?;
    let text = Zeroizing::new(text);
    if ENCRYPTED.iter().any(|marker| text.windows(marker.len()).any(|window| window == *marker)) {
        return Err(TlsError::EncryptedKey(file.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| {
        if matches!(source, pem::Error::NoItemsFound) {
            TlsError::NoKey(file.to_owned())
        } else {
            TlsError::NotPem { file: file.to_owned(), source }
        }
    })
}
