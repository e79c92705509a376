//! `Storage`: what is in which unit.

use super::value::{Counts, Entries, Number};
use super::word::{objects, words};

words! {
    /// State of a unit.
    UnitStatus {
        Ok "ok", Inoperative "inoperative", Missing "missing", NotConfigured "notConfigured",
        Manipulated "manipulated",
    }
    /// How full a unit is.
    Replenishment { Ok "ok", Full "full", High "high", Low "low", Empty "empty", }
    /// How full a printer's unit is.
    PrinterReplenishment { Ok "ok", Full "full", Unknown "unknown", High "high", }
    /// Whether counts can be believed.
    Accuracy {
        Accurate "accurate", AccurateSet "accurateSet", Inaccurate "inaccurate", Unknown "unknown",
    }
    /// What a unit cannot do.
    OperationStatus {
        DispenseInoperative "dispenseInoperative", DepositInoperative "depositInoperative",
    }
    /// What a card unit is for.
    CardUnitType { Retain "retain", Dispense "dispense", Park "park", }
    /// Why units were not changed.
    SetStorageError {
        InvalidUnit "invalidUnit", NoExchangeActive "noExchangeActive", StorageUnitError "storageUnitError",
    }
    /// Why no exchange began.
    StartExchangeError {
        StorageUnitError "storageUnitError", ExchangeActive "exchangeActive",
        TransactionActive "transactionActive",
    }
    /// Why an exchange did not end well.
    EndExchangeError { StorageUnitError "storageUnitError", NoExchangeActive "noExchangeActive", }
    /// What is wrong with a unit.
    UnitFailure {
        Empty "empty", Error "error", Full "full", Locked "locked", Invalid "invalid", Config "config",
        NotConfigured "notConfigured", FeedModuleProblem "feedModuleProblem", PhysicalLocked "physicalLocked",
        PhysicalUnlocked "physicalUnlocked",
    }
}

