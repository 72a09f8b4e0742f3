// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISessions} from "./interfaces/ISessions.sol";

/// @notice What every part of the ledger refers to.
abstract contract Base {
    uint8 internal constant SUPPLIER = 1;

    IRegistry internal immutable REGISTRY;
    mapping(uint32 station => ISessions.Session) internal _sessions;
    mapping(uint32 station => ISessions.Change) internal _changes;

    constructor(address registry) {
        REGISTRY = IRegistry(registry);
    }
}
