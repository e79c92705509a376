//! `cashpoint operator`: the first members of staff, and the keys of terminals' devices, added while no host runs.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use anyhow::{Context, Result};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::keys::DeviceKeys;
use cashpoint_bank::secret::Password;
use cashpoint_core::id::MachineId;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Role;
use zeroize::Zeroizing;

/// Reads a role for clap.
pub(crate) fn parse_role(name: &str) -> Result<Role, String> {
    Role::parse(name).map_err(|_| format!("roles are {}", Role::ALL.map(Role::name).join(", ")))
}

/// Adds an operator; what to print.
pub(crate) fn add(bank: &Bank, name: &str, role: Role, password_file: Option<&Path>) -> Result<Result<String, String>> {
    let password = match password_file {
        Some(file) => std::fs::File::open(file)
            .with_context(|| format!("password file {}", file.display()))
            .and_then(first_line)?,
        None => ask(name)?,
    };
    let Ok(password) = Password::choose(&password) else {
        return Ok(Err("a password has 8 to 1024 characters".to_owned()));
    };
    match bank.add_operator(name, role, password)? {
        Ok(_) => Ok(Ok(format!("added {} {name}", role.name()))),
        Err(Refusal::InvalidRequest { .. }) => Ok(Err(format!("there is an operator {name} already"))),
        Err(refusal) => Ok(Err(format!("refused: {}", refusal.code()))),
    }
}

/// Reads a machine's id for clap.
pub(crate) fn parse_machine(id: &str) -> Result<MachineId, String> {
    MachineId::parse(id).map_err(|_| "a machine's id has 1 to 31 of A-Z a-z 0-9 _ -".to_owned())
}

/// Loads the keys of a terminal's devices; what to print.
pub(crate) fn load_keys(bank: &Bank, machine: MachineId, file: &Path) -> Result<Result<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("key file {}", file.display()))?;
    let keys = match DeviceKeys::of_file(&Zeroizing::new(text)) {
        Ok(keys) => keys,
        Err(wrong) => return Ok(Err(format!("{}: {wrong}", file.display()))),
    };
    match bank.load_terminal_keys(machine, keys)? {
        Ok(()) => Ok(Ok(format!("loaded the keys of {machine}; delete {}", file.display()))),
        Err(Refusal::AtmNotFound) => Ok(Err(format!("there is no machine {machine} of kind terminal"))),
        Err(refusal) => Ok(Err(format!("refused: {}", refusal.code()))),
    }
}

fn ask(name: &str) -> Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return rpassword::prompt_password(format!("Password for {name}: ")).context("the password");
    }
    first_line(input.lock())
}

fn first_line(source: impl std::io::Read) -> Result<String> {
    let mut line = String::new();
    std::io::BufReader::new(source).read_line(&mut line).context("the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
