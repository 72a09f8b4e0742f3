// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Who signed a digest, on either curve. A signer is known by the low 20 bytes of keccak256(x || y) of its
/// public key; on secp256k1 that is its Ethereum address.
library Signatures {
    uint256 internal constant K1 = 65; // bytes: r, s, v
    uint256 internal constant R1 = 128; // bytes: r, s, x, y

    address private constant P256VERIFY = address(0x100); // EIP-7951
    uint256 private constant HALF_ORDER_K1 =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice secp256k1; s in the lower half, v 27 or 28.
    /// @return the signer, 0 if the signature is invalid
    function recoverK1(bytes32 digest, bytes32 r, bytes32 s, uint8 v)
        internal
        pure
        returns (address)
    {
        return uint256(s) > HALF_ORDER_K1 ? address(0) : ecrecover(digest, v, r, s);
    }

    /// @param signature secp256r1: r, s, x, y; s in either half
    /// @return the signer, 0 if the signature is invalid
    function signerR1(bytes32 digest, bytes calldata signature) internal view returns (address) {
        if (!_verifiesR1(abi.encodePacked(digest, signature))) return address(0);
        return addressOf(bytes32(signature[64:96]), bytes32(signature[96:128]));
    }

    /// @return whether the key (x, y) made the signature on secp256r1; s in either half
    function verifiesR1(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        internal
        view
        returns (bool)
    {
        return _verifiesR1(abi.encode(digest, r, s, x, y));
    }

    /// @return the low 20 bytes of the public key's hash, on either curve
    function addressOf(bytes32 x, bytes32 y) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }

    /// @dev A chain without the precompile answers with nothing: then every signature is invalid.
    function _verifiesR1(bytes memory input) private view returns (bool) {
        (bool done, bytes memory answer) = P256VERIFY.staticcall(input);
        return done && answer.length == 32 && bytes32(answer) == bytes32(uint256(1));
    }
}
