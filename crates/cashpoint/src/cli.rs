//! The command line: what can be asked, as clap reads it. Doing it stands in the modules beside.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use cashpoint_bank::calendar::Month;
use clap::{Args, Parser, Subcommand};

use crate::configuration::{DatabaseUrl, LogFormat};

/// An open ATM network in one binary.
#[derive(Debug, Parser)]
#[command(name = "cashpoint", version, about, max_term_width = 100)]
#[command(
    after_help = "Try it:\n  cashpoint demo            a sandbox bank on http://127.0.0.1:8080\n  cashpoint tour            plays the classic demonstrations against it\n\nExit codes: 0 ok, 1 the answer is no, 2 usage, 3 the world failed (port taken, database unreachable)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a sandbox: a host with play data, two terminals and their devices, everything in one process
    Demo(Demo),
    /// Plays the classic demonstrations against a running demo, in words
    Tour(Tour),
    /// Runs the host alone
    Host(Box<Host>),
    /// Runs the hardware of one ATM, simulated, behind XFS4IoT
    Devices(crate::devices::DevicesFlags),
    /// Runs one ATM: its screen's dialogue, its devices, its journal, its way to the host
    Terminal(Box<crate::terminal::TerminalCommand>),
    /// Staff of the bank
    #[command(subcommand)]
    Operator(Operator),
    /// Recomputes balances, chains and cash from the records; exit 1 with what differs
    Verify(Verify),
    /// Brings a database's schema up to date
    Migrate(Migrate),
    /// Moves a whole bank from a file to a server that several hosts can share
    Copy(Copy),
    /// Takes history of months that are over out of a server's hot tables
    Archive(Archive),
    /// Measures how fast the bank is on this machine
    #[command(subcommand)]
    Bench(crate::bench::Bench),
    /// Runs towns of machines under drawn faults, and says what must not be; exit 1 with how to have it again
    Simulate(crate::simulate::Simulate),
    /// Certificates for trying TLS
    #[command(subcommand)]
    Tls(Tls),
    /// Prints a completion script for a shell
    #[command(after_help = "Example:\n  cashpoint completions bash > /etc/bash_completion.d/cashpoint")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    #[command(after_help = "Example:\n  cashpoint man | man -l -")]
    Man,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint demo\n  cashpoint demo --data :temp: --listen 127.0.0.1:0\n  PORT=9000 cashpoint demo\n\nPrints `ready http://ADDRESS` on stdout once it serves. Play people, cards and PINs: see the README. The terminals' devices listen on this machine alone, on ports of their own; the log on stderr names them."
)]
pub(crate) struct Demo {
    /// Address of the one public port; `PORT` in the environment replaces the default's port
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder that keeps everything between runs; `:temp:` is a fresh one that goes away afterwards
    #[arg(long, value_name = "DIR", default_value = "./cashpoint-data")]
    pub(crate) data: PathBuf,
    /// Listen beyond this machine although it is a sandbox, which anybody may rob
    #[arg(long)]
    pub(crate) expose_sandbox: bool,
    /// How the log on standard error looks [default: text]
    #[arg(long, value_name = "FORMAT", env = "CASHPOINT_LOG_FORMAT", hide_env = true)]
    pub(crate) log: Option<LogFormat>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cashpoint demo --data :temp: &\n  cashpoint tour\n\nMakes its own customers, cards and machine, so that it can be played again. Exit 1 if one answer differs."
)]
pub(crate) struct Tour {
    /// Where the demo serves
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint operator add alice --role admin --database sqlite:/var/lib/cashpoint/bank.db\n  cashpoint host --database sqlite:/var/lib/cashpoint/bank.db\n  cashpoint host --database postgres://bank@db1,db2/bank --keys /etc/cashpoint/keys.toml\n  cashpoint host --config /etc/cashpoint/host.toml\n\nThe configuration file has the flags' names with underscores (listen, operations, database, …). CASHPOINT_* variables come over the file (CASHPOINT_LISTEN=…), flags over both. A listener that is not loopback needs TLS or --behind-proxy."
)]
pub(crate) struct Host {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: crate::configuration::HostFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tls {
    /// Makes a certificate that signs itself, and its key
    #[command(
        after_help = "Example:\n  cashpoint tls self-signed --name bank.example --name 192.0.2.7\n  cashpoint host --tls-cert cert.pem --tls-key key.pem --listen 0.0.0.0:8443\n\nClients must be told to trust cert.pem. For a real bank, get a certificate from an authority."
    )]
    SelfSigned {
        /// Host name or address that clients will use; may be repeated
        #[arg(long = "name", value_name = "NAME", default_values = ["localhost", "127.0.0.1"])]
        names: Vec<String>,
        /// Where the certificate goes; nothing is overwritten
        #[arg(long, value_name = "FILE", default_value = "cert.pem")]
        cert: PathBuf,
        /// Where the private key goes, readable for you alone
        #[arg(long, value_name = "FILE", default_value = "key.pem")]
        key: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Adds a member of staff, while no host runs on the database
    #[command(
        after_help = "Examples:\n  cashpoint operator add alice --role admin --database sqlite:bank.db\n  cashpoint operator add bob --role auditor --database sqlite:bank.db --password-file bob.txt\n\nWithout --password-file the password is asked for (or read from standard input)."
    )]
    Add {
        /// Log-in name
        name: String,
        /// admin (everything), clerk (customers, cards), custodian (machines, cash), auditor (reading)
        #[arg(long, value_parser = crate::operator::parse_role)]
        role: cashpoint_core::session::Role,
        #[command(flatten)]
        bank: BankFlags,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Loads the keys of a terminal's devices, while no host runs on the database
    #[command(
        after_help = "Examples:\n  cashpoint operator load-keys ATM901 devices.keys.toml --database sqlite:bank.db\n\nFILE is what `cashpoint devices` wrote when it made the machine. Its keys take the place of earlier ones; what the host made for the terminal stays. Delete FILE afterwards."
    )]
    LoadKeys {
        /// The machine
        #[arg(value_name = "ATM", value_parser = crate::operator::parse_machine)]
        machine: cashpoint_core::id::MachineId,
        /// Its devices' keys (TOML)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        bank: BankFlags,
    },
}

