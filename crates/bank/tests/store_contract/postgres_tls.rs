//! The way to the server: encrypted, and to nobody but the server that the address names.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};

use cashpoint_bank::bank::Mode;
use cashpoint_bank::store::OpenMode;
use cashpoint_bank::store::postgres::{Address, PostgresStore};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::NamedTempFile;

use crate::cluster::{Cluster, PASSWORD};

/// An authority, and the file with its certificate.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(issuer.pem().as_bytes()).unwrap();
        Self { issuer, file }
    }

    /// A server for whose name this authority vouches.
    fn server(&self, name: &str) -> Cluster {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        Cluster::in_the_open(Some((&certificate.pem(), &key.serialize_pem())))
    }

    fn option(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.file.path().display())
    }
}

fn open(url: &str) -> Result<PostgresStore, String> {
    let address: Address = url.parse().map_err(|error| format!("{error}"))?;
    PostgresStore::open(&address, OpenMode::CreateIfMissing(Mode::Real)).map_err(|error| error.to_string())
}

/// How the store that was opened last is connected, as its server says.
fn way(server: &Cluster) -> String {
    server.sql(
        "postgres",
        // The server may still be at taking leave of the one before.
        "SELECT coalesce(s.version, 'plain') FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
             WHERE a.application_name = 'cashpoint' ORDER BY a.backend_start DESC LIMIT 1",
    )
}

#[test]
fn is_encrypted_to_the_server_that_the_address_names() {
    let authority = Authority::new();
    let server = authority.server("db1.example");
    for options in [authority.option(), "sslmode=require".to_owned(), "sslmode=prefer".to_owned()] {
        let store = open(&server.open_url("db1.example", &options)).unwrap_or_else(|why| panic!("{options}: {why}"));
        assert_eq!(way(&server), "TLSv1.3", "{options}");
        drop(store);
    }
    let bound = server.open_url("db1.example", &format!("{}&channel_binding=require", authority.option()));
    drop(open(&bound).expect("the password's proof is bound to the certificate"));
    let plain = open(&server.open_url("db1.example", "sslmode=disable")).expect("it was asked for");
    assert_eq!(way(&server), "plain");
    drop(plain);
}

#[test]
fn refuses_a_server_that_does_not_prove_who_it_is() {
    let authority = Authority::new();
    let server = authority.server("db1.example");
    let missing = authority.option() + ".gone";
    for (host, options, said) in [
        ("db1.example", Authority::new().option(), "name its authority's file with sslrootcert"),
        ("db1.example", "sslmode=verify-full".to_owned(), "name its authority's file with sslrootcert"),
        ("db2.example", authority.option(), "not valid for name"),
        ("db1.example", missing, ".gone: "),
    ] {
        let refused = open(&server.open_url(host, &options)).err().expect("it proved nothing");
        assert!(refused.contains(said), "{host}, {options}: {refused}");
        assert!(!refused.contains(PASSWORD), "{refused}");
    }
    assert_eq!(server.sql("postgres", "SELECT count(*) FROM information_schema.tables WHERE table_name = 'bank'"), "0");
}

/// Tests that run at once pick ports by themselves.
#[test]
fn listens_at_another_port_where_somebody_was_faster() {
    let mut server = Cluster::in_the_open(None);
    server.kill();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let taken_port = taken.local_addr().unwrap().port();
    server.listen_at(std::iter::once(taken_port).chain(std::iter::repeat_with(free)));
    drop(open(&server.open_url("db1.example", "sslmode=disable")).expect("it is there"));
}

#[test]
fn tells_a_server_without_encryption_nothing() {
    let server = Cluster::in_the_open(None);
    for options in ["sslmode=require", "sslmode=verify-full&sslrootcert=system"] {
        let refused = open(&server.open_url("db1.example", options)).err().expect("it offers none");
        assert!(refused.contains("offers no TLS"), "{options}: {refused}");
    }
    drop(open(&server.open_url("db1.example", "sslmode=prefer")).expect("it never leaves this machine"));
    let wrong = server.open_url("db1.example", "sslmode=disable").replace(PASSWORD, "wrong");
    assert!(open(&wrong).is_err(), "the server asks for the password");
}
