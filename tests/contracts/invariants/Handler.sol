// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

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
