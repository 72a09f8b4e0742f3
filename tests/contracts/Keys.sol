// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Messages signed on either curve, by stations and vehicles.
abstract contract Keys is Fixture {
    /// @notice A private key and its curve.
    struct Key {
        uint256 secret;
        bool r1;
    }

    uint256 internal constant ORDER_R1 =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;
    uint256 internal constant ORDER_K1 =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function k1(uint256 secret) internal pure returns (Key memory) {
        return Key(secret, false);
    }

    function r1(uint256 secret) internal pure returns (Key memory) {
        return Key(secret, true);
    }

    /// @dev As the registry keeps it: the low 20 bytes of the public key's hash.
    function addressOf(Key memory key) internal pure returns (address) {
        if (!key.r1) return vm.addr(key.secret);
        (uint256 x, uint256 y) = vm.publicKeyP256(key.secret);
        return address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
    }

    function signatureOf(bytes32 digest, Key memory key) internal pure returns (bytes memory) {
        if (!key.r1) return signature(digest, key.secret);
        (bytes32 r, bytes32 s) = vm.signP256(key.secret, digest);
        (uint256 x, uint256 y) = vm.publicKeyP256(key.secret);
        return abi.encodePacked(r, s, x, y);
    }

    function signedBy(ISessions.OpenSession memory o, Key memory key)
        internal
        view
        returns (bytes memory)
    {
        return bytes.concat(head(o, key.r1 ? 0x10 : 0), signatureOf(ledger.digestOf(o), key));
    }

    /// @dev By the station and by the vehicle.
    function signedBy(ISessions.OpenSession memory o, Key memory key, Key memory vehicle)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = ledger.digestOf(o);
        bytes memory first = head(o, (key.r1 ? 0x10 : 0) | (vehicle.r1 ? 0x40 : 0x20));
        return bytes.concat(first, signatureOf(digest, key), signatureOf(digest, vehicle));
    }

    function signedBy(ISessions.EnergyReport memory r, Key memory key)
        internal
        view
        returns (bytes memory)
    {
        bytes memory first = abi.encodePacked(
            key.r1 ? uint8(0x12) : uint8(2), r.station, r.session, r.report, r.time
        );
        return abi.encodePacked(
            abi.encodePacked(first, r.importRegister, r.exportRegister, r.last, r.evidence),
            r.boundaries,
            signatureOf(ledger.digestOf(r), key)
        );
    }

    function head(ISessions.OpenSession memory o, uint8 flags)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            1 | flags, o.station, o.session, o.time, o.importRegister, o.exportRegister, o.vehicle
        );
    }

    function give(address account, bytes32 vehicle, Key memory key, uint256 from) internal {
        address[] memory keys_ = new address[](1);
        keys_[0] = addressOf(key);
        vm.prank(account);
        ledger.setVehicleKeys(one(vehicle), keys_, uint40(from));
    }

    function rotate(uint32 number, Key memory key, uint256 until) internal {
        vm.prank(operatorAccount);
        registry.rotateStationKey(number, addressOf(key), uint40(until));
    }
}
