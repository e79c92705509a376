//! `Common`: what every service understands, but for the two large answers, which have modules of their own.

use super::value::Entries;
use super::word::{objects, words};

words! {
    /// Why a cancellation found nothing.
    CancelError { NoMatchingRequestIds "noMatchingRequestIDs", }
    /// What an error is about.
    ErrorKind { Hardware "hardware", Software "software", User "user", FraudAttempt "fraudAttempt", }
    /// What helps against an error.
    Remedy {
        Reset "reset", SoftwareError "softwareError", Configuration "configuration", Clear "clear",
        Maintenance "maintenance", Suspend "suspend",
    }
}

objects! {
    /// `Common.Status`.
    strict GetStatus {}
    /// `Common.Capabilities`.
    strict GetCapabilities {}
    /// `Common.SetVersions`: which major version of a message this connection uses.
    strict SetVersions {
        commands "commands": Entries<u32>,
        events "events": Entries<u32>,
    }
    /// `Common.Cancel`.
    strict Cancel {
        /// Absent: all of this connection.
        request_ids "requestIds": Vec<u32>,
    }
    /// The attempt to cancel was made.
    tolerant Cancelled { error "errorCode": CancelError, }
    /// `Common.GetCommandNonce`.
    strict GetCommandNonce {}
    /// The nonce.
    tolerant CommandNonce {
        /// 32 upper-case hexadecimal digits, or a decimal integer.
        nonce "commandNonce": String,
    }
    /// `Common.ClearCommandNonce`.
    strict ClearCommandNonce {}
    /// An answer or an event without a payload.
    tolerant Nothing {}
    /// `Common.ErrorEvent`.
    tolerant ErrorEvent {
        kind "eventId": ErrorKind,
        action "action": Remedy,
        description "vendorDescription": String,
    }
    /// `Common.NonceClearedEvent`.
    tolerant NonceCleared { reason "reasonDescription": String, }
}
