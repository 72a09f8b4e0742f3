// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signatures} from "../../../contracts/libraries/Signatures.sol";

/// @notice For every signature: none has a second form that signs too, and nobody is signer 0. halmos runs these.
contract SignaturesSymbolic {
    uint256 private constant ORDER_K1 =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @dev Of s and n - s one at most is taken, whatever the curve's arithmetic gives for either.
    function check_k1_noTwinSigns(bytes32 digest, bytes32 r, uint256 s, uint8 v, uint8 other)
        external
        pure
    {
        if (s == 0 || s >= ORDER_K1) return;
        address signer = Signatures.recoverK1(digest, r, bytes32(s), v);
        address twin = Signatures.recoverK1(digest, r, bytes32(ORDER_K1 - s), other);
        assert(signer == address(0) || twin == address(0));
    }

    function check_k1_upperHalfSignsForNobody(bytes32 digest, bytes32 r, uint256 s, uint8 v)
        external
        pure
    {
        if (s <= ORDER_K1 / 2) return;
        assert(Signatures.recoverK1(digest, r, bytes32(s), v) == address(0));
    }
}
