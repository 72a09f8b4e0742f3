// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IOcmf} from "./IOcmf.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title Reads what a calibrated meter signed
/// @notice Holds nothing and may do nothing. Anybody may ask it, for free and off chain too.
interface IMeterReader is IOcmf {
    /// @notice Reads a meter's record out of the bytes that it signed, and checks its signature over them. Reverts with
    /// the reason if the record is refused.
    /// @param text one OCMF record, or two that follow each other: one with the first reading, one with the last
    /// @param second where the second record begins, 0 if there is none
    /// @param signatures r, s of each record, 64 bytes; s in either half of the order
    /// @return record what it says
    function read(
        bytes calldata text,
        uint256 second,
        bytes calldata signatures,
        IRegistry.MeterKey calldata key
    ) external view returns (Record memory record);
}
