// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Why a message was rejected. `None` is: accepted.
/// The first group leaves no trace: the same message may be accepted later, or never can be.
/// The second decides an opening for good: its session number is used up.
enum Reason {
    None,
    Malformed, // not a message of a known kind and length
    UnknownStation, // never approved, closed, or no key of it is good at that time
    BadSignature, // not signed by the station's key
    StationBusy, // its session is still open
    SessionUsed, // the number was opened or decided before
    SessionNotOpen, // a report for a session that is not the open one
    ReportUsed, // a report of this number was settled
    ReportMissing, // an earlier report has not arrived
    TimeInFuture, // beyond the skew
    TooOld, // an opening beyond the backlog
    TimeBackwards, // before the station's last reading
    RegisterBackwards, // below the station's last reading
    WrongBoundaries, // not one pair of registers for each slot boundary, or too many
    PowerExceeded, // more energy than the station's power allows in the time
    BadVehicleSignature, // the vehicle has a key, and it did not sign
    // the clearing's decisions:
    MarketPaused, // governance has stopped new clearings
    GridOperatorInactive,
    StationOperatorInactive,
    NoGridTariff,
    NoOperatorTariff,
    NoSupplier, // nobody supplies the vehicle, and there is no default supplier
    SupplierInactive,
    VehicleBusy, // it is in an open session at another station, which this opening does not supersede
    SupplierNotCovered, // open claims, or too little free balance for the reserve
    GridOperatorNotCovered // the same, for feed-in
}
