// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {Ocmf} from "../libraries/Ocmf.sol"; import {IOcmf} from "../interfaces/IOcmf.sol";
import {Json} from "../libraries/Json.sol";
contract Probe {
    function read(bytes memory t) external view returns (IOcmf.Record memory r, uint256 from, uint256 to, uint256 gasPlain, uint256 gasRead) {
        uint256 g = gasleft();
        Json.requirePlain(t);
        gasPlain = g - gasleft();
        g = gasleft();
        (from, to) = Ocmf.read(t, 0, r);
        Ocmf.complete(r);
        gasRead = g - gasleft();
    }
}
