// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "./interfaces/IRegistry.sol";

/// @notice What every part of the ledger refers to.
abstract contract Base {
    uint8 internal constant SUPPLIER = 1;

    IRegistry internal immutable REGISTRY;

    constructor(address registry) {
        REGISTRY = IRegistry(registry);
    }
}
