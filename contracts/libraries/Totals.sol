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

    /// @param importWh at most 48 bits
    /// @param exportWh at most 48 bits
    function add(Totals t, uint256 amount, uint256 open, uint256 importWh, uint256 exportWh)
        internal
        pure
        returns (Totals)
    {
        uint256 w = Totals.unwrap(t);
        // a claim is part of the amount
        bool fits = amount <= type(uint80).max - uint80(w)
            && importWh <= type(uint48).max - uint48(w >> 160)
            && exportWh <= type(uint48).max - (w >> 208);
        require(fits, CounterFull());
        // each field fits
        unchecked {
            return Totals.wrap(w + (amount | open << 80 | importWh << 160 | exportWh << 208));
        }
    }
}
