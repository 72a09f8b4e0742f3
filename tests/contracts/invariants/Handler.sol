// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../../contracts/interfaces/IAccounts.sol";
import {ICorrections} from "../../../contracts/interfaces/ICorrections.sol";
import {ISessions} from "../../../contracts/interfaces/ISessions.sol";
import {Reason} from "../../../contracts/interfaces/Reason.sol";
import {Administration} from "./Administration.sol";

/// @notice What stations, relays and everybody else may do, honestly or not. No action reverts unless something
/// is wrong: what must fail is expected to.
contract Handler is Administration {
    bytes[] private sent; // accepted, or decided: never again

    // -------------------------------------------------------------------------------------- Honest stations

    function open(uint256 seed) external {
        pass(draw(seed, 0, 0, 30 minutes));
        uint32 n = stationIn(false, draw(seed, 1, 0, 1000));
        send(opened(nextOpening(n, seed), seed));
    }

    function charge(uint256 seed) external {
        pass(draw(seed, 0, 0, 3 hours));
        uint32 n = stationIn(true, draw(seed, 1, 0, 1000));
        send(signedBy(drawReport(n, seed, false), keyFor(n, seed)));
    }

    function finish(uint256 seed) external {
        pass(draw(seed, 0, 0, 1 hours));
        uint32 n = stationIn(true, draw(seed, 1, 0, 1000));
        send(signedBy(drawReport(n, seed, true), keyFor(n, seed)));
    }

    /// @dev A car that somebody forged an opening for gets a key, and signs for itself elsewhere.
    function rescue(uint256 seed) external {
        uint32 n = stationIn(true, seed % 1000);
        uint32 to = stationIn(false, draw(seed, 1, 0, 1000));
        if (seed % 2 == 0 || running[n] == 0 || running[to] != 0) return;
        if (registry.stations(to).key == address(0)) return;
        bytes32 car = runs[running[n] - 1].opening.vehicle;
        uint24 by = ledger.supplierAt(car, uint40(block.timestamp));
        if (by == 0 || runs[running[n] - 1].signed) return;
        restore();
        refill(by, 20 * EURO, true);
        giveKey(by, car, seed, block.timestamp);
        ISessions.OpenSession memory o = nextOpening(to, seed);
        (o.vehicle, o.time) = (car, uint40(block.timestamp));
        send(signedBy(o, keys[to], carKeys[car]));
    }

    /// @dev A batch from all stations, with sessions that begin and end in it, duplicates and garbage.
    function several(uint256 seed) external {
        pass(draw(seed, 0, 0, 1 hours));
        uint32 count = registry.stationCount();
        bytes[] memory messages = new bytes[](3 * count + 1);
        for (uint32 n = 1; n <= count; ++n) {
            uint256 own = draw(seed, n, 0, type(uint256).max - 1);
            uint256 k = 3 * (n - 1);
            if (registry.stations(n).operator == 0) continue;
            if (ledger.sessions(n).state == ISessions.State.Open) {
                messages[k] = signedBy(drawReport(n, own, own % 2 == 0), keys[n]);
                messages[k + 1] = messages[k];
                continue;
            }
            ISessions.OpenSession memory o = nextOpening(n, own);
            messages[k] = opened(o, own);
            ISessions.EnergyReport memory r = report(
                n, o.session, 1, o.time, o.importRegister + 1, o.exportRegister, own % 3 == 0, ""
            );
            messages[k + 1] = signedBy(r, keys[n]);
            messages[k + 2] = own % 4 == 0 ? messages[k] : abi.encode(own);
        }
        sendAll(messages);
    }

    // --------------------------------------------------------------------------------------------- Hostile

    /// @dev A message that no station signed like that, or that tells what cannot be.
    function cheat(uint256 seed) external {
        uint32 n = stationIn(true, draw(seed, 1, 0, 1000));
        if (ledger.sessions(n).state != ISessions.State.Open || seed % 4 == 0) {
            return cheatOpening(stationIn(false, seed % 1000), seed);
        }
        ISessions.EnergyReport memory r = drawReport(n, seed, seed % 2 == 0);
        uint256 how = draw(seed, 3, 0, 11);
        Key memory key = keys[n];
        if (how == 0) key = Key(draw(seed, 2, 1, 1e9), seed % 2 == 0);
        if (how == 1) ++r.session;
        if (how == 2) ++r.report;
        if (how == 3) --r.report;
        if (how == 4) r.time = uint40(block.timestamp + registry.limits().skew + 1);
        if (how == 5) r.time = uint40(last[n].time - 1);
        if (how == 6) r.boundaries = bytes.concat(r.boundaries, new bytes(12));
        if (how == 7) r.importRegister = uint48(last[n].imported) - 1;
        if (how == 8) r.exportRegister = uint48(last[n].exported) - 1;
        if (how == 9) r.importRegister += 10_000_000;
        if (how == 10) r.exportRegister += 10_000_000;
        bytes memory message = signedBy(r, key);
        if (how == 11) message[draw(seed, 4, 0, message.length - 1)] ^= 0x10;
        mustReject(message);
    }

    function cheatOpening(uint32 n, uint256 seed) private {
        ISessions.OpenSession memory o = nextOpening(n, seed);
        uint256 how = draw(seed, 3, 0, 5);
        Key memory key = how == 0 ? Key(draw(seed, 2, 1, 1e9), seed % 2 == 0) : keys[n];
        if (how == 1) o.session = lastNumber[n];
        if (how == 2) o.time = uint40(block.timestamp + registry.limits().skew + 1);
        if (how == 3) o.time = uint40(block.timestamp - registry.limits().backlog - 1);
        if (how == 4) o.time = uint40(last[n].time) - (last[n].time == 0 ? 0 : 1);
        if (how == 5) o.station = registry.stationCount() + 1;
        if (how == 4 && o.time == 0) return;
        mustReject(signedBy(o, key));
    }

    function replay(uint256 seed) external {
        if (sent.length != 0) mustReject(sent[draw(seed, 0, 0, sent.length - 1)]);
    }

    function garbage(bytes calldata message) external {
        mustReject(message);
    }

    /// @dev The same signature for another chain.
    function elsewhere(uint256 seed) external {
        uint32 n = stationIn(false, draw(seed, 1, 0, 1000));
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        bytes memory message = opened(nextOpening(n, seed), seed);
        vm.chainId(here);
        mustReject(message);
    }

    // ---------------------------------------------------------------------------------------------- Anybody

    function expire(uint256 seed) external {
        uint32 n = stationIn(true, draw(seed, 1, 0, 1000));
        ISessions.Session memory s = ledger.sessions(n);
        if (seed % 4 == 0) pass(registry.limits().silence + 1);
        bool silent = s.state == ISessions.State.Open
            && block.timestamp > s.touched + registry.limits().silence;
        bool done = tried(stranger, address(ledger), abi.encodeCall(ISessions.expire, (n)));
        bool ends = silent || s.state == ISessions.State.Superseded;
        assertTrue(done == ends, "expired when silent or superseded, and only then");
        if (done) expired(n);
        // what was superseded ends at once
        for (n = 1; n <= registry.stationCount() && seed % 3 == 0; ++n) {
            if (ledger.sessions(n).state != ISessions.State.Superseded) continue;
            ledger.expire(n);
            expired(n);
        }
    }

    // ------------------------------------------------------------------------------------------- Corrections

    /// @dev Somebody disputes, or proposes and others consent, of a session that ended lately or long ago.
    function amend(uint256 seed) external {
        if (runs.length == 0) return;
        uint256 back = draw(seed, 1, 0, seed % 8 == 0 ? runs.length - 1 : 5);
        uint256 run = runs.length - 1 - (back < runs.length ? back : 0);
        if (runs[run].open) return cannotYet(run);
        if (draw(seed, 2, 0, 63) == 0) pass(WINDOW + 1);
        if (draw(seed, 3, 0, 3) == 0) return dispute(run, anybody(seed));
        ICorrections.Change memory change = drawChange(presentOf(run), seed);
        agree(run, change, anybody(seed), true);
        // the others, in any order, and mostly all of them
        for (uint24 i = 0; i < 6; ++i) {
            uint24 by = uint24((seed / 2 + i) % 6);
            if (draw(seed, 30 + i, 0, 9) != 0) agree(run, change, by, false);
        }
        refuses(run, change, seed);
    }

    /// @return 0 a stranger
    function anybody(uint256 seed) private pure returns (uint24) {
        return uint24(draw(seed, 4, 0, 5));
    }

    function dispute(uint256 run, uint24 by) private {
        ICorrections.Version memory v = presentOf(run);
        bytes memory data = isOnFile(run)
            ? abi.encodeCall(ICorrections.disputeVersion, (v, 1, 0))
            : abi.encodeCall(ICorrections.dispute, (storyOf(run), 1, 0));
        bool done = tried(accountOrStranger(by), address(corrections), data);
        assertTrue(done == mayDispute(run, v, by), "disputed by a party in time, and only then");
        if (done) disputed(run, v);
    }

    function agree(uint256 run, ICorrections.Change memory change, uint24 by, bool proposes)
        private
    {
        ICorrections.Version memory v = presentOf(run);
        bool may = !isFinal(run) && isChange(v, change) && (proposes || isOnFile(run));
        ICorrections.Version memory next = v;
        if (may) next = priced(run, v, change);
        may = may && isParty(v, next, by);
        bytes memory data = !proposes
            ? abi.encodeCall(ICorrections.consent, (v, change))
            : isOnFile(run)
                ? abi.encodeCall(ICorrections.proposeVersion, (v, change))
                : abi.encodeCall(ICorrections.propose, (storyOf(run), change));
        bool done = tried(accountOrStranger(by), address(corrections), data);
        assertTrue(done == may, "agreed by a party in time to what may be, and only then");
        if (done) consented(run, v, next, by);
        else if (isFinal(run)) ++happened["too late"];
    }

    /// @dev Versions that are not the present one, and the ledger's own door.
    function refuses(uint256 run, ICorrections.Change memory change, uint256 seed) private {
        address account = accountOrStranger(anybody(seed));
        ICorrections.Version memory v = presentOf(run);
        if (files[run].before.length != 0) {
            v = abi.decode(files[run].before, (ICorrections.Version));
        } else if (isOnFile(run)) {
            v.gridOperator = anybody(seed);
            if (keccak256(abi.encode(v)) == keccak256(files[run].version)) return;
        }
        change.time = uint40(block.timestamp);
        bytes memory data = abi.encodeCall(ICorrections.proposeVersion, (v, change));
        assertFalse(tried(account, address(corrections), data), "28: another version");
        IAccounts.Adjustment[] memory gift = new IAccounts.Adjustment[](1);
        gift[0] = IAccounts.Adjustment(1, 2, 1e9, 0, 0);
        data = abi.encodeCall(IAccounts.adjust, (gift, new uint24[](0), 0));
        assertFalse(tried(account, address(ledger), data), "30: adjusted by anybody");
    }

    /// @dev Of a session that runs there is no version.
    function cannotYet(uint256 run) private {
        address account = accountsOf[runs[run].station.gridOperator];
        bytes memory data = abi.encodeCall(ICorrections.dispute, (storyOf(run), 1, 0));
        assertFalse(tried(account, address(corrections), data), "27: disputed while it ran");
    }

    function drawChange(ICorrections.Version memory v, uint256 seed)
        private
        view
        returns (ICorrections.Change memory change)
    {
        change.time = uint40(v.time + draw(seed, 20, 0, 20));
        if (change.time > block.timestamp) change.time = uint40(block.timestamp);
        bool splits = draw(seed, 21, 0, 2) == 0;
        change.assignments = new ICorrections.Assignment[](splits ? 2 : 1);
        uint24 first = v.shares[0].supplier;
        if (splits) {
            uint40 until = uint40(draw(seed, 22, v.start, v.end));
            change.assignments[0] = ICorrections.Assignment(first, until);
        }
        uint24 to = draw(seed, 23, 0, 1) == 0 ? first : uint24(draw(seed, 24, 0, 5));
        change.assignments[splits ? 1 : 0] = ICorrections.Assignment(to, v.end);
        // the last reading moves, and rarely backwards
        bytes memory r = v.readings;
        uint256 offset = r.length - (draw(seed, 25, 0, 1) == 0 ? 12 : 6);
        uint256 value;
        for (uint256 i = 0; i < 6; ++i) {
            value = value * 256 + uint8(r[offset + i]);
        }
        value = value + draw(seed, 26, 0, 900) - (value < 450 ? value : 450);
        for (uint256 i = 6; i > 0; --i) {
            r[offset + i - 1] = bytes1(uint8(value));
            value /= 256;
        }
        change.readings = r;
        if (draw(seed, 27, 0, 15) == 0) change.readings = bytes.concat(r, new bytes(12));
    }

    function accountOrStranger(uint24 by) private view returns (address) {
        return by == 0 ? stranger : accountsOf[by];
    }

    // ------------------------------------------------------------------------------------------- What happened

    function times(string calldata what) external view returns (uint256) {
        return happened[what];
    }

    function given(Reason reason) external view returns (uint256) {
        return reasonsGiven[reason];
    }

    // --------------------------------------------------------------------------------------------- Sending

    function send(bytes memory message) private {
        sendAll(batch(message));
    }

    function sendAll(bytes[] memory messages) private {
        Reason[] memory reasons = submitAll(messages);
        learn(messages, reasons);
        for (uint256 i = 0; i < messages.length; ++i) {
            bool decided = reasons[i] >= Reason.MarketPaused;
            if (reasons[i] == Reason.None || decided) sent.push(messages[i]);
        }
    }

    function mustReject(bytes memory message) private {
        bytes32 before = stateHash();
        bytes[] memory messages = batch(message);
        Reason[] memory reasons = submitAll(messages);
        assertTrue(reasons[0] != Reason.None, "accepted");
        assertTrue(reasons[0] < Reason.MarketPaused, "decided");
        assertEq(stateHash(), before, "left a trace");
        learn(messages, reasons);
        ++happened["rejected"];
    }

    // -------------------------------------------------------------------------------------------- Messages

    /// @dev Mostly by the vehicle too, where it has a key; now and then by the key before.
    function opened(ISessions.OpenSession memory o, uint256 seed)
        private
        view
        returns (bytes memory)
    {
        Key memory key = keyFor(o.station, seed);
        Key memory car = draw(seed, 15, 0, 7) == 0 ? carKeysBefore[o.vehicle] : carKeys[o.vehicle];
        if (car.secret == 0 || draw(seed, 16, 0, 7) == 0) return signedBy(o, key);
        return signedBy(o, key, car);
    }

    function keyFor(uint32 n, uint256 seed) private view returns (Key memory) {
        bool retired = registry.stations(n).key == address(0) || draw(seed, 17, 0, 9) == 0;
        return retired && keysBefore[n].secret != 0 ? keysBefore[n] : keys[n];
    }

    function nextOpening(uint32 n, uint256 seed)
        private
        view
        returns (ISessions.OpenSession memory o)
    {
        ISessions.Session memory s = ledger.sessions(n);
        uint256 time = block.timestamp - draw(seed, 10, 0, 30 minutes);
        o = opening(
            n,
            s.number + uint32(draw(seed, 11, 1, 2)),
            cars[draw(seed, 12, 0, cars.length - 1)],
            time < s.time ? s.time : time,
            s.importRegister + uint48(draw(seed, 13, 0, 50)),
            s.exportRegister + uint48(draw(seed, 14, 0, 50))
        );
    }

    function drawReport(uint32 n, uint256 seed, bool final_)
        private
        view
        returns (ISessions.EnergyReport memory)
    {
        ISessions.Session memory s = ledger.sessions(n);
        uint256 longest = block.timestamp > s.time ? block.timestamp - s.time : 0;
        uint256 duration = draw(seed, 20, 0, longest > 20 hours ? 20 hours : longest);
        uint256 most = MAX_POWER * duration / 3600;
        bool feeds = registry.stations(n).maxFeedIn != 0 && seed % 2 == 1;
        uint256 fed = feeds ? draw(seed, 22, 0, most) : 0;
        uint256 taken = draw(seed, 21, 0, most);
        return nextReport(n, s.time + duration, uint48(taken), uint48(fed), final_);
    }

    /// @return n a station whose session is open, or not, if there is one
    function stationIn(bool open_, uint256 from) private view returns (uint32 n) {
        uint32 count = registry.stationCount();
        for (uint256 i = 0; i < count; ++i) {
            n = uint32((from + i) % count + 1);
            bool closed = registry.stations(n).operator == 0;
            if ((ledger.sessions(n).state == ISessions.State.Open) == open_ && !closed) return n;
        }
    }

    function pass(uint256 duration) private {
        vm.warp(block.timestamp + duration);
    }
}
