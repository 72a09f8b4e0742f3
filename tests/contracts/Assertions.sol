// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Vm} from "./Vm.sol";

/// @notice What a test claims, and the errors that say what it got instead.
abstract contract Assertions {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error NotEqual(string what, uint256 got, uint256 wanted);
    error NotEqualSigned(string what, int256 got, int256 wanted);
    error NotEqualWord(string what, bytes32 got, bytes32 wanted);
    error NotEqualAddress(string what, address got, address wanted);
    error NotTheReason(string what, Reason got, Reason wanted);
    error NotTrue(string what);

    function assertEq(uint256 got, uint256 wanted, string memory what) internal pure {
        require(got == wanted, NotEqual(what, got, wanted));
    }

    function assertEq(int256 got, int256 wanted, string memory what) internal pure {
        require(got == wanted, NotEqualSigned(what, got, wanted));
    }

    function assertEq(bytes32 got, bytes32 wanted, string memory what) internal pure {
        require(got == wanted, NotEqualWord(what, got, wanted));
    }

    function assertEq(address got, address wanted, string memory what) internal pure {
        require(got == wanted, NotEqualAddress(what, got, wanted));
    }

    function assertEq(Reason got, Reason wanted, string memory what) internal pure {
        require(got == wanted, NotTheReason(what, got, wanted));
    }

    function assertTrue(bool condition, string memory what) internal pure {
        require(condition, NotTrue(what));
    }

    function assertFalse(bool condition, string memory what) internal pure {
        require(!condition, NotTrue(what));
    }

    /// @return a number from `low` to `high`, the same for the same `seed`
    function bound(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        unchecked {
            uint256 range = high - low + 1;
            return range == 0 ? seed : low + seed % range;
        }
    }
}
