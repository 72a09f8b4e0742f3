// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISessions} from "../interfaces/ISessions.sol";
import {Slots} from "./Slots.sol";

/// @notice Wire format and EIP-712 struct hashes of what stations sign. Layout in docs/protocol.md.
library Messages {
    uint8 internal constant OPENING = 1;
    uint8 internal constant REPORT = 2;

    uint256 private constant SIGNATURE = 65;
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
        if (m.length == OPENING_HEAD + SIGNATURE && uint8(m[0]) == OPENING) return OPENING;
        if (m.length < REPORT_HEAD + SIGNATURE || uint8(m[0]) != REPORT) return 0;
        return
            (m.length - REPORT_HEAD - SIGNATURE) % Slots.BOUNDARY == 0 && uint8(m[30]) < 2
                ? REPORT
                : 0;
    }

    /// @dev All but the hashes stands in the first word of either message.
    function decodeOpening(bytes calldata m)
        internal
        pure
        returns (ISessions.OpenSession memory o)
    {
        uint256 w = uint256(bytes32(m[0:32]));
        (o.station, o.session) = (uint32(w >> 216), uint32(w >> 184));
        o.time = uint40(w >> 144);
        (o.importRegister, o.exportRegister) = (uint48(w >> 96), uint48(w >> 48));
        o.vehicle = bytes32(m[26:58]);
    }

    /// @dev `boundaries` stays in calldata, see `boundariesOf`.
    function decodeReport(bytes calldata m)
        internal
        pure
        returns (ISessions.EnergyReport memory r)
    {
        uint256 w = uint256(bytes32(m[0:32]));
        (r.station, r.session, r.report) = (uint32(w >> 216), uint32(w >> 184), uint32(w >> 152));
        r.time = uint40(w >> 112);
        (r.importRegister, r.exportRegister) = (uint48(w >> 64), uint48(w >> 16));
        r.last = uint8(w >> 8) == 1;
        r.evidence = bytes32(m[31:63]);
    }

    function boundariesOf(bytes calldata m) internal pure returns (bytes calldata) {
        return m[REPORT_HEAD:m.length - SIGNATURE];
    }

    /// @return the boundaries and, as one more, the registers of the report itself
    function registersOf(bytes calldata m) internal pure returns (bytes memory) {
        return bytes.concat(boundariesOf(m), m[18:30]);
    }

    function signatureOf(bytes calldata m) internal pure returns (bytes calldata) {
        return m[m.length - SIGNATURE:];
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

    /// @param boundariesHash keccak256 of the report's boundaries
    function hash(ISessions.EnergyReport memory r, bytes32 boundariesHash)
        internal
        pure
        returns (bytes32)
    {
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
                boundariesHash
            )
        );
    }
}
