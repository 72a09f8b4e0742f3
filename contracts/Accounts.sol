// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Base} from "./Base.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {IVault} from "./interfaces/IVault.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {Vault} from "./Vault.sol";

/// @notice Double-entry accounts in nano-euro, with reserves, open claims and journals.
abstract contract Accounts is Base, IAccounts {
    using SafeCast for uint256;

    IVault internal immutable VAULT;
    uint256 public totalBalance;
    mapping(uint24 participant => Account) internal _accounts;
    mapping(uint24 payer => mapping(uint24 payee => Pair)) private _pairs;
    mapping(uint24 participant => Journal) private _journals;

    constructor(address token) {
        VAULT = new Vault(token);
    }

    modifier onlyVault() {
        require(msg.sender == address(VAULT), OnlyVault(msg.sender));
        _;
    }

    // -------------------------------------------------------------------------------------------- Custody

    function credit(uint24 participant, uint96 amount) external onlyVault {
        require(REGISTRY.participants(participant).account != address(0), IRegistry.NoSuchParticipant(participant));
        _accounts[participant].balance += amount;
        totalBalance += amount;
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
        Pair storage p = _pairs[payer][payee];
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

    // ---------------------------------------------------------------------------------------------- Views

    function accounts(uint24 participant) external view returns (Account memory) {
        return _accounts[participant];
    }

    function pairs(uint24 payer, uint24 payee) external view returns (Pair memory) {
        return _pairs[payer][payee];
    }

    function journals(uint24 participant) external view returns (Journal memory) {
        return _journals[participant];
    }

    // ------------------------------------------------------------------------------------------- Internal

    /// @dev Posts from payer to payee. Older claims come first: only what is left above them pays.
    function _post(uint24 payer, uint24 payee, uint256 amount, uint256 importWh, uint256 exportWh) internal {
        if (amount == 0 && importWh == 0 && exportWh == 0) return;
        Pair memory p = _pairs[payer][payee];
        p.amount += amount.toUint80();
        p.importWh += importWh.toUint48();
        p.exportWh += exportWh.toUint48();
        if (payer != payee && amount != 0) {
            Account memory from = _accounts[payer];
            uint256 free = from.balance > from.owed ? from.balance - from.owed : 0;
            uint256 paid = amount < free ? amount : free;
            if (paid < amount) {
                uint80 open = (amount - paid).toUint80();
                p.claim += open;
                from.owed += open;
                emit ClaimOpened(payer, payee, open);
            }
            from.balance -= paid.toUint96();
            _accounts[payer] = from;
            _accounts[payee].balance += paid.toUint96();
        }
        _pairs[payer][payee] = p;
    }

    /// @return whether the participant has no open claims and can cover `amount` on top of its reserves
    function _covers(uint24 participant, uint256 amount) internal view returns (bool) {
        Account memory a = _accounts[participant];
        return a.owed == 0 && a.balance >= a.reserved + amount;
    }

    function _reserve(uint24 participant, uint256 amount) internal {
        if (amount != 0) _accounts[participant].reserved += amount.toUint80();
    }

    function _release(uint24 participant, uint256 amount) internal {
        if (amount != 0) _accounts[participant].reserved -= amount.toUint80();
    }

    /// @dev Appends an entry to a participant's journal.
    function _record(uint24 participant, bytes32 entry) internal {
        Journal memory j = _journals[participant];
        j.head = bytes26(keccak256(abi.encode(j.head, entry)));
        j.count += 1;
        _journals[participant] = j;
    }
}
