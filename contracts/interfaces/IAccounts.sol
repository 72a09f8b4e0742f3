// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What everybody has, owes and was charged
/// @notice Amounts are nano-euro: Wh x micro-euro per kWh, so that settlement never rounds. Every posting debits
/// one participant and credits another; no balance is ever negative. What a payer cannot cover stays as an open
/// claim in the pair (payer, payee) and takes precedence over everything that comes later.
interface IAccounts {
    // --------------------------------------------------------------------------------------------- Types
    /// @notice What one participant has, in one word.
    struct Account {
        uint96 balance; // nano-euro, the reserve included
        uint80 reserved; // held for open sessions: blocks clearings and withdrawals, never a payment
        uint80 owed; // sum of the open claims against this participant
    }

    /// @notice Everything ever posted from one participant to another. Where the payee is grid operator and
    /// station operator at once, imported energy counts in both postings, so twice.
    struct Pair {
        uint80 amount; // nano-euro posted, paid or not
        uint80 claim; // nano-euro of it that is still open
        uint48 importWh; // energy taken from the grid behind the postings
        uint48 exportWh; // energy fed into the grid behind the postings
    }

    /// @notice What a journal entry is about. A journal is a hash chain:
    /// head' = keccak256(head, entry), starting at 0.
    enum Entry {
        Settlement, // the leaf of a settled report, see ISessions
        Deposit, // keccak256(abi.encode(Entry.Deposit, participant, amount))
        Withdrawal, // keccak256(abi.encode(Entry.Withdrawal, participant, amount))
        Collection, // keccak256(abi.encode(Entry.Collection, payer, payee, amount)), in both journals
        Correction // keccak256(abi.encode(Entry.Correction, station, session, version, contentHash))
    }

    /// @notice Head and length of a participant's journal in one word.
    struct Journal {
        bytes26 head; // the leading 26 bytes of the hash are kept, the chain goes on from them
        uint48 count;
    }

    /// @notice What a correction changes between two participants.
    struct Adjustment {
        uint24 payer;
        uint24 payee;
        int96 amount; // nano-euro, posted from payer to payee; negative: from payee to payer
        int56 importWh; // by how much the energy behind the postings from payer to payee changes
        int56 exportWh;
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice Corrections post what they change, nobody else.
    error OnlyCorrections(address caller);
    /// @notice Custody moves money in and out, nobody else.
    error OnlyVault(address caller);
    /// @notice The balance above the reserve is less than what was asked for, in nano-euro.
    error NotCovered(uint24 participant, uint256 available, uint256 wanted);
    /// @notice Who owes pays first: `owed` nano-euro are open.
    error ClaimsOpen(uint24 participant, uint256 owed);
    /// @notice No open claim between the two, or the payer has no money.
    error NothingToCollect(uint24 payer, uint24 payee);

    // -------------------------------------------------------------------------------------------- Events
    /// @notice `amount` nano-euro came in through the vault.
    event Deposited(uint24 indexed participant, uint96 amount);
    /// @notice `amount` nano-euro went out through the vault.
    event Withdrawn(uint24 indexed participant, uint96 amount);
    /// @notice `amount` of a posting was not covered and stays open.
    event ClaimOpened(uint24 indexed payer, uint24 indexed payee, uint80 amount);
    /// @notice `amount` of an open claim was paid.
    event Collected(uint24 indexed payer, uint24 indexed payee, uint80 amount);

    // ----------------------------------------------------------------------------------------- Functions

    /// @notice Credits what the vault received. Only the vault.
    function credit(uint24 participant, uint96 amount) external;

    /// @notice Debits what the vault is about to pay out to the participant that `account` owns. Only the vault.
    /// Never below the reserve, and not while claims are open.
    function debit(address account, uint96 amount) external returns (uint24 participant);

    /// @notice Pays an open claim as far as the payer's balance goes. Anybody may call it.
    function collect(uint24 payer, uint24 payee) external returns (uint80 paid);

    /// @notice Posts what a correction changes, in the order given, with cover and claims as every posting. Only the
    /// corrections.
    /// @param parties whose journals get the entry
    /// @param entry see `Entry.Correction`
    function adjust(Adjustment[] calldata adjustments, uint24[] calldata parties, bytes32 entry)
        external;

    // --------------------------------------------------------------------------------------------- Views
    /// @notice A participant's account.
    function accounts(uint24 participant) external view returns (Account memory);
    /// @notice All that was ever posted from one participant to another.
    function pairs(uint24 payer, uint24 payee) external view returns (Pair memory);
    /// @notice Head and length of a participant's journal.
    function journals(uint24 participant) external view returns (Journal memory);
    /// @notice Sum of all balances, which the vault holds in tokens.
    function totalBalance() external view returns (uint256);
}
