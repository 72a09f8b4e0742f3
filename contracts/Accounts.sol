// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Base} from "./Base.sol";
import {Vault} from "./Vault.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Funds} from "./libraries/Funds.sol";
import {Storage} from "./libraries/Storage.sol";
import {TotalsArithmetic} from "./libraries/Totals.sol";

/// @notice Double-entry accounts in nano-euro, with reserves, open claims and journals.
abstract contract Accounts is Base, IAccounts {
    using SafeCast for uint256;
    using Storage for Account;
    using Storage for Pair;
    using Storage for Journal;

    /// @dev An account on the table: loaded once, changed by several postings, saved once.
    struct Purse {
        uint24 owner;
        Funds funds;
    }

    IVault internal immutable VAULT;
    address internal immutable CORRECTIONS;
    uint256 public totalBalance;
    mapping(uint24 participant => Account) internal _accounts;
    mapping(uint256 payerAndPayee => Pair) private _pairs;
    mapping(uint24 participant => Journal) private _journals;

    constructor(address token, address corrections) {
        VAULT = new Vault(token);
        CORRECTIONS = corrections;
    }

    modifier onlyVault() {
        require(msg.sender == address(VAULT), OnlyVault(msg.sender));
        _;
    }

    // -------------------------------------------------------------------------------------------- Custody

    function credit(uint24 participant, uint96 amount) external onlyVault {
        require(
            REGISTRY.participants(participant).account != address(0),
            IRegistry.NoSuchParticipant(participant)
        );
        _accounts[participant].balance += amount;
        // so no balance can ever exceed its bits, wherever the money goes
        totalBalance = (totalBalance + amount).toUint96();
        _record(participant, keccak256(abi.encode(Entry.Deposit, participant, amount)));
        emit Deposited(participant, amount);
    }

    function debit(address owner, uint96 amount) external onlyVault returns (uint24 participant) {
        participant = REGISTRY.requireParticipant(owner);
        Account storage a = _accounts[participant];
        require(a.owed == 0, ClaimsOpen(participant, a.owed));
        uint256 free = a.balance > a.reserved ? a.balance - a.reserved : 0;
        require(amount <= free, NotCovered(participant, free, amount));
        a.balance -= amount;
        totalBalance -= amount;
        _record(participant, keccak256(abi.encode(Entry.Withdrawal, participant, amount)));
        emit Withdrawn(participant, amount);
    }

    // --------------------------------------------------------------------------------------------- Claims

    function collect(uint24 payer, uint24 payee) external returns (uint80 paid) {
        Pair storage p = _pairs[_between(payer, payee)];
        Account storage from = _accounts[payer];
        paid = from.balance < p.claim ? uint80(from.balance) : p.claim;
        require(paid != 0, NothingToCollect(payer, payee));
        p.claim -= paid;
        from.owed -= paid;
        from.balance -= paid;
        _accounts[payee].balance += paid;
        bytes32 entry = keccak256(abi.encode(Entry.Collection, payer, payee, paid));
        _record(payer, entry);
        _record(payee, entry);
        emit Collected(payer, payee, paid);
    }

    // --------------------------------------------------------------------------------------- Corrections

    function adjust(Adjustment[] calldata adjustments, uint24[] calldata parties, bytes32 entry)
        external
    {
        require(msg.sender == CORRECTIONS, OnlyCorrections(msg.sender));
        for (uint256 i = 0; i < adjustments.length; ++i) {
            Adjustment calldata a = adjustments[i];
            Purse memory payer = _openPurse(a.payer);
            Purse memory payee = a.payee == a.payer ? payer : _openPurse(a.payee);
            (Purse memory from, Purse memory to) = a.amount < 0 ? (payee, payer) : (payer, payee);
            _post(from, to, SignedMath.abs(a.amount), 0, 0);
            _closePurse(payer);
            _closePurse(payee);
            Pair storage p = _pairs[_between(a.payer, a.payee)];
            p.importWh = _moved(p.importWh, a.importWh);
            p.exportWh = _moved(p.exportWh, a.exportWh);
        }
        for (uint256 i = 0; i < parties.length; ++i) {
            _record(parties[i], entry);
        }
    }

    // ---------------------------------------------------------------------------------------------- Views

    function accounts(uint24 participant) external view returns (Account memory) {
        return _accounts[participant];
    }

    function pairs(uint24 payer, uint24 payee) external view returns (Pair memory) {
        return _pairs[_between(payer, payee)];
    }

    function journals(uint24 participant) external view returns (Journal memory) {
        return _journals[participant];
    }

    // ------------------------------------------------------------------------------------------- Internal

    function _openPurse(uint24 participant) internal view returns (Purse memory) {
        return Purse(participant, _accounts[participant].load());
    }

    function _closePurse(Purse memory p) internal {
        _accounts[p.owner].save(p.funds);
    }

    /// @dev Posts from payer to payee, whose purses the caller has opened and will close. Where one participant is
    /// both, both are one purse: then no money moves.
    /// @param amount nano-euro
    function _post(
        Purse memory payer,
        Purse memory payee,
        uint256 amount,
        uint256 importWh,
        uint256 exportWh
    ) internal {
        if (amount | importWh | exportWh == 0) return;
        uint256 open = payer.owner == payee.owner ? 0 : _pay(payer, payee, amount);
        Pair storage p = _pairs[_between(payer.owner, payee.owner)];
        p.save(p.load().add(amount, open, importWh, exportWh));
        if (open != 0) emit ClaimOpened(payer.owner, payee.owner, uint80(open));
    }

    /// @dev Older claims come first: only what the balance exceeds them by pays.
    /// @return open what was not covered
    function _pay(Purse memory payer, Purse memory payee, uint256 amount)
        private
        pure
        returns (uint256 open)
    {
        uint256 paid = payer.funds.free();
        if (amount < paid) paid = amount;
        // at most the amount
        unchecked {
            open = amount - paid;
        }
        payer.funds = payer.funds.pay(paid, open);
        payee.funds = payee.funds.receive_(paid);
    }

    function _between(uint24 payer, uint24 payee) private pure returns (uint256) {
        return uint256(payer) << 24 | payee;
    }

    function _moved(uint48 counter, int56 change) private pure returns (uint48) {
        int256 next = int256(uint256(counter)) + change;
        require(next >> 48 == 0, TotalsArithmetic.CounterFull());
        return uint48(uint256(next));
    }

    /// @dev Appends an entry to a participant's journal.
    function _record(uint24 participant, bytes32 entry) internal {
        _journals[participant].append(entry);
    }
}
