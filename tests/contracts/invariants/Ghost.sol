// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../../contracts/interfaces/ISessions.sol";
import {IStory} from "../../../contracts/interfaces/IStory.sol";
import {IVehicles} from "../../../contracts/interfaces/IVehicles.sol";
import {Reason} from "../../../contracts/interfaces/Reason.sol";
import {Leaf} from "../Leaf.sol";
import {Reader} from "../Reader.sol";
import {Reference} from "../Reference.sol";
import {Tree} from "../Tree.sol";
import {Archive} from "./Archive.sol";

/// @notice A second ledger that is kept from the messages alone, without a thought for gas. It takes the first
/// one's word only for which messages it accepted, and refuses to believe what must not have been.
abstract contract Ghost is Archive {
    struct Company {
        int256 balance;
        int256 brought; // by deposits, less withdrawals
        int256 reserved;
        int256 owed;
        bytes32 head;
        uint256 entries;
    }

    struct Between {
        uint256 posted;
        uint256 claim;
        uint256 importWh;
        uint256 exportWh;
    }

    struct Energy {
        uint256 imported;
        uint256 exported;
    }

    /// @notice A session that was cleared.
    struct Run {
        ISessions.OpenSession opening;
        IRegistry.Station station;
        bool registered; // the vehicle had a supplier of its own
        bool signed; // by the vehicle
        bool superseded;
        uint24 supplier; // of the part that comes next
        uint24 nextSupplier; // from `changeAt` on
        uint256 changeAt; // 0: no change is known
        uint16 gridTariff;
        uint16 operatorTariff;
        uint256 supplierReserve;
        uint256 gridReserve;
        uint32 reports;
        bool open;
        bool closed; // by a final report
        uint256 endedAt;
    }

    Reader private reader = new Reader();
    mapping(uint24 participant => Company) internal companies;
    mapping(uint24 payer => mapping(uint24 payee => Between)) internal between;
    mapping(uint32 station => Reference.Reading) internal last;
    mapping(uint32 station => uint32) internal lastNumber;
    mapping(uint32 station => uint256) internal running; // its run, counted from 1; 0: none
    mapping(bytes32 report => bool) private settledOnce;
    mapping(uint256 run => mapping(uint24 supplier => Energy)) internal energies;
    mapping(uint24 payer => mapping(uint24 payee => int256)) internal net; // of the present versions
    uint256 private index; // of the message under way
    Run[] internal runs;
    bytes32[] internal roots;
    uint256 internal deposited; // nano-euro
    uint256 internal withdrawn;
    uint256 internal donated;
    mapping(string what => uint256) internal happened;
    mapping(Reason => uint256) internal reasonsGiven;

    // -------------------------------------------------------------------------------------------- Messages

    function learn(bytes[] memory messages, Reason[] memory reasons) internal {
        bytes32[] memory leaves = new bytes32[](messages.length);
        for (uint256 i = 0; i < messages.length; ++i) {
            ++reasonsGiven[reasons[i]];
            index = i;
            if (reasons[i] == Reason.Malformed) {
                leaves[i] = Leaf.rejected(keccak256(messages[i]), reasons[i], block.timestamp);
            } else if (messages[i][0] & 0x0f == 0x01) {
                leaves[i] = learnOpening(messages[i], reasons[i]);
            } else {
                leaves[i] = learnReport(messages[i], reasons[i]);
            }
        }
        roots.push(Tree.root(leaves));
        placeAll(leaves, uint64(roots.length));
    }

    function learnOpening(bytes memory message, Reason reason) private returns (bytes32) {
        ISessions.OpenSession memory o = reader.opening(message);
        bytes32 digest = ledger.digestOf(o);
        (address signer, address vehicle) = reader.signers(message, digest);
        bool signed_ = isVehicle(o, vehicle);
        if (reason == Reason.None || reason >= Reason.MarketPaused) {
            assertTrue(registry.maySign(o.station, signer, o.time), "nobody's opening");
            assertTrue(signed_ || !needsSignature(o), "decided without the vehicle");
        }
        if (reason == Reason.None) {
            bytes32 leaf = cleared(o, signed_);
            Run memory run = runs[runs.length - 1];
            uint256 meta = Leaf.metaOf(block.timestamp, termsOf(run));
            (uint256 held, uint256 heldByGrid) = (run.supplierReserve, run.gridReserve);
            archiveOpening(runs.length - 1, index, message, meta, held, heldByGrid);
            return leaf;
        }
        if (reason >= Reason.MarketPaused) {
            goesOn(o);
            ++happened["refused"];
        }
        return Leaf.rejected(digest, reason, block.timestamp);
    }

    function learnReport(bytes memory message, Reason reason) private returns (bytes32 leaf) {
        ISessions.EnergyReport memory r = reader.report(message);
        bytes32 digest = ledger.digestOf(r);
        if (reason != Reason.None) return Leaf.rejected(digest, reason, block.timestamp);
        (address signer,) = reader.signers(message, digest);
        assertTrue(registry.maySign(r.station, signer, r.time), "nobody's report");
        uint256 run = running[r.station];
        leaf = settled(r, digest);
        archiveReport(run - 1, index, message, 63 + r.boundaries.length);
    }

    function isVehicle(ISessions.OpenSession memory o, address signer) private view returns (bool) {
        IVehicles.VehicleKeys memory k = ledger.vehicleKeys(o.vehicle);
        if (!ledger.vehicles(o.vehicle).keyed || signer == address(0)) return false;
        return signer == k.key || (signer == k.former && o.time < k.from);
    }

    function needsSignature(ISessions.OpenSession memory o) private view returns (bool) {
        bool keyed = ledger.vehicles(o.vehicle).keyed;
        return keyed && o.time >= ledger.vehicleKeys(o.vehicle).since;
    }

    // -------------------------------------------------------------------------------------------- Clearing

    function cleared(ISessions.OpenSession memory o, bool signed_) private returns (bytes32) {
        Run memory run;
        (run.opening, run.open, run.signed) = (o, true, signed_);
        run.station = registry.stations(o.station);
        run.supplier = ledger.supplierAt(o.vehicle, o.time);
        run.registered = run.supplier != 0;
        if (!run.registered) run.supplier = agreedDefault(run.station.operator);
        (uint24 grid, uint24 operator) = (run.station.gridOperator, run.station.operator);
        run.gridTariff = versionAt(grid, GRID_OPERATOR, o.time);
        run.operatorTariff = versionAt(operator, STATION_OPERATOR, o.time);
        (run.supplierReserve, run.gridReserve) = Reference.reserves(
            registry.tariffs(grid, GRID_OPERATOR, run.gridTariff),
            registry.tariffs(operator, STATION_OPERATOR, run.operatorTariff),
            registry.limits().reserveWh,
            run.station.maxFeedIn != 0
        );
        if (run.supplier == grid) {
            (run.supplierReserve, run.gridReserve) = (run.supplierReserve + run.gridReserve, 0);
        }
        mayClear(run);
        if (run.registered) meets(run);
        goesOn(o);
        companies[run.supplier].reserved += int256(run.supplierReserve);
        companies[grid].reserved += int256(run.gridReserve);
        runs.push(run);
        running[o.station] = runs.length;
        ++happened["cleared"];
        return Leaf.cleared(ledger.digestOf(o), block.timestamp, termsOf(run));
    }

    /// @dev A change that is known, and the vehicle's other session: that ends only where this one is signed and
    /// that one is not.
    function meets(Run memory run) private {
        IVehicles.Vehicle memory v = ledger.vehicles(run.opening.vehicle);
        bool changes = v.nextSupplier != 0 && v.nextFrom > run.opening.time;
        if (changes) (run.nextSupplier, run.changeAt) = (v.nextSupplier, v.nextFrom);
        for (uint256 i = 0; i < runs.length; ++i) {
            if (!isOn(runs[i], run.opening.vehicle)) continue;
            assertTrue(run.signed && !runs[i].signed, "the vehicle is elsewhere");
            runs[i].superseded = true;
            ++happened["superseded"];
        }
    }

    function isOn(Run storage run, bytes32 vehicle) private view returns (bool) {
        return run.open && run.registered && !run.superseded && run.opening.vehicle == vehicle;
    }

    function termsOf(Run memory run) internal pure returns (ISessions.Session memory s) {
        s.supplier = run.supplier;
        (s.gridOperator, s.stationOperator) = (run.station.gridOperator, run.station.operator);
        (s.gridTariff, s.operatorTariff) = (run.gridTariff, run.operatorTariff);
        (s.supplierReserve, s.gridReserve) = (uint64(run.supplierReserve), uint64(run.gridReserve));
        (s.number, s.report) = (run.opening.session, run.reports);
    }

    /// @dev The new supplier accepted: the open session of the vehicle knows of it.
    function changed(bytes32 vehicle, uint24 from, uint24 to, uint256 time) internal {
        for (uint256 i = 0; i < runs.length; ++i) {
            if (!isOn(runs[i], vehicle)) continue;
            assertEq(runs[i].changeAt, 0, "a change is pending");
            if (runs[i].supplier == from) (runs[i].nextSupplier, runs[i].changeAt) = (to, time);
        }
    }

    function mayClear(Run memory run) private view {
        assertTrue(run.gridTariff != 0 && run.operatorTariff != 0, "cleared without a tariff");
        assertTrue(isIn(run.station.gridOperator, GRID_OPERATOR), "grid operator inactive");
        assertTrue(isIn(run.station.operator, STATION_OPERATOR), "station operator inactive");
        assertTrue(isIn(run.supplier, SUPPLIER), "supplier inactive");
        covers(run.supplier, run.supplierReserve);
        if (run.gridReserve != 0) covers(run.station.gridOperator, run.gridReserve);
    }

    function covers(uint24 participant, uint256 reserve) private view {
        Company memory c = companies[participant];
        assertEq(c.owed, 0, "cleared with claims open");
        assertTrue(c.balance >= c.reserved + int256(reserve), "cleared without cover");
    }

    /// @dev The station's numbers, times and registers run forwards only.
    function goesOn(ISessions.OpenSession memory o) private {
        assertTrue(running[o.station] == 0, "another session is open");
        assertTrue(o.session > lastNumber[o.station], "session number");
        lastNumber[o.station] = o.session;
        moveOn(o.station, Reference.Reading(o.time, o.importRegister, o.exportRegister));
    }

    function moveOn(uint32 station_, Reference.Reading memory to) private {
        Reference.Reading storage from = last[station_];
        assertTrue(to.time >= from.time, "time backwards");
        assertTrue(to.imported >= from.imported, "import register backwards");
        assertTrue(to.exported >= from.exported, "export register backwards");
        (from.time, from.imported, from.exported) = (to.time, to.imported, to.exported);
    }

    // ------------------------------------------------------------------------------------------ Settlement

    function settled(ISessions.EnergyReport memory r, bytes32 digest)
        private
        returns (bytes32 leaf)
    {
        assertTrue(running[r.station] != 0, "settled without a session");
        Run storage run = runs[running[r.station] - 1];
        assertFalse(run.superseded, "settled what was superseded");
        assertEq(r.session, run.opening.session, "settled for another session");
        assertEq(r.report, ++run.reports, "report number");
        bytes32 name = keccak256(abi.encode(r.station, r.session, r.report));
        assertFalse(settledOnce[name], "settled twice");
        settledOnce[name] = true;

        Reference.Reading[] memory readings = readingsTo(r);
        withinPower(readings, run.station);
        moveOn(r.station, readings[readings.length - 1]);
        leaf = settleParts(run, readings, r.last, digest);
        if (r.last) {
            run.closed = true;
            end(r.station);
            ++happened["closed"];
        }
        ++happened["settled"];
    }

    function settleParts(
        Run storage run,
        Reference.Reading[] memory readings,
        bool final_,
        bytes32 digest
    ) private returns (bytes32 leaf) {
        (uint256 change, uint256 from) = (run.changeAt, readings[0].time);
        if (change != 0 && change <= from) {
            switchSupplier(run);
        } else if (change != 0 && change < readings[readings.length - 1].time) {
            Reference.Reading[] memory before;
            (before, readings) = cut(readings, change);
            leaf = part(run, before, false, digest);
            switchSupplier(run);
            ++happened["split"];
            return Leaf.both(leaf, part(run, readings, final_, digest));
        }
        return part(run, readings, final_, digest);
    }

    function part(Run storage run, Reference.Reading[] memory readings, bool final_, bytes32 digest)
        private
        returns (bytes32 leaf)
    {
        Reference.Due memory due = Reference.settle(
            readings,
            registry.tariffs(run.station.gridOperator, GRID_OPERATOR, run.gridTariff),
            registry.tariffs(run.station.operator, STATION_OPERATOR, run.operatorTariff),
            final_
        );
        Reference.Reading memory to = readings[readings.length - 1];
        leaf = Leaf.settled(
            digest,
            block.timestamp,
            termsOf(run),
            to.time,
            due.networkCharge,
            due.serviceFee,
            due.feedIn
        );
        uint256 meta = Leaf.metaOf(block.timestamp, termsOf(run)) + to.time * 2 ** 152;
        told.push(IStory.PartEntry(meta, due.networkCharge, due.serviceFee, due.feedIn));
        owes(run.supplier, run.station.gridOperator, int256(due.networkCharge) - due.feedIn);
        owes(run.supplier, run.station.operator, int256(due.serviceFee));
        uint256 taken = to.imported - readings[0].imported;
        uint256 fed = to.exported - readings[0].exported;
        Energy storage e = energies[running[run.opening.station] - 1][run.supplier];
        (e.imported, e.exported) = (e.imported + taken, e.exported + fed);
        postAll(run, due, taken, fed);
        recordAll(run, leaf);
    }

    function switchSupplier(Run storage run) private {
        companies[run.supplier].reserved -= int256(run.supplierReserve);
        (run.supplier, run.changeAt) = (run.nextSupplier, 0);
        Company storage c = companies[run.supplier];
        bool covered = c.owed == 0 && c.balance >= c.reserved + int256(run.supplierReserve);
        if (!covered) run.supplierReserve = 0;
        c.reserved += int256(run.supplierReserve);
        ++happened["switched"];
    }

    function cut(Reference.Reading[] memory all, uint256 time)
        private
        pure
        returns (Reference.Reading[] memory before, Reference.Reading[] memory rest)
    {
        uint256 n;
        while (all[n].time != time) {
            ++n;
        }
        (before, rest) = (new Reference.Reading[](n + 1), new Reference.Reading[](all.length - n));
        for (uint256 i = 0; i < all.length; ++i) {
            if (i <= n) before[i] = all[i];
            if (i >= n) rest[i - n] = all[i];
        }
    }

    function expired(uint32 station_) internal {
        uint256 run = running[station_] - 1;
        roots.push(Leaf.expired(station_, termsOf(runs[run]), block.timestamp));
        archiveExpiry(run, roots.length, Leaf.metaOf(block.timestamp, termsOf(runs[run])));
        end(station_);
        ++happened["expired"];
    }

    /// @dev The reserves come free, by a final report or by expiry.
    function end(uint32 station_) internal {
        Run storage run = runs[running[station_] - 1];
        (run.open, run.endedAt) = (false, block.timestamp);
        companies[run.supplier].reserved -= int256(run.supplierReserve);
        companies[run.station.gridOperator].reserved -= int256(run.gridReserve);
        running[station_] = 0;
    }

    function readingsTo(ISessions.EnergyReport memory r)
        private
        view
        returns (Reference.Reading[] memory)
    {
        ISessions.Session memory s;
        Reference.Reading memory from = last[r.station];
        (s.time, s.importRegister, s.exportRegister) =
        (uint40(from.time), uint48(from.imported), uint48(from.exported));
        return Reference.readingsOf(s, r);
    }

    function withinPower(Reference.Reading[] memory readings, IRegistry.Station memory s)
        private
        pure
    {
        for (uint256 i = 1; i < readings.length; ++i) {
            uint256 duration = readings[i].time - readings[i - 1].time;
            assertTrue(duration <= 900, "a slot");
            uint256 taken = readings[i].imported - readings[i - 1].imported;
            uint256 fed = readings[i].exported - readings[i - 1].exported;
            assertTrue(taken * 3600 <= s.maxPower * duration + 3600, "import power");
            uint256 tolerance = s.maxFeedIn == 0 ? 0 : 3600;
            assertTrue(fed * 3600 <= s.maxFeedIn * duration + tolerance, "export power");
        }
    }

    function postAll(Run memory run, Reference.Due memory due, uint256 taken, uint256 fed) private {
        (uint24 grid, uint24 operator) = (run.station.gridOperator, run.station.operator);
        post(run.supplier, grid, due.networkCharge, taken, 0);
        post(run.supplier, operator, due.serviceFee, taken, 0);
        if (due.feedIn < 0) post(run.supplier, grid, uint256(-due.feedIn), 0, fed);
        else post(grid, run.supplier, uint256(due.feedIn), 0, fed);
    }

    /// @dev What one has to pay another in the end, whatever way it was posted.
    function owes(uint24 payer, uint24 payee, int256 amount) internal {
        net[payer][payee] += amount;
        net[payee][payer] -= amount;
    }

    function post(uint24 payer, uint24 payee, uint256 amount, uint256 taken, uint256 fed) internal {
        Between storage b = between[payer][payee];
        b.posted += amount;
        b.importWh += taken;
        b.exportWh += fed;
        if (payer == payee) return;
        Company storage c = companies[payer];
        int256 free = c.balance > c.owed ? c.balance - c.owed : int256(0);
        int256 paid = int256(amount) < free ? int256(amount) : free;
        c.balance -= paid;
        companies[payee].balance += paid;
        c.owed += int256(amount) - paid;
        b.claim += amount - uint256(paid);
        if (int256(amount) != paid) ++happened["claim opened"];
    }

    function recordAll(Run memory run, bytes32 leaf) private {
        (uint24 grid, uint24 operator) = (run.station.gridOperator, run.station.operator);
        record(run.supplier, leaf);
        if (grid != run.supplier) record(grid, leaf);
        if (operator != run.supplier && operator != grid) record(operator, leaf);
    }

    // -------------------------------------------------------------------------------------------- Accounts

    function record(uint24 participant, bytes32 entry) internal {
        Company storage c = companies[participant];
        c.head = bytes32(bytes26(keccak256(abi.encode(c.head, entry))));
        ++c.entries;
    }

    function paidIn(uint24 participant, uint256 nano) internal {
        companies[participant].balance += int256(nano);
        companies[participant].brought += int256(nano);
        deposited += nano;
        record(participant, keccak256(abi.encode(1, participant, nano)));
        ++happened["deposited"];
    }

    function paidOut(uint24 participant, uint256 nano) internal {
        companies[participant].balance -= int256(nano);
        companies[participant].brought -= int256(nano);
        withdrawn += nano;
        record(participant, keccak256(abi.encode(2, participant, nano)));
        ++happened["withdrawn"];
    }

    function collected(uint24 payer, uint24 payee, uint256 nano) internal {
        companies[payer].balance -= int256(nano);
        companies[payer].owed -= int256(nano);
        companies[payee].balance += int256(nano);
        between[payer][payee].claim -= nano;
        bytes32 entry = keccak256(abi.encode(3, payer, payee, nano));
        record(payer, entry);
        record(payee, entry);
        ++happened["collected"];
    }

    // -------------------------------------------------------------------------------------------- Registry

    function agreedDefault(uint24 operator_) private view returns (uint24 supplier_) {
        supplier_ = registry.participants(operator_).defaultSupplier;
        assertTrue(registry.offersDefaultSupply(supplier_, operator_), "default supplier agrees");
    }

    function isIn(uint24 participant, uint8 role) private view returns (bool) {
        IRegistry.Participant memory p = registry.participants(participant);
        return p.active && p.roles & role != 0;
    }

    function versionAt(uint24 participant, uint8 role, uint256 time)
        private
        view
        returns (uint16 version)
    {
        for (uint16 v = 1; v <= registry.tariffCount(participant, role); ++v) {
            if (registry.tariffs(participant, role, v).validFrom <= time) version = v;
        }
    }
}
