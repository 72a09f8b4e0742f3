// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVehicles} from "../../contracts/interfaces/IVehicles.sol";
import {Device} from "../../contracts/libraries/Device.sol";
import {Funds} from "../../contracts/libraries/Funds.sol";
import {Market, MarketFields} from "../../contracts/libraries/Market.sol";
import {Member} from "../../contracts/libraries/Member.sol";
import {Progress, ProgressFields} from "../../contracts/libraries/Progress.sol";
import {Storage} from "../../contracts/libraries/Storage.sol";
import {Supply} from "../../contracts/libraries/Supply.sol";
import {Terms, TermsFields} from "../../contracts/libraries/Terms.sol";
import {Totals} from "../../contracts/libraries/Totals.sol";
import {Assertions} from "./Assertions.sol";

/// @notice The words in which the ledger computes are the structs that the compiler reads and writes field by field.
///
/// each struct
/// ├── written by the compiler: the word's fields are the same
/// ├── saved as a word: the compiler reads the same
/// └── its neighbours in storage stay as they were
contract StorageTest is Assertions {
    using Storage for IAccounts.Account;
    using Storage for IAccounts.Pair;
    using Storage for IAccounts.Journal;
    using Storage for ISessions.Session;
    using Storage for IVehicles.Vehicle;
    using Storage for IRegistry.Station;
    using Storage for IRegistry.Participant;

    bytes32 private constant GUARD = keccak256("guard");

    bytes32 private guard0 = GUARD;
    IAccounts.Account private account;
    bytes32 private guard1 = GUARD;
    IAccounts.Pair private pair;
    bytes32 private guard2 = GUARD;
    IAccounts.Journal private journal;
    bytes32 private guard3 = GUARD;
    ISessions.Session private session;
    bytes32 private guard4 = GUARD;
    IVehicles.Vehicle private vehicle;
    bytes32 private guard5 = GUARD;
    IRegistry.Station private station;
    IRegistry.Participant private participant;

    modifier guarded() {
        _;
        assertEq(guard0, GUARD, "before the account");
        assertEq(guard1, GUARD, "before the pair");
        assertEq(guard2, GUARD, "before the journal");
        assertEq(guard3, GUARD, "before the session");
        assertEq(guard4, GUARD, "after the session");
        assertEq(guard5, GUARD, "after the vehicle");
    }

    // -------------------------------------------------------------------------------------------- Accounts

    function testFuzz_account(IAccounts.Account memory m) public guarded {
        account = m;
        Funds f = account.load();
        assertEq(f.balance(), m.balance, "balance");
        assertEq(f.reserved(), m.reserved, "reserved");
        assertEq(f.owed(), m.owed, "owed");
    }

    function testFuzz_account_moves(
        IAccounts.Account memory m,
        uint96 paid,
        uint80 open,
        uint64 held
    ) public guarded {
        m.balance = uint96(bound(m.balance, 0, 2 ** 95));
        m.owed = uint80(bound(m.owed, 0, type(uint80).max - open));
        m.reserved = uint80(bound(m.reserved, 0, type(uint80).max - held));
        paid = uint96(bound(paid, 0, m.balance));
        account = m;
        account.save(account.load().pay(paid, open).hold(held));
        assertEq(account.balance, m.balance - paid, "balance");
        assertEq(account.owed, uint256(m.owed) + open, "owed");
        assertEq(account.reserved, uint256(m.reserved) + held, "reserved");
        account.save(account.load().receive_(paid).release(held));
        assertEq(account.balance, m.balance, "balance");
        assertEq(account.reserved, m.reserved, "reserved");
        assertEq(account.owed, uint256(m.owed) + open, "owed");
    }

    function testFuzz_cover(IAccounts.Account memory m, uint64 amount) public {
        account = m;
        Funds f = account.load();
        uint256 wanted = uint256(m.reserved) + amount;
        assertTrue(f.covers(amount) == (m.owed == 0 && m.balance >= wanted), "covers");
        assertEq(f.free(), m.balance > m.owed ? m.balance - m.owed : 0, "free");
    }

    function testFuzz_pair(IAccounts.Pair memory m, IAccounts.Pair memory more) public guarded {
        m.amount = uint80(bound(m.amount, 0, type(uint80).max - more.amount));
        m.claim = uint80(bound(m.claim, 0, m.amount));
        more.claim = uint80(bound(more.claim, 0, more.amount));
        m.importWh = uint48(bound(m.importWh, 0, type(uint48).max - more.importWh));
        m.exportWh = uint48(bound(m.exportWh, 0, type(uint48).max - more.exportWh));
        pair = m;
        pair.save(pair.load().add(more.amount, more.claim, more.importWh, more.exportWh));
        assertEq(pair.amount, m.amount + more.amount, "amount");
        assertEq(pair.claim, m.claim + more.claim, "claim");
        assertEq(pair.importWh, m.importWh + more.importWh, "import");
        assertEq(pair.exportWh, m.exportWh + more.exportWh, "export");
    }

    function testFuzz_full_pair(IAccounts.Pair memory m, uint256 which) public {
        if (which % 3 == 0) m.amount = type(uint80).max;
        else if (which % 3 == 1) m.importWh = type(uint48).max;
        else m.exportWh = type(uint48).max;
        pair = m;
        vm.expectRevert();
        this.addOne(which % 3);
    }

    function addOne(uint256 which) external {
        Totals t = pair.load();
        pair.save(t.add(which == 0 ? 1 : 0, 0, which == 1 ? 1 : 0, which == 2 ? 1 : 0));
    }

    function testFuzz_journal(bytes26 head, uint40 count, bytes32 entry) public guarded {
        journal = IAccounts.Journal(head, count);
        journal.append(entry);
        assertEq(
            bytes32(journal.head),
            bytes32(bytes26(keccak256(abi.encode(bytes32(head), entry)))),
            "head"
        );
        assertEq(journal.count, uint256(count) + 1, "count");
    }

    // -------------------------------------------------------------------------------------------- Sessions

    /// @dev A session's fields as a fuzzer may draw them: an enum beyond its last value cannot be decoded.
    struct Drawn {
        uint32[2] numbers;
        uint40[2] times;
        uint48[2] registers;
        uint8 state;
        uint8 flags;
        uint24[3] parties;
        uint16[2] tariffs;
        uint64[2] reserves;
    }

    function testFuzz_progress(Drawn memory drawn, Drawn memory before) public guarded {
        ISessions.Session memory m = made(drawn);
        session = made(before);
        vm.warp(m.touched);
        uint256 reading = uint256(m.importRegister) * 2 ** 48 + m.exportRegister;
        session.save(ProgressFields.pack(m.number, m.report, m.time, reading, m.state, m.flags));
        same(progress(session), progress(m));
        same(terms(session), terms(made(before)));
        Progress p = session.loadProgress();
        assertEq(p.number(), m.number, "number");
        assertEq(p.report(), m.report, "report");
        assertEq(p.time(), m.time, "time");
        assertEq(p.touched(), m.touched, "touched");
        assertEq(p.reading(), reading, "reading");
        assertTrue(p.isOpen() == (m.state == ISessions.State.Open), "open");
        assertTrue(p.isSuperseded() == (m.state == ISessions.State.Superseded), "superseded");
        assertTrue(p.vehicleSigned() == (m.flags % 2 == 1), "vehicle signed");
        assertTrue(p.changeKnown() == (m.flags / 2 % 2 == 1), "change known");
    }

    function testFuzz_progress_changes(Drawn memory drawn, uint8 state) public guarded {
        ISessions.Session memory m = made(drawn);
        session = m;
        m.state = ISessions.State(state % 6);
        session.save(session.loadProgress().withState(m.state));
        same(abi.encode(session), abi.encode(m));
        m.flags |= 2;
        session.save(session.loadProgress().withChange());
        same(abi.encode(session), abi.encode(m));
    }

    function testFuzz_terms(Drawn memory drawn, Drawn memory before) public guarded {
        ISessions.Session memory m = made(drawn);
        session = made(before);
        session.save(
            TermsFields.pack(
                m.supplier,
                m.gridOperator,
                m.stationOperator,
                m.gridTariff,
                m.operatorTariff,
                m.supplierReserve,
                m.gridReserve
            )
        );
        same(terms(session), terms(m));
        same(progress(session), progress(made(before)));
        Terms t = session.loadTerms();
        assertEq(t.supplier(), m.supplier, "supplier");
        assertEq(t.gridOperator(), m.gridOperator, "grid operator");
        assertEq(t.stationOperator(), m.stationOperator, "station operator");
        assertEq(t.gridTariff(), m.gridTariff, "grid operator's tariff");
        assertEq(t.operatorTariff(), m.operatorTariff, "station operator's tariff");
        assertEq(t.supplierReserve(), m.supplierReserve, "supplier's reserve");
        assertEq(t.gridReserve(), m.gridReserve, "grid operator's reserve");
    }

    function testFuzz_terms_with_another_supplier(Drawn memory drawn, uint24 next, uint64 reserve)
        public
        guarded
    {
        ISessions.Session memory m = made(drawn);
        session = m;
        session.save(session.loadTerms().withSupplier(next, reserve));
        (m.supplier, m.supplierReserve) = (next, reserve);
        same(abi.encode(session), abi.encode(m));
    }

    function made(Drawn memory d) private pure returns (ISessions.Session memory s) {
        (s.number, s.report) = (d.numbers[0], d.numbers[1]);
        (s.time, s.touched) = (d.times[0], d.times[1]);
        (s.importRegister, s.exportRegister) = (d.registers[0], d.registers[1]);
        (s.state, s.flags) = (ISessions.State(d.state % 6), d.flags);
        (s.supplier, s.gridOperator, s.stationOperator) = (d.parties[0], d.parties[1], d.parties[2]);
        (s.gridTariff, s.operatorTariff) = (d.tariffs[0], d.tariffs[1]);
        (s.supplierReserve, s.gridReserve) = (d.reserves[0], d.reserves[1]);
    }

    // ------------------------------------------------------------------------------- Vehicles, the registry

    function testFuzz_vehicle(
        IVehicles.Vehicle memory m,
        uint32 station_,
        uint32 session_,
        uint40 time
    ) public guarded {
        vehicle = m;
        Supply s = vehicle.load();
        assertEq(s.nextSupplier(), m.nextSupplier, "next supplier");
        assertEq(s.nextFrom(), m.nextFrom, "next from");
        assertEq(s.station(), m.station, "station");
        assertEq(s.session(), m.session, "session");
        assertTrue(s.keyed() == m.keyed, "keyed");
        uint24 supplier = m.from != 0 && time >= m.from ? m.supplier : 0;
        if (m.nextFrom != 0 && time >= m.nextFrom) supplier = m.nextSupplier;
        assertEq(s.supplierAt(time), supplier, "supplier");
        vehicle.save(s.movedTo(station_, session_));
        (m.station, m.session) = (station_, session_);
        same(abi.encode(vehicle), abi.encode(m));
    }

    function testFuzz_station(IRegistry.Station memory m) public {
        station = m;
        Device d = station.load();
        assertEq(d.key(), m.key, "key");
        assertEq(d.gridOperator(), m.gridOperator, "grid operator");
        assertEq(d.operator(), m.operator, "operator");
        assertEq(d.maxPower(), m.maxPower, "power");
        assertEq(d.maxFeedIn(), m.maxFeedIn, "power of feed-in");
    }

    function testFuzz_participant(IRegistry.Participant memory p, uint8 role) public {
        participant = p;
        Member m = participant.load();
        assertTrue(m.isActive(role) == (p.active && p.roles & role != 0), "active");
        assertEq(m.defaultSupplier(), p.defaultSupplier, "default supplier");
        assertEq(m.gridTariffs(), p.gridTariffs, "versions as a grid operator");
        assertEq(m.operatorTariffs(), p.operatorTariffs, "versions as a station operator");
    }

    function testFuzz_market(IRegistry.Limits memory l, bool paused) public pure {
        Market m = MarketFields.pack(l, paused);
        same(abi.encode(m.unpack()), abi.encode(l));
        assertTrue(m.paused() == paused, "paused");
        assertEq(m.skew(), l.skew, "skew");
        assertEq(m.backlog(), l.backlog, "backlog");
        assertEq(m.reserveWh(), l.reserveWh, "reserve");
    }

    // --------------------------------------------------------------------------------------------- Helpers

    /// @dev Field by field, all of what every message changes.
    function progress(ISessions.Session memory s) private pure returns (bytes memory) {
        return abi.encode(
            s.number,
            s.report,
            s.time,
            s.touched,
            s.importRegister,
            s.exportRegister,
            s.state,
            s.flags
        );
    }

    /// @dev And all of what a clearing fixes.
    function terms(ISessions.Session memory s) private pure returns (bytes memory) {
        bytes memory parties = abi.encode(s.supplier, s.gridOperator, s.stationOperator);
        bytes memory tariffs = abi.encode(s.gridTariff, s.operatorTariff);
        return abi.encode(parties, tariffs, s.supplierReserve, s.gridReserve);
    }

    function same(bytes memory got, bytes memory wanted) private pure {
        assertEq(keccak256(got), keccak256(wanted), "fields");
    }
}