/// Which bank.
#[derive(Debug, Args)]
pub(crate) struct BankFlags {
    /// `sqlite:PATH` or `postgres://USER@HOST,HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "CASHPOINT_DATABASE", hide_env_values = true)]
    pub(crate) database: DatabaseUrl,
    /// Key file [default: keys.toml beside the database]
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cashpoint verify --database sqlite:cashpoint-data/bank.db\n  cashpoint verify --database sqlite:bank.db --json\n  cashpoint verify --database sqlite:bank.db --journal atm901.db --devices atm901.json\n\nReads only; a host may be running. Exit 0: everything agrees. Exit 1: something differs, and it says what."
)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) bank: BankFlags,
    /// Read from this server instead, which follows the bank's: `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL")]
    pub(crate) replica: Option<DatabaseUrl>,
    /// Journal of a terminal that does not run, its keys beside it (JOURNAL.keys.toml or keys.toml); may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) journal: Vec<PathBuf>,
    /// State of the devices of the terminal whose --journal has the same place; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) devices: Vec<PathBuf>,
    /// The report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cashpoint migrate --database sqlite:/var/lib/cashpoint/bank.db\n\nStop the host and copy the database first. A host migrates by itself only a database that it makes."
)]
pub(crate) struct Migrate {
    /// `sqlite:PATH` or `postgres://USER@HOST,HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "CASHPOINT_DATABASE", hide_env_values = true)]
    pub(crate) database: DatabaseUrl,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cashpoint copy --from sqlite:/var/lib/cashpoint/bank.db --to postgres://bank@db1,db2/bank\n\nStop the host and make an empty database first. Both sides are recomputed as by `cashpoint verify`, and compared. Whatever goes wrong, nothing is copied: run it again. The key file stays the same. Afterwards serve the new database, and keep the old file as a backup: served again, it would be a second bank. Exit 1: one side does not agree with itself."
)]
pub(crate) struct Copy {
    /// The bank: `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    pub(crate) from: DatabaseUrl,
    /// Where it goes: `postgres://USER@HOST,HOST/DATABASE`
    #[arg(long, value_name = "URL")]
    pub(crate) to: DatabaseUrl,
    /// Key file [default: keys.toml beside the bank]
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cashpoint archive --database postgres://bank@db1,db2/bank --before 2026-08\n\nHosts may serve meanwhile. Nothing is lost to sight: histories and `cashpoint verify` read the archive too. It may be broken off at any time, and goes on when it is run again. Exit 1: that month has not begun. A bank in a file has no archive."
)]
pub(crate) struct Archive {
    /// `postgres://USER@HOST,HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "CASHPOINT_DATABASE", hide_env_values = true)]
    pub(crate) database: DatabaseUrl,
    /// The first month that stays, UTC
    #[arg(long, value_name = "YYYY-MM", value_parser = Month::parse)]
    pub(crate) before: Month,
    /// Rows that move together
    #[arg(long, value_name = "ROWS", default_value = "5000")]
    pub(crate) at_once: NonZeroUsize,
}
