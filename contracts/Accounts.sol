// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Base} from "./Base.sol";
import {Vault} from "./Vault.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Storage} from "./libraries/Storage.sol";

/// @notice Double-entry accounts in nano-euro, with reserves, open claims and journals.
abstract contract Accounts is Base, IAccounts {
    using SafeCast for uint256;
    using Storage for Account;
    using Storage for Pair;
    using Storage for Journal;

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
        require(
            REGISTRY.participants(participant).account != address(0),
            IRegistry.NoSuchParticipant(participant)
        );
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

    /// @dev Posts from payer to payee, whose accounts the caller has loaded and will save. An account that is
    /// both is one memory struct: then no money moves.
    function _post(
        uint24 payer,
        uint24 payee,
        Account memory from,
        Account memory to,
        uint256 amount,
        uint256 importWh,
        uint256 exportWh
    ) internal {
        if (amount == 0 && importWh == 0 && exportWh == 0) return;
        Pair memory p = _pairs[payer][payee].load();
        p.amount += amount.toUint80();
        p.importWh += importWh.toUint48();
        p.exportWh += exportWh.toUint48();
        if (payer != payee) {
            uint80 open = _pay(from, to, uint80(amount));
            if (open != 0) {
                p.claim += open;
                emit ClaimOpened(payer, payee, open);
            }
        }
        _pairs[payer][payee].save(p);
    }

    /// @dev Older claims come first: only what the balance exceeds them by pays.
    /// @return open what was not covered
    function _pay(Account memory from, Account memory to, uint80 amount)
        private
        pure
        returns (uint80 open)
    {
        uint96 free = from.balance > from.owed ? from.balance - from.owed : 0;
        uint80 paid = amount < free ? amount : uint80(free);
        open = amount - paid;
        from.balance -= paid;
        to.balance += paid;
        from.owed += open;
    }

    /// @return whether an account has no open claims and covers `amount` on top of its reserves
    function _covers(Account memory a, uint64 amount) internal pure returns (bool) {
        return a.owed == 0 && a.balance >= uint256(a.reserved) + amount;
    }

    /// @dev Appends an entry to a participant's journal.
    function _record(uint24 participant, bytes32 entry) internal {
        _journals[participant].append(entry);
    }
}
