// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {Reason} from "../../contracts/interfaces/Reason.sol";
import {Keys} from "./Keys.sol";
import {ReenteringToken} from "./Tokens.sol";

/// @notice What an attacker would try, one test each; more of it where the attacked function is tested
/// (signatures: Signatures.t.sol, tokens: Vault.t.sol, registrations: Vehicles.t.sol).
///
/// replay: on another chain, of another ledger, for another session, through another relay
/// a relay that reorders, drops, duplicates
/// gas griefing and large answers in a batch
/// storage that a hostile participant or stranger could fill
/// reentrancy by the token, into every door of the ledger
/// time at every edge
contract AttacksTest is Keys {
    Key private car = Key(0xca51, true);

    // ------------------------------------------------------------------------------------------- Replay

    /// @dev Both signatures cover the chain: neither the station's nor the vehicle's can be used elsewhere.
    function test_replay_on_another_chain() public {
        give(supplierAccount, CAR, car, START);
        ISessions.OpenSession memory o = opening(station, 1, CAR, START, 0, 0);
        bytes memory here = signedBy(o, k1(STATION_KEY), car);
        uint256 chain = 31_337; // not block.chainid, which a compiler may read again later
        assertEq(block.chainid, chain, "forge's");
        vm.chainId(chain + 1);
        expectReason(here, Reason.BadSignature);
        // a station that signs for that chain does not make the vehicle's old signature good there
        bytes32 digest = ledger.digestOf(o);
        vm.chainId(chain);
        bytes memory foreign = signatureOf(ledger.digestOf(o), car);
        vm.chainId(chain + 1);
        bytes memory mixed =
            bytes.concat(head(o, 0x40), signatureOf(digest, k1(STATION_KEY)), foreign);
        expectReason(mixed, Reason.BadVehicleSignature);
        vm.chainId(chain);
        expectReason(here, Reason.None);
    }

    /// @dev The same registry, another ledger: what was signed for one is void in the other.
    function test_replay_in_another_ledger() public {
        ILedger other = newLedger(registry, address(euro));
        bytes memory here = signed(opening(station, 1, CAR, START, 0, 0));
        vm.prank(relay, relay);
        assertEq(other.submit(batch(here))[0], Reason.BadSignature, "void");
        expectReason(here, Reason.None);
    }

    function test_replay_in_a_later_session() public {
        plugIn(feeding, CAR);
        vm.warp(START + 900);
        bytes memory r = signed(nextReport(feeding, START + 900, 1000, 0, true));
        expectReason(r, Reason.None);
        // the next session starts exactly where the last one did
        plugIn(feeding, CAR);
        expectReason(r, Reason.SessionNotOpen);
        unplug(feeding);
        expectReason(r, Reason.SessionNotOpen);
    }

    function test_replay_for_another_station() public {
        plugIn(station, CAR);
        plugIn(feeding, OTHER_CAR);
        vm.warp(START + 900);
        bytes memory r = signed(nextReport(station, START + 900, 1000, 0, true));
        r[4] = bytes1(uint8(feeding));
        expectReason(r, Reason.BadSignature);
    }

    function test_replay_through_another_relay() public {
        bytes memory o = signed(opening(station, 1, CAR, START, 0, 0));
        expectReason(o, Reason.None);
        vm.prank(stranger, stranger);
        assertEq(ledger.submit(batch(o))[0], Reason.SessionUsed, "used, whoever sends it");
        bytes[] memory twice = batch(signed(nextReport(station, START, 0, 0, true)), "", "");
        twice[1] = twice[0];
        Reason[] memory reasons = submitAll(twice);
        assertEq(reasons[0], Reason.None, "settled");
        assertEq(reasons[1], Reason.SessionNotOpen, "not twice");
    }

    // ---------------------------------------------------------------------------------- A hostile relay

    /// @dev Reports have an order of their own: whatever a relay does with them, what settles is the same.
    function test_relay_that_reorders_drops_and_duplicates() public {
        plugIn(feeding, CAR);
        bytes[4] memory reports;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 time = START + 900 * (i + 1);
            reports[i] = signed(
                report(
                    feeding,
                    1,
                    uint32(i + 1),
                    time,
                    uint48(1000 * (i + 1)),
                    uint48(100 * (i + 1)),
                    i == 3,
                    ""
                )
            );
        }
        vm.warp(START + 3600);
        uint256 before = vm.snapshotState();
        submitAll(batch(reports[0], reports[1], reports[2]));
        submit(reports[3]);
        bytes32 wanted = moneyHash();
        vm.revertToState(before);

        expectReason(reports[3], Reason.ReportMissing);
        submitAll(batch(reports[1], reports[0], reports[0]));
        expectReason(reports[2], Reason.ReportMissing);
        submitAll(batch(reports[3], reports[2], reports[1]));
        submitAll(batch(reports[2], reports[3], reports[3]));
        assertEq(moneyHash(), wanted, "the same in the end");
    }

    // ------------------------------------------------------------------------------- Gas, and large answers

    /// @dev A batch calls the registry and two precompiles, nobody's code: neither a station's key nor an account
    /// with code is ever called, so no answer of theirs can be large or late.
    function test_nobodys_code_runs_in_a_batch() public {
        Trap trap = new Trap();
        vm.etch(vm.addr(STATION_KEY), address(trap).code);
        vm.etch(supplierAccount, address(trap).code);
        vm.etch(gridAccount, address(trap).code);
        vm.etch(operatorAccount, address(trap).code);
        plugIn(station, CAR);
        vm.warp(START + 900);
        charge(station, 1000, 0, true);
    }

    /// @dev The most that one message can make the ledger compute: what it costs its neighbours is nothing, since the
    /// submitter pays, and it stays below what a transaction may have.
    function test_dearest_rejections() public {
        vm.warp(START + 899);
        plugIn(feeding, CAR);
        vm.warp(START + 193 * 900);
        ISessions.EnergyReport memory r = nextReport(feeding, block.timestamp, 1_000_000, 0, true);
        r.importRegister += 10_000_000; // only the last slot shows that it cannot be
        bytes memory message = signed(r);
        expectReason(message, Reason.PowerExceeded);
        uint256 gas = uint256(vm.lastCallGas().gasTotalUsed) + 16 * message.length;
        assertTrue(gas < 400_000, vm.toString(gas));
    }

    // ------------------------------------------------------------------------------------------- Storage

    /// @dev Whatever a stranger submits writes nothing but one root per batch.
    function test_stranger_fills_no_storage() public {
        bytes32 before = stateHash();
        for (uint256 i = 0; i < 5; ++i) {
            ISessions.OpenSession memory o = opening(uint32(1000 + i), 1, bytes32(i), START, 0, 0);
            submitAll(batch(signed(o, 1 + i), abi.encode(i), signed(o, 77)));
        }
        assertEq(stateHash(), before, "state");
        assertEq(ledger.sessions(1000).number, 0, "no session");
        assertEq(ledger.vehicles(bytes32(uint256(1))).station, 0, "no vehicle");
    }

    /// @dev A hostile station invents vehicles: each costs it a session, and none is remembered.
    function test_station_that_invents_vehicles_fills_no_storage() public {
        vm.prank(supplierAccount);
        registry.offerDefaultSupply(operator, true);
        vm.prank(operatorAccount);
        registry.setDefaultSupplier(supplier);
        for (uint256 i = 0; i < 5; ++i) {
            bytes32 invented = keccak256(abi.encode(i));
            plugIn(station, invented);
            assertEq(ledger.vehicles(invented).station, 0, "not remembered");
            unplug(station);
        }
    }

    /// @dev The pair's counters are the only thing that grows; they are checked and large.
    function test_full_counter_reverts_instead_of_wrapping() public {
        plugIn(station, CAR);
        bytes32 slot = findPair(supplier, grid);
        uint256 full = uint256(type(uint48).max) << 160;
        vm.store(address(ledger), slot, bytes32(full));
        assertEq(ledger.pairs(supplier, grid).importWh, type(uint48).max, "full");
        vm.warp(START + 900);
        bytes[] memory messages = batch(signed(nextReport(station, START + 900, 1, 0, true)));
        vm.prank(relay, relay);
        vm.expectRevert();
        ledger.submit(messages);
        // without energy the session still ends
        charge(station, 0, 0, true);
    }

    // ---------------------------------------------------------------------------------------- Reentrancy

    /// @dev A token that calls back while it moves: into every door that moves money or sessions.
    function test_token_that_reenters() public {
        ReenteringToken token = new ReenteringToken();
        ILedger other = newLedger(registry, address(token));
        IVault vault_ = other.vault();
        token.mint(address(this), 100 * EURO);
        token.approve(address(vault_), 100 * EURO);
        vault_.deposit(supplier, 10 * EURO);
        bytes[4] memory doors = [
            abi.encodeCall(IVault.deposit, (supplier, EURO)),
            abi.encodeCall(IVault.withdraw, (1e9, address(this))),
            abi.encodeCall(IVault.depositWithPermit, (supplier, EURO, 0, 27, 0, 0)),
            abi.encodeCall(ILedger.registry, ())
        ];
        for (uint256 i = 0; i < 3; ++i) {
            token.aim(address(vault_), doors[i]);
            vault_.deposit(supplier, 10 * EURO);
            assertTrue(token.tried() && !token.worked(), "the vault is closed meanwhile");
        }
        token.aim(address(other), abi.encodeCall(ISessions.submit, (batch(""))));
        vault_.deposit(supplier, 10 * EURO);
        assertTrue(token.tried() && !token.worked(), "no batch from a contract");
        token.aim(address(other), abi.encodeWithSignature("credit(uint24,uint96)", supplier, 1e9));
        vault_.deposit(supplier, 10 * EURO);
        assertTrue(token.tried() && !token.worked(), "only the vault credits");
        assertEq(other.totalBalance(), 60 * EURO * 1000, "each deposit once");
    }

    // ---------------------------------------------------------------------------------- Front-running

    /// @dev A relay that sees an opening in the pool can send it first, and that is all it can do.
    function test_who_is_first_changes_nothing() public {
        bytes memory message = signed(opening(station, 1, CAR, START, 0, 0));
        vm.prank(stranger, stranger);
        ledger.submit(batch(message));
        bytes32 after_ = stateHash();
        assertEq(submit(message), Reason.SessionUsed, "second");
        assertEq(stateHash(), after_, "the same");
    }

    /// @dev Nobody can sit on a meter's key: only its grid operator has the say, once.
    function test_nobody_takes_a_meters_key() public {
        address other = address(0x602);
        admit(other, GRID_OPERATOR);
        IRegistry.MeterKey memory key = IRegistry.MeterKey(2, bytes32("x"), bytes32("y"), 0);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYourMeter.selector, METER));
        registry.setMeterKey(METER, key);
    }

    // ---------------------------------------------------------------------------------------------- Time

    /// @dev One second on either side of backlog, silence, skew and a key's end (slots, notice and changes of supplier:
    /// Settlement.t.sol, Tariffs.t.sol, OnTheRoad.t.sol).
    function test_time_at_every_edge() public {
        vm.warp(START + 8 days);
        edge(START + 1 days - 1, Reason.TooOld, Reason.None, 1);
        vm.warp(START + 8 days + 12 hours);
        vm.expectRevert(abi.encodeWithSelector(ISessions.NotExpirable.selector, station));
        ledger.expire(station);
        vm.warp(START + 8 days + 12 hours + 1);
        ledger.expire(station);
        edge(block.timestamp + 61, Reason.TimeInFuture, Reason.None, -1);
        vm.warp(block.timestamp + 60);
        unplug(station);
        rotate(station, car, block.timestamp + 10);
        vm.warp(block.timestamp + 10);
        edge(block.timestamp, Reason.BadSignature, Reason.None, -1);
    }

    /// @dev The opening at `time` meets one reason, that of a second later or earlier the other.
    function edge(uint256 time, Reason first, Reason second, int256 step) private {
        uint32 number = ledger.sessions(station).number + 1;
        expectReason(signed(opening(station, number, CAR, time, 0, 0)), first);
        uint256 next = uint256(int256(time) + step);
        expectReason(signed(opening(station, number, CAR, next, 0, 0)), second);
    }

    /// @dev Where the compiler put a pair: found by what changes it.
    function findPair(uint24 payer, uint24 payee) private returns (bytes32) {
        uint256 key = uint256(payer) << 24 | payee;
        for (uint256 slot = 0; slot < 32; ++slot) {
            bytes32 place = keccak256(abi.encode(key, slot));
            bytes32 was = vm.load(address(ledger), place);
            vm.store(address(ledger), place, bytes32(uint256(12_345)));
            bool found = ledger.pairs(payer, payee).amount == 12_345;
            vm.store(address(ledger), place, was);
            if (found) return place;
        }
        revert("no such pair");
    }
}

/// @notice Burns all its gas, or would answer with a megabyte.
contract Trap {
    fallback() external payable {
        assembly ("memory-safe") {
            return(0, 1048576)
        }
    }
}
