// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Evidence} from "./Evidence.sol";
import {Standings} from "./Standings.sol";

/// @title Corrections of one ledger's sessions
/// @notice Immutable, with no owner. The ledger knows no other, and lets it post what a correction changes.
contract Corrections is Evidence {
    /// @param ledger_ which was deployed for this contract's address
    /// @param window_ s from a session's end until it is final
    constructor(address ledger_, uint40 window_) Standings(ledger_, window_) {}
}
