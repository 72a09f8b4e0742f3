// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IStory} from "../../contracts/interfaces/IStory.sol";
import {Tales} from "./Tales.sol";

/// @notice A calibrated meter on secp256r1 behind both stations, and the records that it prints.
abstract contract Meters is Tales {
    uint256 internal constant METER_KEY = 0x3e7e5;
    string internal constant SERIAL = "1GRM0012345678";
    uint256 internal constant ORDER_R1 =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;

    string internal status = "I"; // of the meter's clock
    string internal begun = "2027-01-15T09:00:00,000+0100";
    string internal ended = "2027-01-15T10:00:00,000+0100";

    function setUp() public virtual override {
        super.setUp();
        (uint256 x, uint256 y) = vm.publicKeyP256(METER_KEY);
        setMeterKey(2, x, y);
    }

    function setMeterKey(uint8 curve, uint256 x, uint256 y) internal {
        vm.prank(gridAccount);
        registry.setMeterKey(
            METER, IRegistry.MeterKey(curve, bytes32(x), bytes32(y), keccak256(bytes(SERIAL)))
        );
    }

    // --------------------------------------------------------------------------------------------- Records

    function payload(uint256 page, string memory readings) internal pure returns (string memory) {
        return string.concat(
            '{"FV":"1.0","GI":"GATE","GS":"1","GV":"1.0","PG":"T',
            vm.toString(page),
            '","MV":"GRM","MM":"ONE","MS":"',
            SERIAL,
            '","MF":"1.0","IS":true,"IL":"VERIFIED","IF":["RFID_PLAIN","OCPP_NONE"],"IT":"EMAID","ID":"A1",',
            '"CT":"EVSEID","CI":"DE*GRM*E1","RD":[',
            readings,
            "]}"
        );
    }

    function reading(string memory time, string memory tx_, string memory register, uint256 value)
        internal
        view
        returns (string memory)
    {
        return string.concat(
            '{"TM":"',
            time,
            " ",
            status,
            '","TX":"',
            tx_,
            '","RV":',
            vm.toString(value),
            ',"RI":"',
            register,
            '","RU":"Wh","RT":"AC","EF":"","ST":"G"}'
        );
    }

    function importOf(uint256 from, uint256 to) internal view returns (string memory) {
        return string.concat(
            reading(begun, "B", "1-b:1.8.0", from), ",", reading(ended, "E", "1-b:1.8.0", to)
        );
    }

    function exportOf(uint256 from, uint256 to) internal view returns (string memory) {
        return string.concat(
            reading(begun, "B", "1-b:2.8.0", from), ",", reading(ended, "E", "1-b:2.8.0", to)
        );
    }

    function both(uint256 from, uint256 to, uint256 fed, uint256 fedTo)
        internal
        view
        returns (string memory)
    {
        return string.concat(importOf(from, to), ",", exportOf(fed, fedTo));
    }

    function recordOf(string memory payload_) internal pure returns (bytes memory) {
        return bytes(string.concat("OCMF|", payload_, '|{"SA":"ECDSA-secp256r1-SHA256","SD":"30"}'));
    }

    function sealed_(string memory payload_) internal pure returns (bytes memory) {
        return sealedBy(METER_KEY, payload_);
    }

    function sealedBy(uint256 key, string memory payload_) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(key, sha256(bytes(payload_)));
        return abi.encodePacked(r, s);
    }

    // -------------------------------------------------------------------------------------------- Sessions

    /// @dev An hour at a station, reported as given; the last report names the record.
    function hour(uint32 where, uint48 from, uint48 taken, uint48 fed, bytes memory record)
        internal
    {
        begin(where, CAR, from, 500);
        vm.warp(block.timestamp + 3600);
        tell(where, taken, fed, true, sha256(record));
    }

    function proofOf(uint32 where, bytes memory record, bytes memory signatures)
        internal
        view
        returns (ICorrections.Proof memory p)
    {
        (p.story, p.record, p.signatures) = (storyOf(where), record, signatures);
    }

    /// @dev A session of an hour from 1000 Wh on, and the proof of what the meter says about it.
    function played(uint48 taken, string memory payload_)
        internal
        returns (ICorrections.Proof memory)
    {
        bytes memory record = recordOf(payload_);
        hour(station, 1000, taken, 0, record);
        vm.warp(block.timestamp + 1);
        return proofOf(station, record, sealed_(payload_));
    }

    function isVerified(uint32 where) internal view returns (bool) {
        return corrections.standings(where, ledger.sessions(where).number).verified;
    }

    function expectRefused(ICorrections.Proof memory p, bytes4 error_) internal {
        bytes32 before = stateHash();
        vm.expectPartialRevert(error_);
        corrections.prove(p);
        bytes[] memory many = new bytes[](1);
        many[0] = abi.encode(p);
        corrections.proveAll(many);
        assertEq(stateHash(), before, "left a trace");
    }

    function contentOf(IStory.Story memory story) internal view returns (bytes32) {
        return keccak256(abi.encode(corrections.versionOf(story)));
    }
}
