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
    function registry() external view returns (IRegistry);
    function vault() external view returns (IVault);
}
