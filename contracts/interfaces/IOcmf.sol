// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What a meter's record says, and why it is refused
/// @notice A record that is refused changes nothing. Where a position is given, it is the byte in the record.
interface IOcmf {
    // --------------------------------------------------------------------------------------------- Types
    /// @notice What one record says, or two that follow each other.
    struct Record {
        bytes32 digest; // SHA-256 of the text
        uint256 page; // number of the last page
        uint256 first; // Wh, first reading: import register from bit 48, export register below; cut off to whole ones
        uint256 last; // Wh, last reading
        uint256 directions; // bit 0: it tells of import, bit 1: of export
        uint256 relative; // the same bits: that register began anew with the transaction
        uint256 beginTime; // UTC s, 0 unless by a synchronised clock
        uint256 endTime; // UTC s, 0 unless by a synchronised clock
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice Not `OCMF|{...}|`, or not JSON of the plain kind that meters print: no escapes, and no nesting
    /// beyond the readings.
    error NotOcmf(uint256 pos);
    /// @notice A format version other than 1.x.
    error UnknownVersion();
    /// @notice A key that is read stands there twice, as its two letters.
    error KeyTwice(uint256 key);
    /// @notice A value that is read has not the form that OCMF gives it.
    error BadValue(uint256 key, uint256 pos);
    /// @notice Neither meter serial number (MS) nor gateway serial number (GS).
    error NoSerial();
    /// @notice No pagination (PG), or not that of a transaction, `T` and a number.
    error NoTransaction();
    /// @notice A register's reading whose status (ST) is not `G`, or that is marked as faulty (EF with E, TX = X).
    error StatusNotGood(uint256 pos);
    /// @notice A register has two first or two last readings, or a last one before the first.
    error ReadingOutOfOrder(uint256 pos);
    /// @notice A register's unit is neither kWh nor Wh.
    error UnknownUnit(uint256 pos);
    /// @notice No register with both a first and a last reading, or one that has only either.
    error Incomplete();
    /// @notice A register that ran backwards, or is beyond 2^48 Wh, or synchronised times that do.
    error Backwards();
    /// @notice The second record is not the page after the first, or of another meter.
    error NotConsecutive();
    /// @notice The record is another meter's, whose serial number has this keccak256.
    error OtherMeter(bytes32 serial);
    /// @notice The meter's key did not sign these bytes.
    error BadMeterSignature();
}
