// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../interfaces/IRegistry.sol";
import {Signatures} from "./Signatures.sol";

/// @notice Whether a meter signed: ECDSA over SHA-256, on secp256r1 by the precompile or on secp256k1 by recovery. s may lie
/// in either half of the order, as it does in the field; who brings a record twice is stopped by its page.
library MeterSignatures {
    uint256 private constant ORDER_K1 =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @return whether the key signed what has this SHA-256
    function verify(bytes32 digest, bytes32 r, bytes32 s, IRegistry.MeterKey calldata key)
        internal
        view
        returns (bool)
    {
        if (key.curve == 2) return Signatures.verifiesR1(digest, r, s, key.x, key.y);
        if (key.curve != 1) return false;
        if (uint256(s) > ORDER_K1 / 2) {
            if (uint256(s) >= ORDER_K1) return false;
            s = bytes32(ORDER_K1 - uint256(s));
        }
        address signer = Signatures.addressOf(key.x, key.y);
        return Signatures.recoverK1(digest, r, s, 27) == signer
            || Signatures.recoverK1(digest, r, s, 28) == signer;
    }

    /// @return hash of a part of a text
    function sha256Of(bytes memory text, uint256 from, uint256 to)
        internal
        view
        returns (bytes32 hash)
    {
        bool done;
        assembly ("memory-safe") {
            done := staticcall(gas(), 2, add(add(text, 32), from), sub(to, from), 0, 32)
            hash := mload(0)
        }
        require(done);
    }
}
