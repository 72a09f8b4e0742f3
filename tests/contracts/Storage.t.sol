// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVehicles} from "../../contracts/interfaces/IVehicles.sol";
import {Storage} from "../../contracts/libraries/Storage.sol";
import {Assertions} from "./Assertions.sol";

/// @notice What Storage reads and writes as words is what the compiler reads and writes field by field.
///
/// each struct
/// ├── saved as words: the compiler reads the same
/// ├── written by the compiler: loaded the same
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

    function testFuzz_account(IAccounts.Account memory m, IAccounts.Account memory old)
        public
        guarded
    {
        account = old;
        same(abi.encode(account.load()), abi.encode(old));
        account.save(m);
        same(abi.encode(account), abi.encode(m));
    }

    function testFuzz_pair(IAccounts.Pair memory m, IAccounts.Pair memory old) public guarded {
        pair = old;
        same(abi.encode(pair.load()), abi.encode(old));
        pair.save(m);
        same(abi.encode(pair), abi.encode(m));
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

    /// @dev A session's fields as a fuzzer may draw them: an enum beyond its last value cannot be decoded.
    struct Drawn {
        uint32[2] numbers;
        uint40[2] times;
        uint48[2] registers;
        uint8 state;
        uint24 supplier;
        uint16[2] tariffs;
        uint64[2] reserves;
    }

    function testFuzz_session(Drawn memory drawn, Drawn memory before) public guarded {
        ISessions.Session memory m = made(drawn);
        ISessions.Session memory old = made(before);
        session = old;
        same(abi.encode(session.load()), abi.encode(old));
        session.saveProgress(m);
        same(progress(session), progress(m));
        same(terms(session), terms(old));
        session.saveTerms(m);
        same(abi.encode(session), abi.encode(m));
    }

    function made(Drawn memory d) private pure returns (ISessions.Session memory s) {
        (s.number, s.report) = (d.numbers[0], d.numbers[1]);
        (s.time, s.touched) = (d.times[0], d.times[1]);
        (s.importRegister, s.exportRegister) = (d.registers[0], d.registers[1]);
        (s.state, s.supplier) = (ISessions.State(d.state % 5), d.supplier);
        (s.gridTariff, s.operatorTariff) = (d.tariffs[0], d.tariffs[1]);
        (s.supplierReserve, s.gridReserve) = (d.reserves[0], d.reserves[1]);
    }

    function testFuzz_vehicle(IVehicles.Vehicle memory m, IVehicles.Vehicle memory old)
        public
        guarded
    {
        vehicle = old;
        same(abi.encode(vehicle.load()), abi.encode(old));
        vehicle.save(m);
        same(abi.encode(vehicle), abi.encode(m));
    }

    function testFuzz_station(IRegistry.Station memory m) public {
        station = m;
        same(abi.encode(station.load()), abi.encode(m));
    }

    function testFuzz_participant(IRegistry.Participant memory m) public {
        participant = m;
        same(abi.encode(participant.load()), abi.encode(m));
    }

    /// @dev Field by field, all of what every message changes.
    function progress(ISessions.Session memory s) private pure returns (bytes memory) {
        return abi.encode(
            s.number, s.report, s.time, s.touched, s.importRegister, s.exportRegister, s.state
        );
    }

    /// @dev And all of what a clearing fixes.
    function terms(ISessions.Session memory s) private pure returns (bytes memory) {
        return
            abi.encode(s.supplier, s.gridTariff, s.operatorTariff, s.supplierReserve, s.gridReserve);
    }

    function same(bytes memory got, bytes memory wanted) private pure {
        assertEq(keccak256(got), keccak256(wanted), "fields");
    }
}
