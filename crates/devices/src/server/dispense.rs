//! `CashDispenser` and its `CashManagement`: mixes, dispensing, presenting, taking back.

use cashpoint_core::mix;
use cashpoint_core::money::Amount;
use cashpoint_core::terminal::device::{self, DispenseToken, Failure, PresentState, Unit, Usable};
use cashpoint_wire::dispense_token::{TokenError, TokenNonce};
use cashpoint_wire::xfs::cash::{
    IncompleteRetract, IncompleteRetractReason, ItemTarget, MediaDetected, ResetDone, Retract, RetractArea,
    RetractError, Retracted,
};
use cashpoint_wire::xfs::dispenser::{
    Denominate, DenominateError, DenominateRequest, Denominated, Denomination, Dispense, DispenseError, Dispensed,
    GetPresentStatus, MixKind, MixType, MixTypes, PresentError, PresentState as XfsPresentState, PresentStatus,
    Presented, RejectError, Rejected,
};
use cashpoint_wire::xfs::envelope::CompletionCode;
use cashpoint_wire::xfs::message::{Answer, Event};
use cashpoint_wire::xfs::service::{CommandNonce, Nothing};
use cashpoint_wire::xfs::storage::{CashIn, CashInOut, CashOut};
use cashpoint_wire::xfs::value::{Entries, Number};
use data_encoding::HEXUPPER;

use super::desk::{Begun, Desk};
use super::event::at_the_exit;
use super::operation::{End, general};
use super::quirk::ShortDispense;
use super::snapshot::{Snapshot, added};
use super::storage;
use crate::model::{Exchange, Found, Hardware, Out};

const UNIT: Unit = Unit::Dispenser;

/// The fewest notes.
const LEAST: &str = "mix1";
/// The cassettes emptied evenly.
const EVEN: &str = "mix2";

/// Why a request names no notes that could be given.
enum NoMix {
    /// In the words of both commands.
    Denominate(DenominateError),
    /// It is none.
    InvalidData,
}