objects! {
    /// `Storage.GetStorage`.
    strict GetStorage {}
    /// Units by id.
    tolerant StorageUnits { storage "storage": Entries<StorageUnit>, }
    /// One unit, or what changed of it.
    tolerant StorageUnit {
        id "id": String,
        position "positionName": String,
        /// 0: unknown.
        capacity "capacity": u32,
        status "status": UnitStatus,
        serial_number "serialNumber": String,
        cash "cash": CashUnit,
        card "card": CardUnit,
        printer "printer": PrinterUnit,
    }
    /// A unit for cash.
    tolerant CashUnit {
        capabilities "capabilities": CashUnitCapabilities,
        configuration "configuration": CashUnitConfiguration,
        status "status": CashUnitStatus,
    }
    /// What a cash unit can be.
    tolerant CashUnitCapabilities {
        types "types": CashUnitTypes,
        items "items": CashUnitItems,
        hardware_sensors "hardwareSensors": bool,
        retract_areas "retractAreas": u32,
        /// Whether its capacity is in notes rather than in retracts.
        retract_thresholds "retractThresholds": bool,
        /// Cash item ids.
        cash_items "cashItems": Vec<String>,
    }
    /// What a cash unit is for.
    tolerant CashUnitTypes {
        cash_in "cashIn": bool,
        cash_out "cashOut": bool,
        replenishment "replenishment": bool,
        cash_in_retract "cashInRetract": bool,
        cash_out_retract "cashOutRetract": bool,
        reject "reject": bool,
    }
    /// What notes a cash unit takes.
    tolerant CashUnitItems {
        fit "fit": bool,
        unfit "unfit": bool,
        unrecognized "unrecognized": bool,
        counterfeit "counterfeit": bool,
        suspect "suspect": bool,
        inked "inked": bool,
        coupon "coupon": bool,
        document "document": bool,
    }
    /// How a cash unit is set up.
    tolerant CashUnitConfiguration {
        types "types": CashUnitTypes,
        items "items": CashUnitItems,
        currency "currency": String,
        /// Major units; 0: mixed.
        value "value": Number,
        high_threshold "highThreshold": u32,
        low_threshold "lowThreshold": u32,
        lock_in "appLockIn": bool,
        lock_out "appLockOut": bool,
        /// Cash item ids.
        cash_items "cashItems": Vec<String>,
        name "name": String,
        max_retracts "maxRetracts": u32,
    }
    /// What a cash unit holds: absolute since it was filled.
    tolerant CashUnitStatus {
        /// From 1.
        index "index": u32,
        initial "initial": Counts,
        out "out": CashOut,
        cash_in "in": CashIn,
        accuracy "accuracy": Accuracy,
        replenishment "replenishmentStatus": Replenishment,
        operation "operationStatus": OperationStatus,
    }
    /// Notes that left a unit: each in exactly one bucket.
    tolerant CashOut {
        presented "presented": Counts,
        rejected "rejected": Counts,
        distributed "distributed": Counts,
        unknown "unknown": Counts,
        stacked "stacked": Counts,
        diverted "diverted": Counts,
        transport "transport": Counts,
    }
    /// Notes that came into a unit.
    tolerant CashIn {
        retract_operations "retractOperations": u32,
        deposited "deposited": Counts,
        retracted "retracted": Counts,
        rejected "rejected": Counts,
        distributed "distributed": Counts,
        transport "transport": Counts,
    }
    /// What a command changed, by unit.
    tolerant CashInOut {
        cash_in "in": Entries<CashIn>,
        out "out": Entries<CashOut>,
    }
    /// Notes of one cash item.
    tolerant CashCount {
        fit "fit": u32,
        unfit "unfit": u32,
        suspect "suspect": u32,
        counterfeit "counterfeit": u32,
        inked "inked": u32,
    }
    /// A unit for cards.
    tolerant CardUnit {
        capabilities "capabilities": CardUnitCapabilities,
        configuration "configuration": CardUnitConfiguration,
        status "status": CardUnitStatus,
    }
    /// What a card unit can be.
    tolerant CardUnitCapabilities {
        kind "type": CardUnitType,
        hardware_sensors "hardwareSensors": bool,
    }
    /// How a card unit is set up.
    tolerant CardUnitConfiguration {
        card "cardID": String,
        threshold "threshold": u32,
    }
    /// What a card unit holds.
    tolerant CardUnitStatus {
        initial "initialCount": u32,
        count "count": u32,
        retained "retainCount": u32,
        replenishment "replenishmentStatus": Replenishment,
    }
    /// A printer's unit.
    tolerant PrinterUnit {
        capabilities "capabilities": PrinterUnitCapabilities,
        status "status": PrinterUnitStatus,
    }
    /// What a printer's unit can be.
    tolerant PrinterUnitCapabilities { max_retracts "maxRetracts": u32, }
    /// What a printer's unit holds.
    tolerant PrinterUnitStatus {
        index "index": u32,
        initial "initial": u32,
        items "in": u32,
        replenishment "replenishmentStatus": PrinterReplenishment,
    }
    /// `Storage.SetStorage`: only what is to change.
    strict SetStorage { storage "storage": Entries<SetUnit>, }
    /// One unit.
    strict SetUnit {
        cash "cash": SetCashUnit,
        card "card": SetCardUnit,
    }
    /// A unit for cash.
    strict SetCashUnit {
        configuration "configuration": CashUnitConfiguration,
        status "status": SetCashUnitStatus,
    }
    /// What it was filled with; empties the other counts.
    strict SetCashUnitStatus { initial "initial": Counts, }
    /// A unit for cards.
    strict SetCardUnit {
        configuration "configuration": CardUnitConfiguration,
        status "status": SetCardUnitStatus,
    }
    /// What it was filled with.
    strict SetCardUnitStatus { initial "initialCount": u32, }
    /// The units are changed.
    tolerant StorageSet { error "errorCode": SetStorageError, }
    /// `Storage.StartExchange`.
    strict StartExchange {}
    /// The exchange has begun.
    tolerant ExchangeStarted { error "errorCode": StartExchangeError, }
    /// `Storage.EndExchange`.
    strict EndExchange {}
    /// The exchange is over.
    tolerant ExchangeEnded { error "errorCode": EndExchangeError, }
    /// `Storage.StorageErrorEvent`.
    tolerant StorageError {
        failure "failure": UnitFailure,
        unit "unit": Entries<StorageUnit>,
    }
}

impl CashCount {
    /// Notes in whatever state.
    #[must_use]
    pub fn total(&self) -> u32 {
        let states = [self.fit, self.unfit, self.suspect, self.counterfeit, self.inked];
        states.into_iter().flatten().fold(0, u32::saturating_add)
    }
}

impl CashOut {
    /// Notes that left the unit, wherever they are now.
    #[must_use]
    pub fn total(&self) -> u32 {
        let buckets = [
            &self.presented,
            &self.rejected,
            &self.distributed,
            &self.unknown,
            &self.stacked,
            &self.diverted,
            &self.transport,
        ];
        buckets.into_iter().flatten().map(Counts::total).fold(0, u32::saturating_add)
    }
}
