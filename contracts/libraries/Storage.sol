// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {IAccounts} from "../interfaces/IAccounts.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {ISessions} from "../interfaces/ISessions.sol";
import {IVehicles} from "../interfaces/IVehicles.sol";
import {Device} from "./Device.sol";
import {Funds} from "./Funds.sol";
import {Member} from "./Member.sol";
import {Progress} from "./Progress.sol";
import {Supply} from "./Supply.sol";
import {Terms} from "./Terms.sol";
import {Totals} from "./Totals.sol";

/// @notice Reads and writes a packed struct as one word. The compiler reads and writes field by field, which was
/// a third of what a session cost. The words' layout is the compiler's own (first field lowest); Storage.t.sol
/// proves it.
library Storage {
    function load(IAccounts.Account storage a) internal view returns (Funds f) {
        assembly ("memory-safe") {
            f := sload(a.slot)
        }
    }

    function save(IAccounts.Account storage a, Funds f) internal {
        assembly ("memory-safe") {
            sstore(a.slot, f)
        }
    }

    function load(IAccounts.Pair storage p) internal view returns (Totals t) {
        assembly ("memory-safe") {
            t := sload(p.slot)
        }
    }

    function save(IAccounts.Pair storage p, Totals t) internal {
        assembly ("memory-safe") {
            sstore(p.slot, t)
        }
    }

    /// @dev A journal's head stands in the lower 26 bytes, its count above. What is hashed begins with the head, so it is
    /// moved up, over the count; of the new hash the leading 26 bytes are kept.
    function append(IAccounts.Journal storage j, bytes32 entry) internal {
        uint256 w;
        assembly ("memory-safe") {
            w := sload(j.slot)
        }
        uint256 head = uint256(Hashes.efficientKeccak256(bytes32(w << 48), entry)) >> 48;
        // a count of 48 bits does not overflow
        unchecked {
            w = (((w >> 208) + 1) << 208) | head;
        }
        assembly ("memory-safe") {
            sstore(j.slot, w)
        }
    }

    function loadProgress(ISessions.Session storage s) internal view returns (Progress p) {
        assembly ("memory-safe") {
            p := sload(s.slot)
        }
    }

    function save(ISessions.Session storage s, Progress p) internal {
        assembly ("memory-safe") {
            sstore(s.slot, p)
        }
    }

    function loadTerms(ISessions.Session storage s) internal view returns (Terms t) {
        assembly ("memory-safe") {
            t := sload(add(s.slot, 1))
        }
    }

    function save(ISessions.Session storage s, Terms t) internal {
        assembly ("memory-safe") {
            sstore(add(s.slot, 1), t)
        }
    }

    function load(IVehicles.Vehicle storage v) internal view returns (Supply s) {
        assembly ("memory-safe") {
            s := sload(v.slot)
        }
    }

    function save(IVehicles.Vehicle storage v, Supply s) internal {
        assembly ("memory-safe") {
            sstore(v.slot, s)
        }
    }

    function load(IRegistry.Station storage s) internal view returns (Device d) {
        assembly ("memory-safe") {
            d := sload(s.slot)
        }
    }

    function load(IRegistry.Participant storage p) internal view returns (Member m) {
        assembly ("memory-safe") {
            m := sload(p.slot)
        }
    }
}