impl Desk {
    pub(super) fn nonce_ended(ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(device::Answer::Nonce(nonce)) => {
                End::Done(Answer::GetCommandNonce(CommandNonce { nonce: Some(HEXUPPER.encode(&nonce.0)) }))
            }
            Ok(_) => End::Done(Answer::ClearCommandNonce(Nothing {})),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn mix_types() -> End {
        let kind = |algorithm: &str, name: &str| MixKind {
            kind: Some(MixType::Algorithm),
            algorithm: Some(algorithm.to_owned()),
            name: Some(name.to_owned()),
        };
        let mixes = [(LEAST, kind("minimumBills", "Fewest notes")), (EVEN, kind("equalEmptying", "Emptying evenly"))];
        End::Done(Answer::GetMixTypes(MixTypes { mixes: Some(mixes.into_iter().collect()) }))
    }

    pub(super) fn begin_denominate(&mut self, denominate: &Denominate) -> Begun {
        let exchange = self.hardware.dispenser().exchange() == Exchange::Active;
        let end = match denominate.request.as_ref().map(|request| notes_of(&self.hardware, request)) {
            _ if exchange => denominated_not(DenominateError::ExchangeActive),
            None | Some(Err(NoMix::InvalidData)) => End::Code(CompletionCode::InvalidData),
            Some(Err(NoMix::Denominate(error))) => denominated_not(error),
            Some(Ok((notes, _))) => {
                let result = Some(denomination(&self.hardware, &notes));
                End::Done(Answer::Denominate(Denominated { error: None, result }))
            }
        };
        self.over(UNIT, end)
    }

    pub(super) fn begin_dispense(&mut self, dispense: &Dispense) -> Begun {
        let notes = dispense.denomination.as_ref().map(|request| notes_of(&self.hardware, request));
        let (notes, amount) = match notes {
            None | Some(Err(NoMix::InvalidData)) => {
                return self.over(UNIT, End::Code(CompletionCode::InvalidData));
            }
            Some(Err(NoMix::Denominate(error))) => return self.over(UNIT, dispensed_not(as_dispense(error))),
            Some(Ok(found)) => found,
        };
        let Some(token) = &dispense.token else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidToken));
        };
        let token = DispenseToken(token.clone());
        Begun::Device(device::Command::Dispense(device::Dispense { notes, amount, token }))
    }

    pub(super) fn dispense_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        let Some(running) = self.running(UNIT) else { return End::Code(CompletionCode::InternalError) };
        let (token, before) = (running.entry.token, running.before.clone());
        let exchange = self.hardware.dispenser().exchange() == Exchange::Active;
        match ended {
            Ok(device::Answer::Dispensed(notes)) => self.dispensed(notes, &before),
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(Failure::Token | Failure::NoNonce) => End::Code(token.map_or(CompletionCode::InvalidToken, refused)),
            Err(Failure::Sequence) if exchange => dispensed_not(DispenseError::ExchangeActive),
            Err(Failure::Sequence) => dispensed_not(DispenseError::InvalidDenomination),
            Err(Failure::Cassette) => dispensed_not(DispenseError::CashUnitError),
            Err(Failure::NotDispensable) => dispensed_not(DispenseError::NotDispensable),
            Err(Failure::ItemsLeft) => dispensed_not(DispenseError::ItemsLeft),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    fn dispensed(&mut self, notes: &[u32], before: &Snapshot) -> End {
        let given = denomination(&self.hardware, notes);
        let planned = self.planned();
        let short = planned.is_some_and(|planned| planned != notes);
        if short {
            self.tell(UNIT, Event::IncompleteDispense(given.clone()));
            if self.quirks.short_dispense == ShortDispense::Error {
                return dispensed_not(DispenseError::CashUnitError);
            }
        }
        let out = out_changes(&self.hardware, before, &Snapshot::of(&self.hardware));
        End::Done(Answer::Dispense(Dispensed {
            error: None,
            denomination: Some(given),
            bunches: Some("1".to_owned()),
            storage: Some(CashInOut { cash_in: None, out: Some(out) }),
        }))
    }

    /// What the running dispense was told to give.
    fn planned(&mut self) -> Option<Vec<u32>> {
        use cashpoint_wire::xfs::message::Command;
        let Command::Dispense(dispense) = self.running(UNIT)?.request.command.clone() else { return None };
        let counts = dispense.denomination?.denomination?.app?.counts?;
        let of = |position| counts.of(&storage::cassette_id(position)).copied().unwrap_or(0);
        Some((0..self.hardware.dispenser().cassettes().len()).map(of).collect())
    }

    pub(super) fn present_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        let error = |error| End::Error(Answer::Present(Presented { error: Some(error), position: None }));
        let exchange = self.hardware.dispenser().exchange() == Exchange::Active;
        match ended {
            Ok(_) => End::Done(Answer::Present(Presented { error: None, position: Some(at_the_exit()) })),
            Err(Failure::Nothing) => error(PresentError::NoItems),
            Err(Failure::ShutterStuck) => error(PresentError::ShutterNotOpen),
            Err(Failure::NotPresented) => error(PresentError::PresentErrorNoItems),
            Err(Failure::PartlyPresented) => error(PresentError::PresentErrorItems),
            Err(Failure::Jam) => error(PresentError::PresentErrorUnknown),
            Err(Failure::Sequence) if exchange => error(PresentError::ExchangeActive),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn reject_ended(ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(_) => End::Done(Answer::Reject(Rejected::default())),
            Err(Failure::Nothing) => End::Error(Answer::Reject(Rejected { error: Some(RejectError::NoItems) })),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn begin_present_status(&mut self, asked: &GetPresentStatus) -> Begun {
        let nonce = asked.nonce.as_deref().map(TokenNonce::parse);
        if nonce == Some(None) {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        }
        Begun::Reported(self.hardware.tell_present_status(nonce.flatten().as_ref()))
    }

    pub(super) fn present_status_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        match ended {
            Ok(device::Answer::PresentStatus(status)) => End::Done(Answer::GetPresentStatus(PresentStatus {
                error: None,
                denomination: status.notes.as_deref().map(|notes| denomination(&self.hardware, notes)),
                state: Some(match status.state {
                    PresentState::Presented => XfsPresentState::Presented,
                    PresentState::NotPresented => XfsPresentState::NotPresented,
                    PresentState::Unknown => XfsPresentState::Unknown,
                }),
                token: status.token.clone(),
            })),
            Ok(_) => End::Code(CompletionCode::InternalError),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    pub(super) fn begin_retract(&mut self, retract: &Retract) -> Begun {
        let Some(location) = &retract.location else {
            return self.over(UNIT, End::Code(CompletionCode::InvalidData));
        };
        match (location.area, location.index) {
            (None | Some(RetractArea::Retract), None | Some(1)) => Begun::Device(device::Command::Retract),
            (None | Some(RetractArea::Retract), Some(_)) => {
                self.over(UNIT, retracted_not(RetractError::InvalidRetractPosition))
            }
            (Some(_), _) => self.over(UNIT, retracted_not(RetractError::NotRetractArea)),
        }
    }

    pub(super) fn retract_ended(&mut self, ended: &Result<device::Answer, Failure>) -> End {
        let Some(running) = self.running(UNIT) else { return End::Code(CompletionCode::InternalError) };
        let before = running.before.clone();
        let storage = self.retract_changes(&before);
        match ended {
            Ok(_) => End::Done(Answer::Retract(Retracted { storage: Some(storage), ..Retracted::default() })),
            Err(Failure::AlreadyTaken) => End::Error(Answer::Retract(Retracted {
                error: Some(RetractError::ItemsTaken),
                storage: Some(storage),
                ..Retracted::default()
            })),
            Err(Failure::Nothing) => retracted_not(RetractError::NoItems),
            Err(Failure::Jam) => {
                let reason = Some(IncompleteRetractReason::RetractFailure);
                let items = Some(storage);
                self.tell(UNIT, Event::IncompleteRetract(IncompleteRetract { items, reason }));
                retracted_not(RetractError::IncompleteRetract)
            }
            Err(Failure::Sequence) => retracted_not(RetractError::ExchangeActive),
            Err(failure) => End::Code(general(*failure)),
        }
    }

    /// What came into the retract unit.
    fn retract_changes(&self, before: &Snapshot) -> Entries<CashIn> {
        let now = Snapshot::of(&self.hardware);
        let operations = now.retract_operations.saturating_sub(before.retract_operations);
        let came = CashIn {
            retract_operations: Some(operations),
            retracted: storage::counts(self.hardware.fitting().currency, &added(&before.retracted, &now.retracted)),
            ..CashIn::default()
        };
        Entries(vec![(storage::retract_id(&self.hardware), came)])
    }

    pub(super) fn begin_cash_reset(&mut self, unit: Unit) -> Begun {
        let before = Snapshot::of(&self.hardware);
        let found = match unit {
            Unit::Acceptor => self.hardware.reset_acceptor(),
            Unit::Dispenser | Unit::CardReader | Unit::PinPad | Unit::Printer => self.hardware.reset_dispenser(),
        };
        let dispenser = unit == UNIT;
        if found == Found::Notes {
            let target = if dispenser { ItemTarget::Retract } else { ItemTarget::SingleUnit };
            let detected = MediaDetected {
                target: Some(target),
                unit: (!dispenser).then(|| storage::ONLY_UNIT.to_owned()),
                index: dispenser.then_some(1),
            };
            self.tell(unit, Event::CashDetected(detected));
        }
        let storage = (dispenser && found == Found::Notes).then(|| self.retract_changes(&before));
        self.over(unit, End::Done(Answer::ResetCash(ResetDone { storage, ..ResetDone::default() })))
    }
}

/// The notes by cassette that a request means, and what they add up to.
fn notes_of(hardware: &Hardware, request: &DenominateRequest) -> Result<(Vec<u32>, Amount), NoMix> {
    let currency = hardware.fitting().currency;
    let denomination = request.denomination.as_ref().ok_or(NoMix::InvalidData)?;
    let wanted = |currencies: Option<&Entries<Number>>| {
        let currencies = currencies.ok_or(NoMix::InvalidData)?;
        let [(code, number)] = currencies.0.as_slice() else {
            return Err(NoMix::Denominate(DenominateError::NoCurrencyMix));
        };
        if code != currency.code() {
            return Err(NoMix::Denominate(DenominateError::InvalidCurrency));
        }
        number.amount(currency).ok_or(NoMix::Denominate(DenominateError::NotDispensable))
    };
    match (&denomination.app, &denomination.service) {
        (Some(app), None) => {
            let amount = wanted(app.currencies.as_ref())?;
            let counts = app.counts.as_ref().ok_or(NoMix::InvalidData)?;
            let mut notes = vec![0; hardware.dispenser().cassettes().len()];
            for (id, count) in &counts.0 {
                let invalid = NoMix::Denominate(DenominateError::InvalidDenomination);
                let position = storage::position_of(hardware, id).ok_or(invalid)?;
                notes[position] = *count;
            }
            if value(hardware, &notes) != amount.minor() {
                return Err(NoMix::Denominate(DenominateError::InvalidDenomination));
            }
            Ok((notes, amount))
        }
        (None, Some(service)) => {
            let amount = wanted(service.currencies.as_ref())?;
            let even = match service.mix.as_deref() {
                Some(LEAST) => mix::least_notes,
                Some(EVEN) => mix::even,
                Some(_) | None => return Err(NoMix::Denominate(DenominateError::InvalidMixNumber)),
            };
            let cassettes = to_give(hardware);
            let notes = even(&cassettes, amount.minor(), hardware.fitting().most_notes);
            let notes = notes.ok_or(NoMix::Denominate(DenominateError::NotDispensable))?;
            Ok((notes, amount))
        }
        (Some(_), Some(_)) | (None, None) => Err(NoMix::InvalidData),
    }
}

/// What the cassettes can give.
fn to_give(hardware: &Hardware) -> Vec<mix::Cassette> {
    let counters = hardware.counters();
    let cassette = |cassette: &device::CassetteCounters| mix::Cassette {
        denomination: cassette.denomination,
        count: match cassette.usable {
            Usable::Yes | Usable::Low => cassette.left(),
            Usable::Empty | Usable::No => 0,
        },
    };
    counters.cassettes.iter().map(cassette).collect()
}

fn value(hardware: &Hardware, notes: &[u32]) -> i64 {
    let cassettes = hardware.dispenser().cassettes();
    cassettes.iter().zip(notes).map(|(cassette, count)| cassette.denomination * i64::from(*count)).sum()
}

/// Notes by cassette, as messages tell them.
fn denomination(hardware: &Hardware, notes: &[u32]) -> Denomination {
    let currency = hardware.fitting().currency;
    let given = notes.iter().enumerate().filter(|(_, count)| **count > 0);
    let values: Entries<u32> = given.map(|(position, count)| (storage::cassette_id(position), *count)).collect();
    if values.0.is_empty() {
        // Nothing, which is not the same as not knowing.
        return Denomination { values: Some(values), ..Denomination::default() };
    }
    let sum = storage::number(currency, value(hardware, notes));
    Denomination {
        currencies: Some([(currency.code(), sum)].into_iter().collect()),
        values: Some(values),
        cash_box: None,
    }
}

/// What left the cassettes, by what became of it.
fn out_changes(hardware: &Hardware, before: &Snapshot, now: &Snapshot) -> Entries<CashOut> {
    let currency = hardware.fitting().currency;
    let pairs = before.cassettes.iter().zip(&now.cassettes).enumerate();
    let changed = pairs.filter(|(_, (was, is))| was.out != is.out);
    changed
        .map(|(position, (was, is))| {
            let more = Out {
                presented: is.out.presented.saturating_sub(was.out.presented),
                rejected: is.out.rejected.saturating_sub(was.out.rejected),
                unknown: is.out.unknown.saturating_sub(was.out.unknown),
                stacked: is.out.stacked.saturating_sub(was.out.stacked),
                transport: is.out.transport.saturating_sub(was.out.transport),
            };
            let denomination = hardware.dispenser().cassettes()[position].denomination;
            (storage::cassette_id(position), storage::out_buckets(currency, denomination, &more))
        })
        .collect()
}

fn denominated_not(error: DenominateError) -> End {
    End::Error(Answer::Denominate(Denominated { error: Some(error), result: None }))
}

fn dispensed_not(error: DispenseError) -> End {
    End::Error(Answer::Dispense(Dispensed { error: Some(error), ..Dispensed::default() }))
}

fn retracted_not(error: RetractError) -> End {
    End::Error(Answer::Retract(Retracted { error: Some(error), ..Retracted::default() }))
}

const fn as_dispense(error: DenominateError) -> DispenseError {
    match error {
        DenominateError::InvalidCurrency => DispenseError::InvalidCurrency,
        DenominateError::InvalidTellerId => DispenseError::InvalidTellerId,
        DenominateError::CashUnitError => DispenseError::CashUnitError,
        DenominateError::InvalidDenomination => DispenseError::InvalidDenomination,
        DenominateError::InvalidMixNumber => DispenseError::InvalidMixNumber,
        DenominateError::NoCurrencyMix => DispenseError::NoCurrencyMix,
        DenominateError::NotDispensable => DispenseError::NotDispensable,
        DenominateError::TooManyItems => DispenseError::TooManyItems,
        DenominateError::ExchangeActive => DispenseError::ExchangeActive,
        DenominateError::NoCashBoxPresent => DispenseError::NoCashBoxPresent,
        DenominateError::AmountNotInMixTable => DispenseError::AmountNotInMixTable,
    }
}

const fn refused(error: TokenError) -> CompletionCode {
    match error {
        TokenError::Format => CompletionCode::InvalidTokenFormat,
        TokenError::NoKey => CompletionCode::InvalidTokenKeyNoValue,
        TokenError::Forged => CompletionCode::InvalidTokenHmac,
        TokenError::NoNonce => CompletionCode::NoCommandNonce,
        TokenError::OtherNonce => CompletionCode::InvalidTokenNonce,
        TokenError::Refused => CompletionCode::InvalidToken,
    }
}
