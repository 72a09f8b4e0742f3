// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A posting pair in one word, as it is stored (IAccounts.Pair): from the lowest bits, amount and claim 80 each
/// in nano-euro, import and export 48 each in Wh.
type Totals is uint256;

using TotalsArithmetic for Totals global;

/// @notice Arithmetic of a posting pair.
library TotalsArithmetic {
    /// @notice A counter of the pair is full.
    error CounterFull();

    /// @param open at most the amount
    /// @param importWh at most 48 bits
    /// @param exportWh at most 48 bits
    function add(Totals t, uint256 amount, uint256 open, uint256 importWh, uint256 exportWh)
        internal
        pure
        returns (Totals)
    {
        uint256 w = Totals.unwrap(t);
        // each field fits, or it reverts; a claim is part of the amount
        unchecked {
            uint256 over = (uint80(w) + amount) >> 80 | (uint48(w >> 160) + importWh) >> 48
                | ((w >> 208) + exportWh) >> 48;
            require(over == 0, CounterFull());
            return Totals.wrap(w + (amount | open << 80 | importWh << 160 | exportWh << 208));
        }
    }
}
