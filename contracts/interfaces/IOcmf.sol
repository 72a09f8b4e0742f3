// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Why a meter's record is refused
/// @notice A record that is refused changes nothing. Where a position is given, it is the byte in the record.
interface IOcmf {
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
}
