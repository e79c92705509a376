//! Encryption on the way to the server: whose certificate is believed, and in words why one is not. Authorities are read
//! for each connection, so that a renewed file needs no restart. No certificate of our own is shown.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Trust;

/// What makes connections as they are to be trusted; otherwise why it cannot.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider speaks TLS 1.2 and 1.3");
    let config = match authorities(trust)? {
        Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
        None => {
            let anybody = Arc::new(Anybody(provider));
            builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Why the server's encryption is not as it must be, and what to do; none if that was not the reason.
pub(super) fn explained(error: &tokio_postgres::Error) -> Option<String> {
    let source = error.source()?;
    let Some(wrong) = source.downcast_ref::<io::Error>().and_then(|error| error.get_ref()?.downcast_ref()) else {
        let offers_none = source.to_string().contains("does not support TLS");
        return offers_none.then(|| {
            "the database server offers no TLS: switch it on there, or write sslmode=disable if the network is trusted"
                .to_owned()
        });
    };
    let rustls::Error::InvalidCertificate(certificate) = wrong else {
        return Some(format!("TLS to the database server: {wrong}"));
    };
    // An authority that was made anew under its old name signs what the old one cannot have signed.
    let advice = if matches!(certificate, CertificateError::UnknownIssuer | CertificateError::BadSignature) {
        ": nobody who is trusted has signed it; name its authority's file with sslrootcert"
    } else {
        ""
    };
    Some(format!("TLS to the database server: {wrong}{advice}"))
}

/// The authorities that may vouch for the server; none if nobody has to.
fn authorities(trust: &Trust) -> Result<Option<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Anybody => return Ok(None),
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err("this system trusts no authority: name the database server's with sslrootcert".to_owned());
            }
        }
        Trust::File(file) => {
            let wrong = |why: &dyn std::fmt::Display| format!("sslrootcert {}: {why}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
            if roots.is_empty() {
                return Err(wrong(&"there is no certificate in it"));
            }
        }
    }
    Ok(Some(roots))
}

/// Believes any certificate, as `sslmode=require` does; whoever shows it must have its key all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
