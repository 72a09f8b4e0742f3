// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";

/// @notice Gives the library its calldata.
contract Reader {
    function opening(bytes calldata m)
        external
        pure
        returns (ISessions.OpenSession memory, bytes memory signature)
    {
        return (Messages.decodeOpening(m), Messages.signatureOf(m));
    }

    function report(bytes calldata m)
        external
        pure
        returns (ISessions.EnergyReport memory r, bytes memory signature)
    {
        r = Messages.decodeReport(m);
        r.boundaries = Messages.boundariesOf(m);
        return (r, Messages.signatureOf(m));
    }

    function registers(bytes calldata m) external pure returns (bytes memory) {
        return Messages.registersOf(m);
    }

    function kind(bytes calldata m) external pure returns (uint8) {
        return Messages.kindOf(m);
    }
}
