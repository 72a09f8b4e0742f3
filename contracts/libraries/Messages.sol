// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISessions} from "../interfaces/ISessions.sol";
import {Hashing} from "./Hashing.sol";
import {Signatures} from "./Signatures.sol";
import {Slots} from "./Slots.sol";

/// @notice The first word of an opening on the wire: all of it but the vehicle.
type Opening is uint256;

/// @notice The first word of a report on the wire: all of it but evidence and boundaries.
type Report is uint256;

using OpeningFields for Opening global;
using ReportFields for Report global;

/// @notice The fields of an opening.
library OpeningFields {
    function station(Opening o) internal pure returns (uint32) {
        return uint32(Opening.unwrap(o) >> 216);
    }

    function session(Opening o) internal pure returns (uint32) {
        return uint32(Opening.unwrap(o) >> 184);
    }

    function time(Opening o) internal pure returns (uint40) {
        return uint40(Opening.unwrap(o) >> 144);
    }

    function importRegister(Opening o) internal pure returns (uint48) {
        return uint48(Opening.unwrap(o) >> 96);
    }

    function exportRegister(Opening o) internal pure returns (uint48) {
        return uint48(Opening.unwrap(o) >> 48);
    }

    /// @return Wh, import register from bit 48, export register below
    function reading(Opening o) internal pure returns (uint256) {
        return uint96(Opening.unwrap(o) >> 48);
    }
}

/// @notice The fields of a report.
library ReportFields {
    function station(Report r) internal pure returns (uint32) {
        return uint32(Report.unwrap(r) >> 216);
    }

    function session(Report r) internal pure returns (uint32) {
        return uint32(Report.unwrap(r) >> 184);
    }

    function number(Report r) internal pure returns (uint32) {
        return uint32(Report.unwrap(r) >> 152);
    }

    function time(Report r) internal pure returns (uint40) {
        return uint40(Report.unwrap(r) >> 112);
    }

    function importRegister(Report r) internal pure returns (uint48) {
        return uint48(Report.unwrap(r) >> 64);
    }

    function exportRegister(Report r) internal pure returns (uint48) {
        return uint48(Report.unwrap(r) >> 16);
    }

    /// @return Wh, import register from bit 48, export register below
    function reading(Report r) internal pure returns (uint256) {
        return uint96(Report.unwrap(r) >> 16);
    }

    function last(Report r) internal pure returns (bool) {
        return uint8(Report.unwrap(r) >> 8) != 0;
    }
}

