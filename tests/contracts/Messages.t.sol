// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {Fixture} from "./Fixture.sol";
import {Reader} from "./Reader.sol";

/// @notice The wire format field by field, and what a station signs, against EIP-712 written out.
contract MessagesTest is Fixture {
    Reader private reader = new Reader();

    // ---------------------------------------------------------------------------------------------- EIP-712

    function testFuzz_digest_of_an_opening(ISessions.OpenSession memory o) public view {
        bytes32 content = keccak256(
            abi.encode(
                keccak256(
                    "OpenSession(uint32 station,uint32 session,bytes32 vehicle,uint40 time,"
                    "uint48 importRegister,uint48 exportRegister)"
                ),
                o
            )
        );
        assertEq(ledger.digestOf(o), typed(content), "digest");
    }

    function testFuzz_digest_of_a_report(ISessions.EnergyReport memory r) public view {
        bytes32 typehash = keccak256(
            "EnergyReport(uint32 station,uint32 session,uint32 report,uint40 time,"
            "uint48 importRegister,uint48 exportRegister,bool last,bytes32 evidence,bytes boundaries)"
        );
        bytes memory fields =
            abi.encode(r.station, r.session, r.report, r.time, r.importRegister, r.exportRegister);
        bytes memory rest = abi.encode(r.last, r.evidence, keccak256(r.boundaries));
        bytes32 content = keccak256(bytes.concat(typehash, fields, rest));
        assertEq(ledger.digestOf(r), typed(content), "digest");
    }

    function typed(bytes32 content) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Gridroam"),
                keccak256("1"),
                block.chainid,
                address(ledger)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, content));
    }

    // ------------------------------------------------------------------------------------------ Wire format

    function testFuzz_opening_on_the_wire(ISessions.OpenSession memory o, bytes32 r, bytes32 s)
        public
        view
    {
        bytes memory head = abi.encodePacked(uint8(1), o.station, o.session, o.time);
        bytes memory m =
            abi.encodePacked(head, o.importRegister, o.exportRegister, o.vehicle, r, s, uint8(27));
        assertEq(m.length, 123, "length");
        assertEq(reader.kind(m), 1, "kind");
        (ISessions.OpenSession memory read, bytes memory signature_) = reader.opening(m);
        assertEq(keccak256(abi.encode(read)), keccak256(abi.encode(o)), "fields");
        assertEq(keccak256(signature_), keccak256(abi.encodePacked(r, s, uint8(27))), "signature");
    }

    function testFuzz_report_on_the_wire(ISessions.EnergyReport memory r, uint8 boundaries)
        public
        view
    {
        r.boundaries = filled(12 * uint256(boundaries));
        bytes memory head = abi.encodePacked(uint8(2), r.station, r.session, r.report, r.time);
        head = abi.encodePacked(head, r.importRegister, r.exportRegister, r.last, r.evidence);
        bytes memory m = abi.encodePacked(head, r.boundaries, filled(65));
        assertEq(m.length, 128 + 12 * uint256(boundaries), "length");
        assertEq(reader.kind(m), 2, "kind");
        (ISessions.EnergyReport memory read, bytes memory signature_) = reader.report(m);
        assertEq(keccak256(abi.encode(read)), keccak256(abi.encode(r)), "fields");
        assertEq(keccak256(signature_), keccak256(filled(65)), "signature");
        bytes memory all = abi.encodePacked(r.boundaries, r.importRegister, r.exportRegister);
        assertEq(keccak256(reader.registers(m)), keccak256(all), "registers");
    }

    function filled(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            data[i] = bytes1(uint8(i * 7 + 1));
        }
    }
}
