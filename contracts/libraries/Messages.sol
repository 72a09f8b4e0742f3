// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISessions} from "../interfaces/ISessions.sol";
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

    uint256 private constant OPENING_HEAD = 58;
    uint256 private constant REPORT_HEAD = 63;

    bytes32 internal constant OPEN_SESSION_TYPEHASH = keccak256(
        "OpenSession(uint32 station,uint32 session,bytes32 vehicle,uint40 time,uint48 importRegister,uint48 exportRegister)"
    );
    bytes32 internal constant ENERGY_REPORT_TYPEHASH = keccak256(
        "EnergyReport(uint32 station,uint32 session,uint32 report,uint40 time,uint48 importRegister,uint48 exportRegister,bool last,bytes32 evidence,bytes boundaries)"
    );

    /// @return OPENING, REPORT, or 0 if the bytes are neither
    function kindOf(bytes calldata m) internal pure returns (uint8) {
        if (m.length < OPENING_HEAD) return 0;
        uint8 first = uint8(m[0]);
        uint256 signatures = _stationSignature(first) + _vehicleSignature(first);
        if (first & KIND == OPENING) {
            bool flags =
                first < 0x80 && first & (VEHICLE_K1 | VEHICLE_R1) != VEHICLE_K1 | VEHICLE_R1;
            return flags && m.length == OPENING_HEAD + signatures ? OPENING : 0;
        }
        if (first | STATION_R1 != REPORT | STATION_R1) return 0;
        if (m.length < REPORT_HEAD + signatures || uint8(m[30]) > 1) return 0;
        return (m.length - REPORT_HEAD - signatures) % Slots.BOUNDARY == 0 ? REPORT : 0;
    }

    function opening(bytes calldata m) internal pure returns (Opening) {
        return Opening.wrap(uint256(bytes32(m[0:32])));
    }

    function vehicleOf(bytes calldata m) internal pure returns (bytes32) {
        return bytes32(m[26:58]);
    }

    function report(bytes calldata m) internal pure returns (Report) {
        return Report.wrap(uint256(bytes32(m[0:32])));
    }

    function evidenceOf(bytes calldata m) internal pure returns (bytes32) {
        return bytes32(m[31:63]);
    }

    function boundariesOf(bytes calldata m) internal pure returns (bytes calldata) {
        return m[REPORT_HEAD:m.length - _stationSignature(uint8(m[0]))];
    }

    /// @return the boundaries and, as one more, the registers of the report itself
    function registersOf(bytes calldata m) internal pure returns (bytes memory) {
        return bytes.concat(boundariesOf(m), m[18:30]);
    }

    /// @return who signed the message for the station, 0 if nobody did
    function signerOf(bytes calldata m, bytes32 digest) internal view returns (address) {
        uint8 first = uint8(m[0]);
        uint256 end = m.length - _vehicleSignature(first);
        bytes calldata signature = m[end - _stationSignature(first):end];
        return first & STATION_R1 == 0
            ? Signatures.signerK1(digest, signature)
            : Signatures.signerR1(digest, signature);
    }

    /// @return who signed the opening for the vehicle, 0 if nobody did
    function vehicleSignerOf(bytes calldata m, bytes32 digest) internal view returns (address) {
        uint8 first = uint8(m[0]);
        bytes calldata signature = m[m.length - _vehicleSignature(first):];
        if (first & VEHICLE_K1 != 0) return Signatures.signerK1(digest, signature);
        return first & VEHICLE_R1 != 0 ? Signatures.signerR1(digest, signature) : address(0);
    }

    function hash(Opening o, bytes32 vehicle) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                OPEN_SESSION_TYPEHASH,
                o.station(),
                o.session(),
                vehicle,
                o.time(),
                o.importRegister(),
                o.exportRegister()
            )
        );
    }

    /// @param boundaries keccak256 of the report's boundaries
    function hash(Report r, bytes32 evidence, bytes32 boundaries) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                ENERGY_REPORT_TYPEHASH,
                r.station(),
                r.session(),
                r.number(),
                r.time(),
                r.importRegister(),
                r.exportRegister(),
                r.last(),
                evidence,
                boundaries
            )
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

    /// @return its length in bytes
    function _stationSignature(uint8 first) private pure returns (uint256) {
        return first & STATION_R1 == 0 ? Signatures.K1 : Signatures.R1;
    }

    /// @return its length in bytes
    function _vehicleSignature(uint8 first) private pure returns (uint256) {
        if (first & (VEHICLE_K1 | VEHICLE_R1) == 0) return 0;
        return first & VEHICLE_K1 == 0 ? Signatures.R1 : Signatures.K1;
    }
}
