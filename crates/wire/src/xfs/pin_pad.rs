//! `PinPad` and `KeyManagement`: what is done with a PIN in the pad, and how keys come in.

use super::value::{Entries, Secret};
use super::word::{objects, words};

words! {
    /// Format of a PIN block.
    PinFormat {
        Ibm3624 "ibm3624", Ansi "ansi", Iso0 "iso0", Iso1 "iso1", Eci2 "eci2", Eci3 "eci3", Visa "visa",
        Diebold "diebold", DieboldCo "dieboldCo", Visa3 "visa3", Banksys "banksys", Emv "emv", Iso3 "iso3", Ap "ap",
        Iso4 "iso4",
    }
    /// Mode of enciphering.
    CryptoMethod {
        Ecb "ecb", Cbc "cbc", Cfb "cfb", Ofb "ofb", Ctr "ctr", Xts "xts", RsaesPkcs1V15 "rsaesPkcs1V15",
        RsaesOaep "rsaesOaep",
    }
    /// Why there is no PIN block.
    PinBlockError {
        KeyNotFound "keyNotFound", AccessDenied "accessDenied", KeyNoValue "keyNoValue", UseViolation "useViolation",
        NoPin "noPin", FormatNotSupported "formatNotSupported", InvalidKeyLength "invalidKeyLength",
        AlgorithmNotSupported "algorithmNotSupported", DukptOverflow "dukptOverflow",
        CryptoMethodNotSupported "cryptoMethodNotSupported",
    }
    /// Why a key was not imported.
    ImportError {
        KeyNotFound "keyNotFound", AccessDenied "accessDenied", DuplicateKey "duplicateKey", KeyNoValue "keyNoValue",
        UseViolation "useViolation", FormatNotSupported "formatNotSupported", InvalidKeyLength "invalidKeyLength",
        NoKeyRam "noKeyRam", SignatureNotSupported "signatureNotSupported", SignatureInvalid "signatureInvalid",
        RandomInvalid "randomInvalid", AlgorithmNotSupported "algorithmNotSupported",
        ModeNotSupported "modeNotSupported", CryptoMethodNotSupported "cryptoMethodNotSupported",
        InvalidValue "invalidValue", FormatInvalid "formatInvalid", ContentInvalid "contentInvalid",
    }
    /// How a key or its value is checked.
    VerifyMethod {
        KcvNone "kcvNone", KcvSelf "kcvSelf", KcvZero "kcvZero", SigNone "sigNone", RsassaPkcs1V15 "rsassaPkcs1V15",
        RsassaPss "rsassaPss",
    }
    /// Digest of a signature.
    HashAlgorithm { Sha1 "sha1", Sha256 "sha256", }
    /// Why a pad was not initialized.
    InitializationError {
        AccessDenied "accessDenied", RandomInvalid "randomInvalid", KeyNoValue "keyNoValue",
        KeyNotFound "keyNotFound", UseViolation "useViolation", ModeOfUseNotSupported "modeOfUseNotSupported",
        MacInvalid "macInvalid", SignatureInvalid "signatureInvalid",
    }
    /// Who says that a pad may be initialized.
    AuthenticationMethod {
        Certhost "certhost", SigHost "sigHost", Ca "ca", Hl "hl", Cbcmac "cbcmac", Cmac "cmac",
        CertHostTr34 "certHostTr34", CaTr34 "caTr34", HlTr34 "hlTr34", Reserved1 "reserved1", Reserved2 "reserved2",
        Reserved3 "reserved3",
    }
    /// Why there is nothing to say about a key.
    KeyDetailError { KeyNotFound "keyNotFound", }
    /// Whether a key has a value.
    Loaded { No "no", Yes "yes", Unknown "unknown", Construct "construct", }
    /// What somebody tried with a key.
    KeyAccessError {
        KeyNotFound "keyNotFound", KeyNoValue "keyNoValue", UseViolation "useViolation",
        AlgorithmNotSupported "algorithmNotSupported", DukptOverflow "dukptOverflow",
    }
}

