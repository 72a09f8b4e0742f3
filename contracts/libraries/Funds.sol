// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice An account in one word, as it is stored (IAccounts.Account): from the lowest bits, balance 96, reserved 80,
/// owed 80; all in nano-euro.
type Funds is uint256;

using FundsArithmetic for Funds global;

/// @notice Arithmetic of an account. Every change keeps each field within its bits:
/// no balance exceeds the sum of all, which `Accounts.credit` keeps within 96 bits.
library FundsArithmetic {
    function balance(Funds f) internal pure returns (uint256) {
        return uint96(Funds.unwrap(f));
    }

    function reserved(Funds f) internal pure returns (uint256) {
        return uint80(Funds.unwrap(f) >> 96);
    }

    function owed(Funds f) internal pure returns (uint256) {
        return Funds.unwrap(f) >> 176;
    }

    /// @return whether the account has no open claims and covers `amount` on top of its reserves, which keep to
    /// their bits
    /// @param amount at most 64 bits
    function covers(Funds f, uint256 amount) internal pure returns (bool) {
        unchecked {
            uint256 wanted = f.reserved() + amount;
            return f.owed() == 0 && f.balance() >= wanted && wanted >> 80 == 0;
        }
    }

    /// @return what open claims leave of the balance
    function free(Funds f) internal pure returns (uint256) {
        (uint256 has, uint256 owes) = (f.balance(), f.owed());
        // the condition
        unchecked {
            return has > owes ? has - owes : 0;
        }
    }

    /// @param reserve that the account covers
    function hold(Funds f, uint256 reserve) internal pure returns (Funds) {
        unchecked {
            return Funds.wrap(Funds.unwrap(f) + (reserve << 96));
        }
    }

    /// @param reserve that a session holds, so a part of what its payer has reserved
    function release(Funds f, uint256 reserve) internal pure returns (Funds) {
        unchecked {
            return Funds.wrap(Funds.unwrap(f) - (reserve << 96));
        }
    }

    /// @param paid at most the balance
    /// @param open what stays to be paid, at most 80 bits; beyond 80 bits of all of it this reverts
    function pay(Funds f, uint256 paid, uint256 open) internal pure returns (Funds) {
        uint256 left;
        unchecked {
            left = Funds.unwrap(f) - paid;
        }
        return Funds.wrap(open == 0 ? left : left + (open << 176));
    }

    /// @param paid that another account had, so the sum has no more bits than all balances together
    function receive_(Funds f, uint256 paid) internal pure returns (Funds) {
        unchecked {
            return Funds.wrap(Funds.unwrap(f) + paid);
        }
    }
}
