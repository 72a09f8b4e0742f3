// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Custody of the tokens behind the accounts
/// @notice Holds an ERC-20 euro. Knows nothing of sessions: it turns tokens into credit and back.
/// One euro is 10**decimals token units and 10**9 nano-euro of account.
interface IVault {
    /// @notice The amount is not a whole number of nano-euro.
    error NotRepresentable(uint256 units);
    /// @notice The token moved another amount than asked: it charges fees or is broken.
    error WrongAmountReceived(uint256 wanted, uint256 received);
    /// @notice The amount is less than one token unit.
    error NothingToWithdraw();

    /// @notice Takes `units` of the token from the caller and credits the participant. Anybody may deposit for
    /// anybody.
    function deposit(uint24 participant, uint256 units) external;

    /// @notice The same with an ERC-2612 permit of the caller in place of an approval.
    function depositWithPermit(
        uint24 participant,
        uint256 units,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Pays up to `amount` nano-euro from the caller's own account to `to`, rounded down to whole token
    /// units; the rest stays in the account.
    /// @return units paid
    function withdraw(uint96 amount, address to) external returns (uint256 units);
    /// @notice The ERC-20.
    function token() external view returns (address);
    /// @notice The ledger, which created this vault.
    function ledger() external view returns (address);
}
