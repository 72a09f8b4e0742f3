// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {ILedger} from "../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {Fixture} from "./Fixture.sol";
import {FeeToken, PlainToken, RebasingToken, ReenteringToken, RefusingToken} from "./Tokens.sol";

/// @notice Tokens in, tokens out, and tokens that behave badly.
///
/// deposit
/// ├── for nobody: NoSuchParticipant
/// ├── not a whole number of nano-euro: NotRepresentable
/// ├── the token moves another amount: WrongAmountReceived
/// └── else credited, whoever pays
/// depositWithPermit
/// ├── by a permit, also by one that somebody used first
/// └── without a permit or an allowance: the token's error
/// withdraw
/// ├── by nobody: NotAParticipant
/// ├── less than a unit: NothingToWithdraw
/// └── else rounded down to whole units, and the account is debited what is paid
contract VaultTest is Fixture {
    uint256 private constant HOLDER_KEY = 0xa11ce;
    address private holder = vm.addr(HOLDER_KEY);

    // -------------------------------------------------------------------------------------------- Deposit

    function test_deposit_for_somebody() public {
        euro.mint(stranger, 5 * EURO);
        vm.startPrank(stranger);
        euro.approve(address(vault), 5 * EURO);
        vm.expectEmit(address(ledger));
        emit IAccounts.Deposited(operator, 5e9);
        vault.deposit(operator, 5 * EURO);
        vm.stopPrank();
        assertEq(accountOf(operator).balance, 5e9, "balance");
        assertEq(euro.balanceOf(stranger), 0, "paid");
        held(ledger, 3005e9);
    }

    function test_deposit_for_nobody() public {
        euro.mint(address(this), 1);
        euro.approve(address(vault), 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoSuchParticipant.selector, 0));
        vault.deposit(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoSuchParticipant.selector, 99));
        vault.deposit(99, 1);
    }

    function test_deposit_for_a_suspended_participant() public {
        vm.prank(governance);
        registry.suspend(supplier);
        fund(supplier, 1);
        assertEq(accountOf(supplier).balance, 1000e9 + 1000, "balance");
    }

    function test_deposit_without_allowance() public {
        euro.mint(stranger, 5);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 5
            )
        );
        vault.deposit(supplier, 5);
    }

    function test_wiring() public view {
        assertEq(vault.token(), address(euro), "token");
        assertEq(vault.ledger(), address(ledger), "ledger");
    }

    // --------------------------------------------------------------------------------------------- Permit

    function test_deposit_with_permit() public {
        euro.mint(holder, 7);
        (uint8 v, bytes32 r, bytes32 s) = permit(7, block.timestamp);
        vm.prank(holder);
        vault.depositWithPermit(operator, 7, block.timestamp, v, r, s);
        assertEq(accountOf(operator).balance, 7000, "balance");
    }

    function test_permit_that_somebody_used_first() public {
        euro.mint(holder, 7);
        (uint8 v, bytes32 r, bytes32 s) = permit(7, block.timestamp);
        vm.prank(stranger);
        euro.permit(holder, address(vault), 7, block.timestamp, v, r, s);
        vm.prank(holder);
        vault.depositWithPermit(operator, 7, block.timestamp, v, r, s);
        assertEq(accountOf(operator).balance, 7000, "balance");
    }

    /// @dev The permit of one pays for nobody else: the caller's own allowance counts.
    function test_permit_of_somebody_else() public {
        euro.mint(holder, 7);
        euro.mint(stranger, 7);
        (uint8 v, bytes32 r, bytes32 s) = permit(7, block.timestamp);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 7
            )
        );
        vault.depositWithPermit(operator, 7, block.timestamp, v, r, s);
        assertEq(euro.balanceOf(holder), 7, "untouched");
    }

    function test_expired_permit() public {
        euro.mint(holder, 7);
        (uint8 v, bytes32 r, bytes32 s) = permit(7, block.timestamp - 1);
        vm.prank(holder);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 7
            )
        );
        vault.depositWithPermit(operator, 7, block.timestamp - 1, v, r, s);
    }

    // ------------------------------------------------------------------------------------------- Withdraw

    function test_withdraw_rounds_down_and_keeps_the_rest() public {
        vm.expectEmit(address(ledger));
        emit IAccounts.Withdrawn(supplier, 1000);
        vm.prank(supplierAccount);
        assertEq(vault.withdraw(1999, stranger), 1, "units");
        assertEq(accountOf(supplier).balance, 1000e9 - 1000, "only what was paid");
        assertEq(euro.balanceOf(stranger), 1, "paid");
        held(ledger, 3000e9 - 1000);
    }

    function test_withdraw_less_than_a_unit() public {
        vm.startPrank(supplierAccount);
        vm.expectRevert(IVault.NothingToWithdraw.selector);
        vault.withdraw(999, supplierAccount);
        vm.expectRevert(IVault.NothingToWithdraw.selector);
        vault.withdraw(0, supplierAccount);
        vm.stopPrank();
    }

    function test_withdraw_by_nobody() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, stranger));
        vault.withdraw(1000, stranger);
    }

    function test_withdraw_more_than_there_is() public {
        vm.prank(operatorAccount);
        vm.expectRevert(abi.encodeWithSelector(IAccounts.NotCovered.selector, operator, 0, 1000));
        vault.withdraw(1000, operatorAccount);
    }

    function test_withdraw_by_the_account_that_took_over() public {
        vm.prank(supplierAccount);
        registry.moveAccount(stranger);
        vm.prank(supplierAccount);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotAParticipant.selector, supplierAccount));
        vault.withdraw(1e9, supplierAccount);
        vm.prank(stranger);
        assertEq(vault.withdraw(1e9, stranger), EURO, "units");
    }

    // ------------------------------------------------------------------------------------------ Donations

    function test_donation_is_nobodys() public {
        euro.mint(address(vault), 123 * EURO);
        assertEq(ledger.totalBalance(), 3000e9, "no account grows");
        fund(operator, EURO);
        assertEq(accountOf(operator).balance, 1e9, "deposits are measured without it");
        vm.prank(operatorAccount);
        vault.withdraw(1e9, operatorAccount);
        assertEq(euro.balanceOf(operatorAccount), EURO, "and withdrawals");
        assertEq(euro.balanceOf(address(vault)), 3123 * EURO, "it stays");
    }

    // ----------------------------------------------------------------------------------- Tokens' decimals

    function test_two_decimals() public {
        (ILedger other, PlainToken token) = market(new PlainToken(2));
        deposit(other, token, 1);
        assertEq(other.accounts(supplier).balance, 1e7, "a cent");
        IVault from = other.vault();
        vm.prank(supplierAccount);
        assertEq(from.withdraw(2e7 - 1, supplierAccount), 1, "units");
        assertEq(other.totalBalance(), 0, "all of it");
    }

    function test_eighteen_decimals() public {
        (ILedger other, PlainToken token) = market(new PlainToken(18));
        deposit(other, token, 5e9);
        assertEq(other.accounts(supplier).balance, 5, "nano-euro");
        token.mint(address(this), 5e9 + 1);
        IVault into = other.vault();
        token.approve(address(into), 5e9 + 1);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotRepresentable.selector, 5e9 + 1));
        into.deposit(supplier, 5e9 + 1);
        vm.prank(supplierAccount);
        assertEq(into.withdraw(3, supplierAccount), 3e9, "units");
        assertEq(other.accounts(supplier).balance, 2, "rest");
    }

    /// @dev What leaves the vault is what leaves the account, in any token.
    function testFuzz_what_is_held_is_what_is_owed(uint8 decimals, uint96 units, uint96 amount)
        public
    {
        decimals = uint8(bound(decimals, 0, 18));
        (ILedger other, PlainToken token) = market(new PlainToken(decimals));
        uint256 unit = 10 ** decimals;
        units = uint96(bound(units, 0, 1e9 * unit));
        if (decimals > 9) units -= uint96(units % 10 ** (decimals - 9));
        deposit(other, token, units);
        uint256 nano = uint256(units) * 1e9 / unit;
        assertEq(other.accounts(supplier).balance, nano, "credited");
        amount = uint96(bound(amount, 0, nano));
        uint256 wanted = uint256(amount) * unit / 1e9;
        if (wanted == 0) return;
        IVault from = other.vault();
        vm.prank(supplierAccount);
        assertEq(from.withdraw(amount, stranger), wanted, "units");
        assertEq(token.balanceOf(stranger), wanted, "paid");
        held(other, nano - wanted * 1e9 / unit);
        assertEq(token.balanceOf(address(from)) * 1e9, other.totalBalance() * unit, "exactly");
    }

    // ------------------------------------------------------------------------------ Tokens that misbehave

    function test_token_with_a_fee() public {
        (ILedger other, PlainToken token) = market(new FeeToken());
        IVault into = other.vault();
        token.mint(address(this), 1000);
        token.approve(address(into), 1000);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongAmountReceived.selector, 1000, 990));
        into.deposit(supplier, 1000);
        // too little for a fee
        into.deposit(supplier, 99);
        held(other, 99e3);
    }

    function test_token_that_refuses() public {
        (ILedger other, PlainToken token) = market(new RefusingToken());
        IVault into = other.vault();
        token.mint(address(this), 1000);
        vm.expectRevert(
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
        );
        into.deposit(supplier, 1000);
        assertEq(other.totalBalance(), 0, "nothing credited");
    }

    /// @dev The accounts stay what they are; the last to withdraw finds too little, and no account is debited.
    function test_token_that_shrinks() public {
        RebasingToken rebasing = new RebasingToken();
        (ILedger other, PlainToken token) = market(rebasing);
        IVault with = other.vault();
        deposit(other, token, 1000);
        rebasing.rebase(50);
        assertEq(other.accounts(supplier).balance, 1000e3, "account");
        vm.startPrank(supplierAccount);
        with.withdraw(400e3, supplierAccount);
        vm.expectRevert();
        with.withdraw(600e3, supplierAccount);
        vm.stopPrank();
        assertEq(other.accounts(supplier).balance, 600e3, "not debited");
        assertEq(token.balanceOf(supplierAccount), 400, "paid");
    }

    function test_token_that_grows() public {
        RebasingToken rebasing = new RebasingToken();
        (ILedger other, PlainToken token) = market(rebasing);
        deposit(other, token, 1000);
        rebasing.rebase(300);
        assertEq(other.totalBalance(), 1000e3, "what it grew is nobody's");
        IVault into = other.vault();
        token.mint(address(this), 1000);
        token.approve(address(into), 1000);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongAmountReceived.selector, 100, 99));
        into.deposit(supplier, 100);
        into.deposit(supplier, 300);
        held(other, 1300e3);
    }

    function test_token_that_reenters_the_vault() public {
        ReenteringToken reentering = new ReenteringToken();
        uint24 itself = admit(address(reentering), SUPPLIER);
        (ILedger other, PlainToken token) = market(reentering);
        address into = address(other.vault());
        deposit(other, token, 1000);
        vm.prank(address(reentering));
        token.approve(into, 1000);
        token.mint(address(reentering), 1000);
        bytes32 r;
        bytes[3] memory calls = [
            abi.encodeCall(IVault.deposit, (itself, 10)),
            abi.encodeCall(IVault.depositWithPermit, (itself, 10, 0, 0, r, r)),
            abi.encodeCall(IVault.withdraw, (1000, address(reentering)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            reentering.aim(into, calls[i]);
            deposit(other, token, 10);
            assertTrue(reentering.tried() && !reentering.worked(), "on its way in");
            reentering.aim(into, calls[i]);
            vm.prank(supplierAccount);
            IVault(into).withdraw(10e3, supplierAccount);
            assertTrue(reentering.tried() && !reentering.worked(), "on its way out");
        }
        held(other, 1000e3);
    }

    /// @dev Tokens that the token itself slips in between are not credited to the depositor.
    function test_token_that_pays_more_than_asked() public {
        ReenteringToken reentering = new ReenteringToken();
        (ILedger other, PlainToken token) = market(reentering);
        IVault into = other.vault();
        reentering.aim(address(token), abi.encodeCall(PlainToken.mint, (address(into), 5)));
        token.mint(address(this), 100);
        token.approve(address(into), 100);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongAmountReceived.selector, 100, 105));
        into.deposit(supplier, 100);
    }

    // -------------------------------------------------------------------------------------------- Helpers

    function market(PlainToken token) private returns (ILedger, PlainToken) {
        return (newLedger(registry, address(token)), token);
    }

    function deposit(ILedger into, PlainToken token, uint256 units) private {
        IVault with = into.vault();
        token.mint(address(this), units);
        token.approve(address(with), units);
        with.deposit(supplier, units);
    }

    function permit(uint256 units, uint256 deadline)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 content =
            keccak256(abi.encode(typehash, holder, address(vault), units, 0, deadline));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", euro.DOMAIN_SEPARATOR(), content));
        return vm.sign(HOLDER_KEY, digest);
    }

    function held(ILedger by, uint256 nano) private view {
        assertEq(by.totalBalance(), nano, "total");
        PlainToken token = PlainToken(by.vault().token());
        uint256 unit = 10 ** token.decimals();
        uint256 units = token.balanceOf(address(by.vault()));
        assertTrue(units * 1e9 >= nano * unit, "the vault holds it");
    }
}
