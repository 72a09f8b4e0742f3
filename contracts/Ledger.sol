// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Accounts} from "./Accounts.sol";
import {Base} from "./Base.sol";
import {Sessions} from "./Sessions.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVault} from "./interfaces/IVault.sol";

/// @title The Gridroam ledger
/// @notice Immutable, with no owner: it reads the registry, creates its vault, and answers to signatures only.
contract Ledger is Sessions, ILedger {
    /// @param corrections_ the only contract that may post corrections
    constructor(address registry_, address token, address corrections_)
        Base(registry_)
        Accounts(token, corrections_)
    {}

    function registry() external view returns (IRegistry) {
        return REGISTRY;
    }

    function vault() external view returns (IVault) {
        return VAULT;
    }

    function corrections() external view returns (address) {
        return CORRECTIONS;
    }
}
