// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Signatures} from "../../contracts/libraries/Signatures.sol";
import {Keys} from "./Keys.sol";

/// @notice Who signed, on either curve, and what is no signature.
///
/// secp256k1: r || s || v
/// ├── s in the upper half, v other than 27 and 28, r or s 0 or the order: nobody
/// └── no key is the zero address, so nobody signs for nobody
/// secp256r1: r || s || x || y
/// ├── s in either half: the same signer; a replay is stopped by numbers
/// ├── a point off the curve, r or s 0 or the order, another's x and y: nobody
/// └── a chain without the precompile: nobody, never a fallback
contract SignaturesTest is Keys {
    Key private k1Key = Key(0x5747104, false);
    Key private r1Key = Key(0x5747105, true);

    // ---------------------------------------------------------------------------------------- secp256r1

    function test_station_with_a_secp256r1_key() public {
        rotate(feeding, r1Key, block.timestamp);
        ISessions.OpenSession memory o = opening(feeding, 1, CAR, START, 0, 0);
        expectReason(signedBy(o, r1Key), Reason.None);
        vm.warp(START + 900);
        ISessions.EnergyReport memory r = nextReport(feeding, START + 900, 1000, 100, true);
        expectReason(signedBy(r, r1Key), Reason.None);
        expectReason(signedBy(r, r1Key), Reason.SessionNotOpen);
    }

    function test_any_bit_changed() public {
        rotate(station, r1Key, 0);
        bytes memory message = signedBy(opening(station, 1, CAR, START, 0, 0), r1Key);
        for (uint256 i = 5; i < message.length; ++i) {
            bytes memory changed = bytes.concat(message);
            changed[i] ^= bytes1(uint8(1 << (i % 8)));
            expectReason(changed, Reason.BadSignature);
        }
        expectReason(message, Reason.None);
    }

    /// @dev Signatures of secp256r1 come in two forms, and half of the world's hardware makes either.
    function test_either_half_of_s_and_no_replay() public {
        rotate(station, r1Key, 0);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        (bytes32 r, bytes32 s) = vm.signP256(r1Key.secret, ledger.digestOf(o));
        (uint256 x, uint256 y) = vm.publicKeyP256(r1Key.secret);
        bytes32 other = bytes32(ORDER_R1 - uint256(s));
        expectReason(bytes.concat(head(o, 0x10), abi.encodePacked(r, other, x, y)), Reason.None);
        expectReason(bytes.concat(head(o, 0x10), abi.encodePacked(r, s, x, y)), Reason.SessionUsed);
    }

    function test_values_that_are_none() public {
        rotate(station, r1Key, 0);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        (bytes32 r, bytes32 s) = vm.signP256(r1Key.secret, ledger.digestOf(o));
        (uint256 x, uint256 y) = vm.publicKeyP256(r1Key.secret);
        bytes32 n = bytes32(ORDER_R1);
        bad(o, abi.encodePacked(bytes32(0), s, x, y));
        bad(o, abi.encodePacked(r, bytes32(0), x, y));
        bad(o, abi.encodePacked(n, s, x, y));
        bad(o, abi.encodePacked(r, n, x, y));
        bad(o, abi.encodePacked(s, r, x, y));
        bad(o, abi.encodePacked(r, s, y, x));
        bad(o, abi.encodePacked(r, s, uint256(0), uint256(0)));
        bad(o, abi.encodePacked(bytes32(0), bytes32(0), uint256(0), uint256(0)));
        (uint256 x2, uint256 y2) = vm.publicKeyP256(99);
        bad(o, abi.encodePacked(r, s, x2, y2));
        // a good signature of another key is that key's, not the station's
        expectReason(signedBy(o, r1(99)), Reason.BadSignature);
    }

    function test_curves_are_not_mixed_up() public {
        rotate(station, r1Key, 0);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        // the same secret on the other curve has another address
        expectReason(signedBy(o, k1(r1Key.secret)), Reason.BadSignature);
        rotate(station, k1Key, 0);
        expectReason(signedBy(o, r1(k1Key.secret)), Reason.BadSignature);
        expectReason(signedBy(o, k1Key), Reason.None);
    }

    /// @dev Before the fork that brings it, an account without code answers with nothing, and succeeds. Whatever else
    /// answers there, only the one word that says yes is a yes.
    function test_chain_without_the_precompile() public {
        rotate(station, r1Key, 0);
        bytes memory message = signedBy(opening(station, 1, CAR, START, 0, 0), r1Key);
        bytes[5] memory answers = [
            bytes(""),
            abi.encode(2),
            abi.encode(1, 0),
            hex"01",
            hex"00000000000000000000000000000000000000000000000000000000000001"
        ];
        for (uint256 i = 0; i < answers.length; ++i) {
            vm.mockCall(address(0x100), "", answers[i]);
            expectReason(message, Reason.BadSignature);
        }
        vm.clearMockedCalls();
        expectReason(message, Reason.None);
    }

    // ---------------------------------------------------------------------------------------- secp256k1

    function test_upper_half_of_s() public {
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(STATION_KEY, ledger.digestOf(o));
        bytes32 other = bytes32(ORDER_K1 - uint256(s));
        expectReason(
            bytes.concat(head(o, 0), abi.encodePacked(r, other, uint8(55 - v))), Reason.BadSignature
        );
        for (uint256 wrong = 0; wrong < 256; ++wrong) {
            if (wrong == v) continue;
            expectReason(
                bytes.concat(head(o, 0), abi.encodePacked(r, s, uint8(wrong))), Reason.BadSignature
            );
        }
        expectReason(bytes.concat(head(o, 0), abi.encodePacked(r, s, v)), Reason.None);
    }

    /// @dev ecrecover answers with the zero address, which is what a revoked key is kept as.
    function test_nobody_signs_for_nobody() public {
        vm.prank(operatorAccount);
        registry.revokeStationKey(station);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        bytes memory nothing = new bytes(65);
        expectReason(bytes.concat(head(o, 0), nothing), Reason.UnknownStation);
        expectReason(bytes.concat(head(o, 0x10), new bytes(128)), Reason.UnknownStation);
        // a former key that is nobody's, and one that is past
        rotate(station, k1Key, type(uint40).max);
        expectReason(bytes.concat(head(o, 0), nothing), Reason.BadSignature);
        // a vehicle whose keys are revoked, and a signature of nobody
        give(supplierAccount, CAR, k1Key, 0);
        vm.prank(supplierAccount);
        ledger.revokeVehicleKeys(one(CAR));
        bytes memory own = signatureOf(ledger.digestOf(o), k1Key);
        expectReason(bytes.concat(head(o, 0x20), own, nothing), Reason.BadVehicleSignature);
        expectReason(bytes.concat(head(o, 0x40), own, new bytes(128)), Reason.BadVehicleSignature);
    }

    // -------------------------------------------------------------------------------------- The library

    function testFuzz_signer_k1(uint256 secret, bytes32 digest) public pure {
        secret = bound(secret, 1, ORDER_K1 - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        assertEq(Signatures.recoverK1(digest, r, s, v), vm.addr(secret), "signer");
        bytes32 other = bytes32(ORDER_K1 - uint256(s));
        assertEq(Signatures.recoverK1(digest, r, other, 55 - v), address(0), "malleable");
    }

    function testFuzz_verifies_r1(uint256 secret, bytes32 digest, bytes32 another) public view {
        secret = bound(secret, 1, ORDER_R1 - 1);
        (bytes32 r, bytes32 s) = vm.signP256(secret, digest);
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        (bytes32 x_, bytes32 y_) = (bytes32(x), bytes32(y));
        assertTrue(Signatures.verifiesR1(digest, r, s, x_, y_), "verifies");
        bytes32 other = bytes32(ORDER_R1 - uint256(s));
        assertTrue(Signatures.verifiesR1(digest, r, other, x_, y_), "the other half");
        vm.assume(another != digest);
        assertFalse(Signatures.verifiesR1(another, r, s, x_, y_), "another digest");
        assertEq(Signatures.addressOf(x_, y_), addressOf(r1(secret)), "address");
    }

    /// @dev A test vector of RFC 6979, A.2.5: P-256 with SHA-256 over "sample".
    function test_vector_of_rfc_6979() public view {
        assertTrue(
            Signatures.verifiesR1(
                sha256("sample"),
                0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716,
                0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8,
                0x60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6,
                0x7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299
            ),
            "sample"
        );
    }

    function bad(ISessions.OpenSession memory o, bytes memory signature_) private {
        expectReason(bytes.concat(head(o, 0x10), signature_), Reason.BadSignature);
    }
}
