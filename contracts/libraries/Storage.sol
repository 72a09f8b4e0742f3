// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccounts} from "../interfaces/IAccounts.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {ISessions} from "../interfaces/ISessions.sol";
import {IVehicles} from "../interfaces/IVehicles.sol";

/// @notice Reads and writes a packed struct as one word. The compiler reads and writes field by field, which was
/// a third of what a session cost. The layout is the compiler's own (first field lowest); Storage.t.sol proves it.
library Storage {
    function load(IAccounts.Account storage a) internal view returns (IAccounts.Account memory m) {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(a.slot)
        }
        (m.balance, m.reserved, m.owed) = (uint96(w), uint80(w >> 96), uint80(w >> 176));
    }

    function save(IAccounts.Account storage a, IAccounts.Account memory m) internal {
        uint256 w = uint256(m.balance) | uint256(m.reserved) << 96 | uint256(m.owed) << 176;
        assembly ("memory-safe") {
            sstore(a.slot, w)
        }
    }

    function load(IAccounts.Pair storage p) internal view returns (IAccounts.Pair memory m) {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(p.slot)
        }
        (m.amount, m.claim) = (uint80(w), uint80(w >> 80));
        (m.importWh, m.exportWh) = (uint48(w >> 160), uint48(w >> 208));
    }

    function save(IAccounts.Pair storage p, IAccounts.Pair memory m) internal {
        uint256 w = uint256(m.amount) | uint256(m.claim) << 80 | uint256(m.importWh) << 160
            | uint256(m.exportWh) << 208;
        assembly ("memory-safe") {
            sstore(p.slot, w)
        }
    }

    /// @dev A journal's head stands in the lower 26 bytes, its count above.
    function append(IAccounts.Journal storage j, bytes32 entry) internal {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(j.slot)
        }
        uint256 head = uint256(keccak256(abi.encode(bytes32(w << 48), entry))) >> 48;
        // a count of 48 bits does not overflow
        unchecked {
            w = (((w >> 208) + 1) << 208) | head;
        }
        assembly ("memory-safe") {
            sstore(j.slot, w)
        }
    }

    function load(ISessions.Session storage s) internal view returns (ISessions.Session memory m) {
        uint256 w;
        uint256 terms;
        assembly ("memory-safe") {
            w := sload(s.slot)
            terms := sload(add(s.slot, 1))
        }
        (m.number, m.report) = (uint32(w), uint32(w >> 32));
        (m.time, m.touched) = (uint40(w >> 64), uint40(w >> 104));
        (m.importRegister, m.exportRegister) = (uint48(w >> 144), uint48(w >> 192));
        m.state = ISessions.State(uint8(w >> 240));
        m.supplier = uint24(terms);
        (m.gridTariff, m.operatorTariff) = (uint16(terms >> 24), uint16(terms >> 40));
        (m.supplierReserve, m.gridReserve) = (uint64(terms >> 56), uint64(terms >> 120));
    }

    /// @dev The first word: what every message changes.
    function saveProgress(ISessions.Session storage s, ISessions.Session memory m) internal {
        uint256 w = uint256(m.number) | uint256(m.report) << 32 | uint256(m.time) << 64
            | uint256(m.touched) << 104 | uint256(m.importRegister) << 144
            | uint256(m.exportRegister) << 192 | uint256(m.state) << 240;
        assembly ("memory-safe") {
            sstore(s.slot, w)
        }
    }

    /// @dev The second word: what a clearing fixes.
    function saveTerms(ISessions.Session storage s, ISessions.Session memory m) internal {
        uint256 w = uint256(m.supplier) | uint256(m.gridTariff) << 24 | uint256(m.operatorTariff)
            << 40 | uint256(m.supplierReserve) << 56 | uint256(m.gridReserve) << 120;
        assembly ("memory-safe") {
            sstore(add(s.slot, 1), w)
        }
    }

    function load(IVehicles.Vehicle storage v) internal view returns (IVehicles.Vehicle memory m) {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(v.slot)
        }
        (m.supplier, m.from) = (uint24(w), uint40(w >> 24));
        (m.nextSupplier, m.nextFrom) = (uint24(w >> 64), uint40(w >> 88));
        (m.station, m.session) = (uint32(w >> 128), uint32(w >> 160));
    }

    function save(IVehicles.Vehicle storage v, IVehicles.Vehicle memory m) internal {
        uint256 w = uint256(m.supplier) | uint256(m.from) << 24 | uint256(m.nextSupplier) << 64
            | uint256(m.nextFrom) << 88 | uint256(m.station) << 128 | uint256(m.session) << 160;
        assembly ("memory-safe") {
            sstore(v.slot, w)
        }
    }

    function load(IRegistry.Station storage s) internal view returns (IRegistry.Station memory m) {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(s.slot)
        }
        m.key = address(uint160(w));
        (m.gridOperator, m.operator) = (uint24(w >> 160), uint24(w >> 184));
        (m.maxPower, m.maxFeedIn) = (uint24(w >> 208), uint24(w >> 232));
    }

    function load(IRegistry.Participant storage p)
        internal
        view
        returns (IRegistry.Participant memory m)
    {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(p.slot)
        }
        m.account = address(uint160(w));
        (m.roles, m.active) = (uint8(w >> 160), uint8(w >> 168) != 0);
        m.defaultSupplier = uint24(w >> 176);
        (m.gridTariffs, m.operatorTariffs) = (uint16(w >> 200), uint16(w >> 216));
    }
}
