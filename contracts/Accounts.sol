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
            Account storage payer = _accounts[a.payer];
            payer.save(
                _post(payer.load(), a.payer, a.payee, a.amount >= 0, SignedMath.abs(a.amount), 0, 0)
            );
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

    /// @dev Posts between a participant, whose funds the caller has loaded and will save, and another one. To oneself
    /// no money moves.
    /// @param pays whether the participant pays; else the other one does
    /// @param amount nano-euro
    /// @return the participant's funds after it
    function _post(
        Funds funds,
        uint24 participant,
        uint24 other,
        bool pays,
        uint256 amount,
        uint256 importWh,
        uint256 exportWh
    ) internal returns (Funds) {
        if (amount | importWh | exportWh == 0) return funds;
        uint256 open = 0;
        if (participant != other) {
            Account storage account = _accounts[other];
            Funds theirs = account.load();
            if (pays) (funds, theirs, open) = _pay(funds, theirs, amount);
            else (theirs, funds, open) = _pay(theirs, funds, amount);
            account.save(theirs);
        }
        (uint24 payer, uint24 payee) = pays ? (participant, other) : (other, participant);
        Pair storage p = _pairs[_between(payer, payee)];
        p.save(p.load().add(amount, open, importWh, exportWh));
        if (open != 0) emit ClaimOpened(payer, payee, uint80(open));
        return funds;
    }

    /// @dev Older claims come first: only what the balance exceeds them by pays.
    /// @return both after it, and what was not covered
    function _pay(Funds payer, Funds payee, uint256 amount)
        private
        pure
        returns (Funds, Funds, uint256)
    {
        uint256 paid = payer.free();
        if (amount < paid) paid = amount;
        uint256 open;
        // at most the amount
        unchecked {
            open = amount - paid;
        }
        return (payer.pay(paid, open), payee.receive_(paid), open);
    }

    /// @dev Where a session held a reserve.
    function _release(uint24 participant, uint64 reserve) internal {
        if (reserve == 0) return;
        Account storage account = _accounts[participant];
        account.save(account.load().release(reserve));
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
