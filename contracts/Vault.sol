// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAccounts} from "./interfaces/IAccounts.sol";
import {IVault} from "./interfaces/IVault.sol";

/// @notice Holds the tokens; the ledger that created it keeps the accounts.
contract Vault is IVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20Metadata;
    using SafeCast for uint256;

    uint256 private constant NANO = 1e9;

    IERC20Metadata private immutable TOKEN;
    IAccounts private immutable LEDGER;
    uint256 private immutable UNITS; // token units per euro

    constructor(address euro) {
        TOKEN = IERC20Metadata(euro);
        LEDGER = IAccounts(msg.sender);
        UNITS = 10 ** IERC20Metadata(euro).decimals();
    }

    function deposit(uint24 participant, uint256 units) external nonReentrant {
        _deposit(participant, units);
    }

    function depositWithPermit(
        uint24 participant,
        uint256 units,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        // somebody may have used the permit first: what counts is the allowance
        try IERC20Permit(address(TOKEN))
            .permit(msg.sender, address(this), units, deadline, v, r, s) {}
            catch {}
        _deposit(participant, units);
    }

    function withdraw(uint96 amount, address to) external nonReentrant returns (uint256 units) {
        units = uint256(amount) * UNITS / NANO;
        require(units != 0, NothingToWithdraw());
        // whole units are whole nano-euro, so that what leaves the account is what leaves the vault
        // slither-disable-next-line divide-before-multiply,unused-return the number is not needed
        LEDGER.debit(msg.sender, (units * NANO / UNITS).toUint96());
        TOKEN.safeTransfer(to, units);
    }

    function token() external view returns (address) {
        return address(TOKEN);
    }

    function ledger() external view returns (address) {
        return address(LEDGER);
    }

    function _deposit(uint24 participant, uint256 units) private {
        uint256 nano = units * NANO / UNITS;
        require(nano * UNITS == units * NANO, NotRepresentable(units));
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), units);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        // slither-disable-next-line incorrect-equality a token that moves another amount is refused
        require(received == units, WrongAmountReceived(units, received));
        LEDGER.credit(participant, nano.toUint96());
    }
}
