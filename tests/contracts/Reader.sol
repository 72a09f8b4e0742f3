// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Messages, Opening, Report} from "../../contracts/libraries/Messages.sol";

/// @notice Gives the library its calldata.
contract Reader {
    function opening(bytes calldata m) external pure returns (ISessions.OpenSession memory) {
        Opening o = Messages.opening(m);
        return ISessions.OpenSession(
            o.station(),
            o.session(),
            Messages.vehicleOf(m),
            o.time(),
            o.importRegister(),
            o.exportRegister()
        );
    }

    function report(bytes calldata m) external pure returns (ISessions.EnergyReport memory) {
        Report r = Messages.report(m);
        return ISessions.EnergyReport(
            r.station(),
            r.session(),
            r.number(),
            r.time(),
            r.importRegister(),
            r.exportRegister(),
            r.last(),
            Messages.evidenceOf(m),
            boundaries(m)
        );
    }

    function hash(bytes calldata m) external pure returns (bytes32) {
        if (Messages.kindOf(m) == Messages.OPENING) {
            return Messages.hash(Messages.opening(m), Messages.vehicleOf(m));
        }
        return Messages.hash(Messages.report(m), Messages.evidenceOf(m), Messages.registersOf(m));
    }

    function signers(bytes calldata m, bytes32 digest)
        external
        view
        returns (address station, address vehicle)
    {
        return (Messages.signerOf(m, digest), Messages.vehicleSignerOf(m, digest));
    }

    function registers(bytes calldata m) external pure returns (bytes memory) {
        return Messages.registersOf(m);
    }

    function boundaries(bytes calldata m) private pure returns (bytes memory all) {
        all = Messages.registersOf(m);
        assembly ("memory-safe") {
            mstore(all, sub(mload(all), 12))
        }
    }

    function kind(bytes calldata m) external pure returns (uint8) {
        return Messages.kindOf(m);
    }
}
