//! `deploy/` is held to the program: every command and option that its files use is one, and what they refer to is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cluster::{as_user, give};
use crate::support::deadline::Deadline;
use crate::support::machine::lasting_port;
use crate::support::network::SETTLING;
use crate::support::process::{Process, address, cashpoint, finish, told};
use crate::support::{Demo, Online, Site, run};

/// Files in which the program is called.
const CALLS: [&str; 7] = [
    "Containerfile",
    "README.md",
    "compose.production.yaml",
    "compose.sandbox.yaml",
    "systemd/cashpoint-host.service",
    "systemd/cashpoint-terminal.service",
    "../docs/scaling.md",
];

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn read(name: &str) -> String {
    let path = deploy().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One call of the program: the words of its command, and the options with which it is called.
type Call = (Vec<String>, BTreeSet<String>);

/// The call that these words are, which begin with a command's.
fn call(commands: &BTreeMap<Vec<String>, String>, words: &[&str]) -> Option<Call> {
    let longest = (1..=2).rev().find_map(|count| {
        let command: Vec<String> = words.get(..count)?.iter().map(|word| (*word).to_owned()).collect();
        commands.contains_key(&command).then_some(command)
    })?;
    let options = words.iter().filter(|word| word.starts_with("--"));
    let option = |word: &&str| word.split_once('=').map_or(*word, |(name, _)| name).to_owned();
    Some((longest, options.map(option).collect()))
}

/// Every call in a text: after the program's name, in a compose file's `command`, and on lines that begin with a command.
fn calls(commands: &BTreeMap<Vec<String>, String>, text: &str) -> Vec<Call> {
    // A line that goes on is one line; so is a list of which each item has a line, remarks between them apart.
    let is_remark = |line: &&str| line.starts_with(' ') && line.trim_start().starts_with('#');
    let lines: Vec<&str> = text.lines().filter(|line| !is_remark(line)).collect();
    let text = lines.join("\n").replace("\\\n", " ").replace("\n    - ", " ");
    let separate = |c: char| c.is_whitespace() || "\"'`[],".contains(c);
    let words =
        |part: &str| part.split(separate).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let mut found = Vec::new();
    for line in text.lines() {
        // In prose, a call ends with its quotation.
        let quoted: Vec<&str> = if line.matches('`').count() > 1 { line.split('`').collect() } else { vec![line] };
        for part in quoted {
            let words = words(part);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let begins = |at: &usize| {
                let before = at.checked_sub(1).map(|at| words[at]);
                before.is_some_and(|word| word.ends_with("cashpoint") || matches!(word, "command:" | "CMD" | "host1"))
            };
            found.extend((0..words.len()).filter(begins).filter_map(|at| call(commands, &words[at..])));
        }
    }
    found
}

/// All commands with their help.
fn commands() -> BTreeMap<Vec<String>, String> {
    let names = ["demo", "tour", "host", "devices", "terminal", "verify", "migrate"].map(|name| vec![name.to_owned()]);
    let pairs =
        ["terminal enrol", "operator add", "operator load-keys", "tls self-signed", "bench http", "bench engine"];
    let pairs = pairs.map(|pair| pair.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let help = |command: Vec<String>| {
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, out, error) = told(&run(&arguments));
        assert_eq!(code, 0, "{arguments:?}: {error}");
        (command, out)
    };
    names.into_iter().chain(pairs).map(help).collect()
}

#[test]
fn it_calls_the_program_as_it_is() {
    let commands = commands();
    let mut seen = BTreeSet::new();
    for name in CALLS {
        let found = calls(&commands, &read(name));
        assert!(!found.is_empty(), "{name} calls the program nowhere: is it looked at rightly?");
        for (command, options) in found {
            for option in &options {
                let is_there = commands[&command].split_whitespace().any(|word| word == option);
                assert!(is_there, "{name}: `cashpoint {}` has no {option}", command.join(" "));
            }
            seen.insert((name, command, options));
        }
    }
    let options = |name: &str, command: &str| {
        let all = seen.iter().filter(|(file, words, _)| *file == name && words.join(" ") == command);
        all.flat_map(|(.., options)| options.iter().map(String::as_str)).collect::<BTreeSet<_>>()
    };
    // What is found where it is known to stand; otherwise the rest might be missed too.
    assert!(options("compose.production.yaml", "host").contains("--behind-proxy"), "{seen:#?}");
    assert!(options("compose.sandbox.yaml", "demo").contains("--expose-sandbox"), "{seen:#?}");
    assert!(options("systemd/cashpoint-terminal.service", "terminal").contains("--config"), "{seen:#?}");
    assert!(options("README.md", "operator add").contains("--keys"), "{seen:#?}");
}

#[test]
fn it_finds_options_that_there_are_not() {
    let commands = commands();
    let text = "x-host:\n  command:\n    - host\n    - --listen=0.0.0.0:1\n    # One that\n    - --no-such\n  secrets: [a]\nCMD [\"demo\", \"--data\", \"x\"]\n";
    let expected = [(vec!["host"], vec!["--listen", "--no-such"]), (vec!["demo"], vec!["--data"])];
    let expected = expected.map(|(command, options)| {
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
        (owned(command), owned(options).into_iter().collect::<BTreeSet<_>>())
    });
    assert_eq!(calls(&commands, text), expected);
}

#[test]
fn its_container_is_built_from_what_is_there_with_the_compiler_of_the_project() {
    let text = read("Containerfile");
    let toolchain = read("../rust-toolchain.toml");
    let version = text.lines().find_map(|line| line.strip_prefix("ARG RUST=")).expect("the compiler's version");
    assert!(toolchain.contains(&format!("channel = \"{version}\"")), "{version}:\n{toolchain}");
    let copies = text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from="));
    let mut count = 0;
    for line in copies {
        let words: Vec<&str> = line.split(' ').skip(1).filter(|word| !word.starts_with("--")).collect();
        for source in &words[..words.len() - 1] {
            assert!(deploy().join("..").join(source).exists(), "{line}");
            count += 1;
        }
    }
    assert!(count >= 8, "{count} sources");
    // What the compiler is told through the project's own settings has to reach it there too.
    assert!(text.contains("COPY .cargo .cargo"), "{text}");
}

#[test]
fn its_health_check_tells_a_server_from_none() {
    let check = |port: &str| finish(Command::new(deploy().join("container/is-healthy")).arg(port)).status.success();
    let demo = Demo::start();
    let port = demo.url().rsplit(':').next().expect("an address has a port").to_owned();
    assert!(check(&port));
    drop(demo);
    assert!(!check(&port));
}

/// The two servers of a bank, as `deploy/postgres/serve` runs them.
struct Servers {
    ports: [u16; 2],
    folder: tempfile::TempDir,
}

impl Servers {
    fn new() -> Self {
        let servers = Self { ports: [lasting_port(), lasting_port()], folder: tempfile::tempdir().unwrap() };
        give(servers.folder.path());
        for (name, text) in [("bank.password", "of-the-bank\n"), ("standby.password", "of-the-standby\n")] {
            let file = servers.folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            give(&file);
        }
        let [certificate, key, authority] =
            ["db.pem", "db.key", "db-ca.pem"].map(|name| servers.folder.path().join(name));
        let mut certify = cashpoint();
        certify.args(["tls", "self-signed", "--name", "127.0.0.1", "--cert"]).arg(&certificate).arg("--key").arg(&key);
        assert_eq!(finish(&mut certify).status.code(), Some(0));
        std::fs::copy(&certificate, &authority).unwrap();
        [certificate, key, authority].iter().for_each(|file| give(file));
        // Where the project is, that user may not be able to look.
        std::fs::copy(deploy().join("postgres/serve"), servers.folder.path().join("serve")).unwrap();
        servers
    }

    /// Starts one of them.
    fn serve(&self, place: usize, more: &[(&str, &str)]) -> Process {
        let folder = self.folder.path();
        let name = format!("db{}", place + 1);
        let mut server = as_user(Path::new("bash"));
        server.arg(folder.join("serve")).env("HOME", folder).env("SECRETS", folder).env("SOCKETS", folder);
        server.env("DATA", folder.join(&name)).env("NAME", name).env("PORT", self.ports[place].to_string());
        server.env("LISTEN", "127.0.0.1").env("HOSTS", "127.0.0.1/32").envs(more.iter().copied());
        Process::spawn(&mut server)
    }

    /// What one of them answers; none if it does not.
    fn sql(&self, place: usize, sql: &str) -> Option<String> {
        let mut psql = as_user(Path::new("psql"));
        psql.args(["-XAtq", "-d", "postgres", "-p", &self.ports[place].to_string(), "-c", sql, "-h"]);
        psql.arg(self.folder.path()).env("HOME", self.folder.path()).env_remove("USER");
        let (code, out, _) = told(&finish(&mut psql));
        (code == 0).then(|| out.trim_end().to_owned())
    }
}

#[test]
fn its_servers_follow_each_other_and_a_host_follows_them() {
    let servers = Servers::new();
    let [one, two] = servers.ports.map(|port| port.to_string());
    let mut first = servers.serve(0, &[("WAITS_FOR", "db2")]);
    let second = servers.serve(1, &[("FOLLOWS", "127.0.0.1"), ("FOLLOWS_PORT", &one)]);
    let follows = || servers.sql(0, "SELECT sync_state FROM pg_stat_replication").filter(|state| state == "sync");
    let joined = Deadline::after(SETTLING).wait(follows);
    assert!(joined.is_some(), "the standby follows:\n{}\n{}", first.stderr(), second.stderr());
    let operations = format!("127.0.0.1:{}", lasting_port());
    let authority = servers.folder.path().join("db-ca.pem").display().to_string();
    let url = format!("postgres://bank:of-the-bank@127.0.0.1:{one},127.0.0.1:{two}/bank");
    let (clear, proven) =
        (format!("{url}?sslmode=disable"), format!("{url}?sslmode=verify-full&sslrootcert={authority}"));
    let (code, _, refused) = told(&run(&["migrate", "--database", &clear]));
    assert_eq!(code, 3, "nobody is let in without TLS: {refused}");
    let mut command = cashpoint();
    command.args(["host", "--sandbox", "--listen", "127.0.0.1:0", "--operations", &operations, "--database", &proven]);
    let mut host = Process::spawn(command.arg("--keys").arg(servers.folder.path().join("keys.toml")));
    let site = Site::new(address(&host.ready()));
    let online = Online::with(&site, "savings", "10.00");
    first.kill();
    assert_eq!(servers.sql(1, "SELECT pg_promote()").as_deref(), Some("t"), "{}", second.stderr());
    let back = Deadline::after(SETTLING).wait(|| {
        let answer = online.deposit(&site, "1.00").key("after").try_send().ok()?;
        (answer.status() == 201).then_some(())
    });
    assert!(back.is_some(), "the host finds the new primary, which waits for nobody:\n{}", host.stderr());
    assert_eq!(online.balance(&site), 11_00);
}