/// @notice Wire format and EIP-712 struct hashes of what stations and vehicles sign. Layout in docs/protocol.md.
library Messages {
    uint8 internal constant OPENING = 1;
    uint8 internal constant REPORT = 2;

    uint8 private constant KIND = 0x0f;
    uint8 private constant STATION_R1 = 0x10;
    uint8 private constant VEHICLE_K1 = 0x20;
    uint8 private constant VEHICLE_R1 = 0x40;

    uint256 private constant OPENING_HEAD = 58; // bytes before the signatures
    uint256 private constant REPORT_HEAD = 63; // bytes before the boundaries
    uint256 private constant VEHICLE_AT = 26; // in an opening
    uint256 private constant REGISTERS_AT = 18; // in a report, the two together 12 bytes
    uint256 private constant EVIDENCE_AT = 31; // in a report

    bytes32 internal constant OPEN_SESSION_TYPEHASH = keccak256(
        "OpenSession(uint32 station,uint32 session,bytes32 vehicle,uint40 time,uint48 importRegister,uint48 exportRegister)"
    );
    bytes32 internal constant ENERGY_REPORT_TYPEHASH = keccak256(
        "EnergyReport(uint32 station,uint32 session,uint32 report,uint40 time,uint48 importRegister,uint48 exportRegister,bool last,bytes32 evidence,bytes boundaries)"
    );

    /// @return OPENING, REPORT, or 0 if the bytes are neither. Everything else here is for what is one of the two
    function kindOf(bytes calldata m) internal pure returns (uint8) {
        if (m.length < OPENING_HEAD) return 0;
        uint8 first = uint8(_word(m, 0) >> 248);
        // what comes most often
        if (first == OPENING && m.length == OPENING_HEAD + Signatures.K1) return OPENING;
        unchecked {
            if (first | STATION_R1 == REPORT | STATION_R1) {
                // of less than a report has this wraps around, to more than there is
                uint256 boundaries = m.length - REPORT_HEAD - _stationSignature(first);
                bool fits = boundaries <= m.length && boundaries % Slots.BOUNDARY == 0;
                // `last` is 0 or 1
                return fits && uint8(_word(m, 0) >> 8) < 2 ? REPORT : 0;
            }
            uint8 both = VEHICLE_K1 | VEHICLE_R1;
            if (first & KIND != OPENING || first >= 0x80 || first & both == both) return 0;
            uint256 length = OPENING_HEAD + _stationSignature(first) + _vehicleSignature(first);
            return m.length == length ? OPENING : 0;
        }
    }

    function opening(bytes calldata m) internal pure returns (Opening) {
        return Opening.wrap(_word(m, 0));
    }

    function vehicleOf(bytes calldata m) internal pure returns (bytes32) {
        return bytes32(_word(m, VEHICLE_AT));
    }

    function report(bytes calldata m) internal pure returns (Report) {
        return Report.wrap(_word(m, 0));
    }

    function evidenceOf(bytes calldata m) internal pure returns (bytes32) {
        return bytes32(_word(m, EVIDENCE_AT));
    }

    /// @return the boundaries and, as one more, the registers of the report itself
    function registersOf(bytes calldata m) internal pure returns (bytes memory) {
        // kindOf has found both there
        unchecked {
            uint256 length = m.length - REPORT_HEAD - _stationSignature(uint8(_word(m, 0) >> 248));
            return
                bytes.concat(_part(m, REPORT_HEAD, length), _part(m, REGISTERS_AT, Slots.BOUNDARY));
        }
    }

    /// @return who signed the message for the station, 0 if nobody did
    function signerOf(bytes calldata m, bytes32 digest) internal view returns (address) {
        // kindOf has found both signatures there
        unchecked {
            uint8 first = uint8(_word(m, 0) >> 248);
            uint256 end = m.length - _vehicleSignature(first);
            if (first & STATION_R1 == 0) return _signerK1(m, end, digest);
            return Signatures.signerR1(digest, _part(m, end - Signatures.R1, Signatures.R1));
        }
    }

    /// @return who signed the opening for the vehicle, 0 if nobody did
    function vehicleSignerOf(bytes calldata m, bytes32 digest) internal view returns (address) {
        // kindOf has found it there
        unchecked {
            uint8 first = uint8(_word(m, 0) >> 248);
            if (first & VEHICLE_K1 != 0) return _signerK1(m, m.length, digest);
            if (first & VEHICLE_R1 == 0) return address(0);
            return Signatures.signerR1(digest, _part(m, m.length - Signatures.R1, Signatures.R1));
        }
    }

    function hash(Opening o, bytes32 vehicle) internal pure returns (bytes32) {
        return Hashing.ofWords(
            uint256(OPEN_SESSION_TYPEHASH),
            o.station(),
            o.session(),
            uint256(vehicle),
            o.time(),
            o.importRegister(),
            o.exportRegister()
        );
    }

    /// @param registers see `registersOf`
    function hash(Report r, bytes32 evidence, bytes memory registers)
        internal
        pure
        returns (bytes32)
    {
        bytes32 boundaries;
        assembly ("memory-safe") {
            // all but the last 12 bytes
            boundaries := keccak256(add(registers, 32), sub(mload(registers), 12))
        }
        return Hashing.ofWords(
            uint256(ENERGY_REPORT_TYPEHASH),
            r.station(),
            r.session(),
            r.number(),
            r.time(),
            r.importRegister(),
            r.exportRegister(),
            r.last() ? 1 : 0,
            uint256(evidence),
            uint256(boundaries)
        );
    }

    function hash(ISessions.OpenSession memory o) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                OPEN_SESSION_TYPEHASH,
                o.station,
                o.session,
                o.vehicle,
                o.time,
                o.importRegister,
                o.exportRegister
            )
        );
    }

    function hash(ISessions.EnergyReport memory r) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                ENERGY_REPORT_TYPEHASH,
                r.station,
                r.session,
                r.report,
                r.time,
                r.importRegister,
                r.exportRegister,
                r.last,
                r.evidence,
                keccak256(r.boundaries)
            )
        );
    }

    /// @param end of the signature
    function _signerK1(bytes calldata m, uint256 end, bytes32 digest)
        private
        pure
        returns (address)
    {
        // kindOf has found it there
        unchecked {
            return Signatures.recoverK1(
                digest,
                bytes32(_word(m, end - 65)),
                bytes32(_word(m, end - 33)),
                uint8(_word(m, end - 32))
            );
        }
    }

    /// @return its length in bytes
    function _stationSignature(uint8 first) private pure returns (uint256) {
        return first & STATION_R1 == 0 ? Signatures.K1 : Signatures.R1;
    }

    /// @return its length in bytes
    function _vehicleSignature(uint8 first) private pure returns (uint256) {
        if (first & (VEHICLE_K1 | VEHICLE_R1) == 0) return 0;
        return first & VEHICLE_K1 == 0 ? Signatures.R1 : Signatures.K1;
    }

    /// @dev 32 bytes of a message. The compiler's own way checks the length once more each time.
    function _word(bytes calldata m, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(m.offset, offset))
        }
    }

    /// @dev The same for more of it.
    function _part(bytes calldata m, uint256 offset, uint256 length)
        private
        pure
        returns (bytes calldata part)
    {
        // slither-disable-start write-after-write these are the two words of one reference
        assembly ("memory-safe") {
            part.offset := add(m.offset, offset)
            part.length := length
        }
        // slither-disable-end write-after-write
    }
}
