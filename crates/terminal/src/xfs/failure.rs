//! Why a command did not do what it was told, in the terminal's few words.
//!
//! What concerns all commands is a table here; what concerns one stands with that command. A code whose meaning leaves
//! open whether something moved becomes [`Failure::Hardware`]: the terminal then reads counters before it decides.

use cashpoint_core::terminal::device::Failure;
use cashpoint_wire::xfs::envelope::CompletionCode;

use super::session::Reply;
use super::socket::Broken;

/// Why a command of the terminal ended early.
pub(super) enum Stop {
    /// The connection is of no more use.
    Broken(Broken),
    /// The device says no.
    Failed(Failure),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a reply brought; of a failure, why.
pub(super) fn brought<A, E>(
    reply: Reply<A>,
    error: impl FnOnce(&A) -> Option<E>,
    failure: impl FnOnce(E) -> Failure,
) -> Result<A, Failure> {
    match (reply.code, reply.answer) {
        // Done, but what it brought cannot be read.
        (CompletionCode::Success, answer) => answer.ok_or(Failure::Hardware),
        // An error code that is not known here says as little as none.
        (CompletionCode::CommandErrorCode, answer) => {
            Err(answer.as_ref().and_then(error).map_or(Failure::Hardware, failure))
        }
        (code, _) => Err(general(code)),
    }
}

/// What a reply brought, of a command without errors of its own.
pub(super) fn brought_plainly<A>(reply: Reply<A>) -> Result<A, Failure> {
    brought(reply, |_| None::<Failure>, |failure| failure)
}

/// A limit that ran out while something moved leaves open how far it came.
pub(super) fn of_motion(failure: Failure) -> Failure {
    if failure == Failure::TimedOut { Failure::Hardware } else { failure }
}

/// Codes that any command can end with.
pub(super) const fn general(code: CompletionCode) -> Failure {
    match code {
        CompletionCode::Canceled => Failure::Cancelled,
        CompletionCode::TimeOut => Failure::TimedOut,
        CompletionCode::FraudAttempt => Failure::Fraud,
        CompletionCode::InvalidCommand
        | CompletionCode::InvalidRequestId
        | CompletionCode::UnsupportedCommand
        | CompletionCode::InvalidData
        | CompletionCode::UnsupportedData
        | CompletionCode::SequenceError
        | CompletionCode::AuthorizationRequired => Failure::Sequence,
        CompletionCode::NoCommandNonce => Failure::NoNonce,
        CompletionCode::InvalidToken
        | CompletionCode::InvalidTokenNonce
        | CompletionCode::InvalidTokenHmac
        | CompletionCode::InvalidTokenFormat => Failure::Token,
        CompletionCode::InvalidTokenKeyNoValue => Failure::Key,
        CompletionCode::Success
        | CompletionCode::CommandErrorCode
        | CompletionCode::DeviceNotReady
        | CompletionCode::HardwareError
        | CompletionCode::InternalError
        | CompletionCode::UserError
        | CompletionCode::NotEnoughSpace => Failure::Hardware,
    }
}
