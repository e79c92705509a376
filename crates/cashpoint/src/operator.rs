//! `cashpoint operator add`: the first members of staff, added while no host runs.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use anyhow::{Context, Result};
use cashpoint_bank::bank::Bank;
use cashpoint_bank::secret::Password;
use cashpoint_core::outcome::Refusal;
use cashpoint_core::session::Role;

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
