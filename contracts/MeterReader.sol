// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMeterReader} from "./interfaces/IMeterReader.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Json} from "./libraries/Json.sol";
import {MeterSignatures} from "./libraries/MeterSignatures.sol";
import {Ocmf} from "./libraries/Ocmf.sol";

/// @notice Reads meters' records; a contract of its own because the corrections are as large as a contract may be.
contract MeterReader is IMeterReader {
    function read(
        bytes calldata text,
        uint256 second,
        bytes calldata signatures,
        IRegistry.MeterKey calldata key
    ) external view returns (Record memory record) {
        bytes memory copy = text;
        // slither-disable-next-line uninitialized-local it begins empty
        Ocmf.Readings memory r;
        Json.requirePlain(copy);
        require(signatures.length == (second == 0 ? 64 : 128), BadMeterSignature());
        _readOne(copy, 0, signatures[0:64], key, r);
        if (second != 0) _readOne(copy, second, signatures[64:128], key, r);
        require(r.serial == key.serial, OtherMeter(r.serial));
        record = Ocmf.complete(r);
        record.digest = sha256(copy);
    }

    function _readOne(
        bytes memory text,
        uint256 start,
        bytes calldata signature,
        IRegistry.MeterKey calldata key,
        Ocmf.Readings memory r
    ) private view {
        require(start < text.length, NotOcmf(start));
        (uint256 from, uint256 to) = Ocmf.read(text, start, r);
        bytes32 digest = MeterSignatures.sha256Of(text, from, to);
        bytes32 s = bytes32(signature[32:64]);
        bool signed = MeterSignatures.verify(digest, bytes32(signature[0:32]), s, key);
        require(signed, BadMeterSignature());
    }
}
