// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccounts} from "./IAccounts.sol";
import {IRegistry} from "./IRegistry.sol";
import {ISessions} from "./ISessions.sol";
import {IVault} from "./IVault.sol";
import {IVehicles} from "./IVehicles.sol";

/// @title The ledger: vehicles, accounts and sessions in one immutable contract
/// @notice Participants, stations and tariffs stand in the registry, the tokens in the vault.
interface ILedger is IAccounts, IVehicles, ISessions {
    /// @notice Who is who: fixed for ever.
    function registry() external view returns (IRegistry);
    /// @notice Who holds the tokens: created by the ledger, fixed for ever.
    function vault() external view returns (IVault);
    /// @notice Who may post corrections of settled sessions: fixed for ever.
    function corrections() external view returns (address);
}