objects! {
    /// `PinPad.GetPinBlock`.
    strict GetPinBlock {
        /// What the format mixes the PIN with: hexadecimal digits, of a card number.
        customer_data "customerData": Secret,
        /// 0 to 15; some devices insist on it for formats that ignore it.
        padding "padding": u32,
        format "format": PinFormat,
        /// Name of a loaded key of usage `P0`.
        key "key": String,
        xor_data "xorData": Secret,
        second_key "secondEncKey": String,
        method "cryptoMethod": CryptoMethod,
    }
    /// The PIN block. The PIN is gone from the pad.
    tolerant PinBlockMade {
        error "errorCode": PinBlockError,
        /// Base64.
        block "pinBlock": Secret,
    }
    /// `KeyManagement.ImportKey`.
    strict ImportKey {
        key "key": String,
        /// Absent for a key block, which says it itself.
        attributes "keyAttributes": KeyAttributes,
        /// Base64: enciphered, or a key block.
        value "value": Secret,
        constructing "constructing": bool,
        decrypt_key "decryptKey": String,
        decrypt_method "decryptMethod": CryptoMethod,
        verification "verificationData": String,
        verify_key "verifyKey": String,
        verify_attributes "verifyAttributes": VerifyAttributes,
        vendor_attributes "vendorAttributes": String,
    }
    /// What a key is for, in the letters of TR-31.
    strict KeyAttributes {
        usage "keyUsage": String,
        algorithm "algorithm": String,
        mode_of_use "modeOfUse": String,
        restricted_usage "restrictedKeyUsage": String,
    }
    /// How a value is checked.
    strict VerifyAttributes {
        method "cryptoMethod": VerifyMethod,
        hash "hashAlgorithm": HashAlgorithm,
    }
    /// The key is in the pad.
    tolerant KeyImported {
        error "errorCode": ImportError,
        /// Base64 of the check value.
        verification "verificationData": String,
        verify_attributes "verifyAttributes": ImportedVerifyAttributes,
        /// Bits.
        length "keyLength": u32,
    }
    /// How a check value was made.
    tolerant ImportedVerifyAttributes {
        usage "keyUsage": String,
        algorithm "algorithm": String,
        mode_of_use "modeOfUse": String,
        method "cryptoMethod": VerifyMethod,
        hash "hashAlgorithm": HashAlgorithm,
    }
    /// `KeyManagement.Initialization`: erases keys.
    strict Initialization { authentication "authentication": Authentication, }
    /// Who says that it may.
    strict Authentication {
        method "method": AuthenticationMethod,
        key "key": String,
        data "data": Secret,
    }
    /// The keys are erased.
    tolerant InitializationDone { error "errorCode": InitializationError, }
    /// `KeyManagement.GetKeyDetail`.
    strict GetKeyDetail {
        /// Absent: all.
        key "keyName": String,
    }
    /// Keys by name.
    tolerant KeyDetails {
        error "errorCode": KeyDetailError,
        keys "keyDetails": Entries<KeyDetail>,
    }
    /// One key.
    tolerant KeyDetail {
        generation "generation": u32,
        version "version": u32,
        /// `YYYYMMDD`.
        activating "activatingDate": String,
        /// `YYYYMMDD`.
        expiry "expiryDate": String,
        loaded "loaded": Loaded,
        block "keyBlockInfo": KeyBlockInfo,
    }
    /// What a key is for, in the letters of TR-31.
    tolerant KeyBlockInfo {
        usage "keyUsage": String,
        restricted_usage "restrictedKeyUsage": String,
        algorithm "algorithm": String,
        mode_of_use "modeOfUse": String,
        version "keyVersionNumber": String,
        exportability "exportability": String,
        optional_blocks "optionalBlockHeader": String,
        /// Bits.
        length "keyLength": u32,
    }
    /// `KeyManagement.IllegalKeyAccessEvent`.
    tolerant IllegalKeyAccess {
        key "keyName": String,
        error "errorCode": KeyAccessError,
    }
    /// `KeyManagement.DUKPTKSNEvent`.
    tolerant DukptKsn {
        key "key": String,
        /// Base64.
        ksn "ksn": String,
    }
}
