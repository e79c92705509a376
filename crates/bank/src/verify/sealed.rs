//! What is sealed or keyed: opens under the keys, in its own place, and is found under the index made from it.

use argon2::password_hash::phc::PasswordHash;
use cashpoint_core::customer::Sealed;
use cashpoint_core::id::CustomerId;

use super::report::{Judge, Named, Report};
use crate::keys::{KeyError, KeyPurpose, KeyStore, MacPurpose, WrappedKey};
use crate::personal::{DataKey, PersonalColumn, VersionedIndex, card_indexes, email_indexes};
use crate::secret::Pan;
use crate::store::StoreError;
use crate::store::records::{CardRecord, CustomerRecord, Records};

/// Checks everything that is sealed.
pub(super) fn check(records: &Records, keys: &dyn KeyStore, report: &mut Report) -> Result<(), StoreError> {
    let mut judge = Judge::of("sealed");
    records.customers(|row| {
        judge.examine();
        if let Err(error) = check_customer(&row, keys, &mut judge) {
            judge.differs(format_args!("customer {}: the data key does not open: {error}", row.id));
        }
    })?;
    let verifiers = keys.live_versions(KeyPurpose::Mac(MacPurpose::PinVerifier)).unwrap_or_default();
    records.cards(|row| {
        judge.examine();
        if let Err(error) = check_card(&row, keys, &mut judge) {
            judge.differs(format_args!("card {}: its number does not open: {error}", row.id));
        }
        if !row.verifier_version.is_some_and(|version| verifiers.contains(&version)) {
            judge.differs(format_args!("card {}: its PIN's verifier is of a key that is not there", row.id));
        }
    })?;
    report.add(judge);
    Ok(())
}

fn check_customer(row: &CustomerRecord, keys: &dyn KeyStore, judge: &mut Judge) -> Result<(), KeyError> {
    let subject = Named("customer", row.id);
    let wrapped = WrappedKey { version: row.data_key_version, sealed: row.data_key.clone() };
    let key = DataKey::unwrap(keys, CustomerId::new(row.id), &wrapped)?;
    let columns = [
        (PersonalColumn::Email, "email address", &row.email),
        (PersonalColumn::Phone, "telephone number", &row.phone),
        (PersonalColumn::Address, "postal address", &row.address),
    ];
    for (column, what, sealed) in columns {
        let Some(sealed) = sealed else {
            continue;
        };
        match key.open(column, row.id, &Sealed(sealed.clone())) {
            Err(error) => judge.differs(format_args!("{subject}: the {what} does not open: {error}")),
            Ok(text) if column == PersonalColumn::Email => {
                let indexes = email_indexes(keys, &text)?;
                if !indexes_hold(&indexes, row.email_index.as_deref()) {
                    judge.differs(format_args!("{subject}: the email address's index is not made from it"));
                }
            }
            Ok(_) => {}
        }
    }
    if row.password_hash.as_deref().is_some_and(|hash| PasswordHash::new(hash).is_err()) {
        judge.differs(format_args!("{subject}: what should be a password's hash is none"));
    }
    Ok(())
}

fn check_card(row: &CardRecord, keys: &dyn KeyStore, judge: &mut Judge) -> Result<(), KeyError> {
    let (Some(version), Some(sealed)) = (row.data_key_version, row.data_key.clone()) else {
        judge.differs(format_args!("card {}: it has no holder", row.id));
        return Ok(());
    };
    let key = DataKey::unwrap(keys, CustomerId::new(row.customer), &WrappedKey { version, sealed })?;
    let number = key.open(PersonalColumn::CardNumber, row.id, &Sealed(row.number.clone()))?;
    let indexes = match Pan::parse(&number) {
        Ok(pan) => card_indexes(keys, &pan)?,
        Err(_) => Vec::new(),
    };
    if !indexes_hold(&indexes, row.number_index.as_deref()) {
        judge.differs(format_args!("card {}: the number's index is not made from it", row.id));
    }
    Ok(())
}

/// Whether an index is one of those made under the live keys.
fn indexes_hold(indexes: &[VersionedIndex], stored: Option<&[u8]>) -> bool {
    indexes.iter().any(|made| Some(made.index.as_slice()) == stored)
}
