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

    function testFuzz_opening_on_the_wire(ISessions.OpenSession memory o, uint8 flags) public view {
        flags &= 0x70;
        if (flags & 0x60 == 0x60) flags ^= 0x40;
        bytes memory m = onTheWire(o, flags, station_(flags) + vehicle_(flags));
        assertEq(reader.kind(m), 1, "kind");
        assertEq(keccak256(abi.encode(reader.opening(m))), keccak256(abi.encode(o)), "fields");
        assertEq(typed(reader.hash(m)), ledger.digestOf(o), "hash");
    }

    function testFuzz_report_on_the_wire(ISessions.EnergyReport memory r, uint8 boundaries, bool r1)
        public
        view
    {
        r.boundaries = filled(12 * uint256(boundaries));
        bytes memory m = onTheWire(r, r1 ? 0x10 : 0, r1 ? 128 : 65);
        assertEq(m.length, (r1 ? 191 : 128) + 12 * uint256(boundaries), "length");
        assertEq(reader.kind(m), 2, "kind");
        assertEq(keccak256(abi.encode(reader.report(m))), keccak256(abi.encode(r)), "fields");
        assertEq(typed(reader.hash(m)), ledger.digestOf(r), "hash");
        bytes memory all = abi.encodePacked(r.boundaries, r.importRegister, r.exportRegister);
        assertEq(keccak256(reader.registers(m)), keccak256(all), "registers");
    }

    /// @dev Every kind byte with every length around the ones that are: nothing else is a message.
    function test_kinds_by_first_byte_and_length() public view {
        ISessions.OpenSession memory o;
        ISessions.EnergyReport memory r;
        r.boundaries = filled(24);
        uint256[12] memory lengths = [uint256(0), 1, 41, 64, 65, 66, 77, 128, 130, 193, 255, 256];
        for (uint256 first = 0; first < 256; ++first) {
            uint8 flags = uint8(first) & 0xf0;
            for (uint256 i = 0; i < lengths.length; ++i) {
                uint256 signatures = lengths[i];
                bytes memory m = onTheWire(o, flags, signatures);
                m[0] = bytes1(uint8(first));
                bool isOpening = first % 16 == 1 && first < 0x70 && first & 0x60 != 0x60
                    && signatures == station_(flags) + vehicle_(flags);
                assertTrue(reader.kind(m) == (isOpening ? 1 : 0) || first % 16 == 2, "opening");
                m = onTheWire(r, flags, signatures);
                m[0] = bytes1(uint8(first));
                bool isReport = (first == 0x02 && signatures % 12 == 65 % 12 && signatures >= 41)
                    || (first == 0x12 && signatures % 12 == 128 % 12 && signatures >= 104);
                assertTrue(reader.kind(m) == (isReport ? 2 : 0) || first % 16 == 1, "report");
            }
        }
    }

    function test_last_is_0_or_1() public view {
        ISessions.EnergyReport memory r;
        bytes memory m = onTheWire(r, 0, 65);
        for (uint256 last = 0; last < 256; ++last) {
            m[30] = bytes1(uint8(last));
            assertEq(reader.kind(m), last < 2 ? 2 : 0, "kind");
        }
    }

    function test_short_messages() public view {
        for (uint256 length = 0; length < 128; ++length) {
            bytes memory m = new bytes(length);
            for (uint256 first = 0; first < 256 && length != 0; ++first) {
                m[0] = bytes1(uint8(first));
                assertEq(reader.kind(m), length == 123 && first == 1 ? 1 : 0, "kind");
            }
        }
        assertEq(reader.kind(""), 0, "nothing");
    }

    function onTheWire(ISessions.OpenSession memory o, uint8 flags, uint256 signatures)
        private
        pure
        returns (bytes memory)
    {
        bytes memory head = abi.encodePacked(uint8(1 | flags), o.station, o.session, o.time);
        head = abi.encodePacked(head, o.importRegister, o.exportRegister, o.vehicle);
        return bytes.concat(head, filled(signatures));
    }

    function onTheWire(ISessions.EnergyReport memory r, uint8 flags, uint256 signatures)
        private
        pure
        returns (bytes memory)
    {
        bytes memory head = abi.encodePacked(uint8(2 | flags), r.station, r.session, r.report);
        head = abi.encodePacked(head, r.time, r.importRegister, r.exportRegister, r.last);
        return abi.encodePacked(head, r.evidence, r.boundaries, filled(signatures));
    }

    function station_(uint8 flags) private pure returns (uint256) {
        return flags & 0x10 == 0 ? 65 : 128;
    }

    function vehicle_(uint8 flags) private pure returns (uint256) {
        return flags & 0x20 != 0 ? 65 : flags & 0x40 != 0 ? 128 : 0;
    }

    function filled(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            data[i] = bytes1(uint8(i * 7 + 1));
        }
    }
}
