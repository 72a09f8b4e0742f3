// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrections} from "../../contracts/interfaces/ICorrections.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {ISessions} from "../../contracts/interfaces/ISessions.sol";
import {IStory} from "../../contracts/interfaces/IStory.sol";
import {Meters} from "./Meters.sol";
import {Tree} from "./Tree.sol";
import {Vm} from "./Vm.sol";

/// @notice Gas per proof in a transaction of 100 on a ledger in use: 100 stations, each with a meter and key of its
/// own, 10 suppliers, 4 grid operators, 3 station operators. Openings and reports stand in batches of 100, so
/// that each proof has two paths of seven hashes. Base cost and calldata are included.
contract GasEvidenceTest is Meters {
    uint256 private constant STATIONS = 100;
    uint32 private first;
    uint256 private clock = START;
    uint48 private imported = 1_000_000;
    bytes32[] private leaves;
    IStory.PartEntry[] private settled;

    function setUp() public override {
        super.setUp();
        address[] memory grids = many(4, 0x1000, GRID_OPERATOR);
        address[] memory operators = many(3, 0x2000, STATION_OPERATOR);
        address[] memory suppliers = many(10, 0x3000, SUPPLIER);
        for (uint256 i = 0; i < 4; ++i) {
            publish(grids[i], GRID_OPERATOR, gridTariff());
        }
        for (uint256 i = 0; i < 3; ++i) {
            publish(operators[i], STATION_OPERATOR, operatorTariff());
        }
        (uint256 x, uint256 y) = vm.publicKeyP256(METER_KEY);
        for (uint256 i = 0; i < STATIONS; ++i) {
            bytes32 meter = keccak256(abi.encode("meter", i));
            registerMeter(grids[i % 4], meter);
            vm.prank(grids[i % 4]);
            registry.setMeterKey(
                meter, IRegistry.MeterKey(2, bytes32(x), bytes32(y), keccak256(bytes(SERIAL)))
            );
            uint32 number =
                addStation(operators[i % 3], grids[i % 4], meter, vm.addr(key(i)), 22_000, 11_000);
            if (i == 0) first = number;
            registerVehicle(suppliers[i % 10], bytes32(i + 1));
        }
        round(1);
    }

    /// forge-config: default.isolate = true
    function test_gas_of_a_proof_in_a_transaction_of_100() public {
        (uint256 gas, uint256 length) = round(2);
        assertTrue(length >= 500, "a record of 500 bytes");
        vm.snapshotValue("GasEvidence", "proofs_100.ocmf_record_bytes", length);
        vm.snapshotValue("GasEvidence", "proofs_100.equal_registers", gas / STATIONS);
    }

    function round(uint32 session) private returns (uint256 gas, uint256 length) {
        bytes[] memory messages = new bytes[](STATIONS);
        IStory.Story[] memory stories = new IStory.Story[](STATIONS);
        uint256 start = clock + 450;
        vm.warp(start);
        for (uint256 i = 0; i < STATIONS; ++i) {
            bytes32 vehicle = ledger.vehicleIdOf(
                registry.participantOf(address(uint160(0x3000 + i % 10))), bytes32(i + 1)
            );
            messages[i] =
                signed(opening(first + uint32(i), session, vehicle, start, imported, 0), key(i));
        }
        submitAll(messages);
        openings(messages, stories);
        string memory said = payload(session, importOf(imported, imported + 24_000));
        bytes memory record = recordOf(said);
        record = bytes.concat(record, new bytes(record.length < 500 ? 500 - record.length : 0));
        uint256 end = start + 12 * 900;
        vm.warp(end);
        for (uint256 i = 0; i < STATIONS; ++i) {
            ISessions.EnergyReport memory r = nextReport(first + uint32(i), end, 24_000, 0, true);
            r.evidence = sha256(record);
            messages[i] = signed(r, key(i));
        }
        vm.recordLogs();
        submitAll(messages);
        reports(messages, stories, vm.getRecordedLogs());
        imported += 24_000;
        clock = end - end % 900 + 900;
        vm.warp(clock);
        gas = measure(stories, record, sealed_(said));
        length = record.length;
    }

    function openings(bytes[] memory messages, IStory.Story[] memory stories) private {
        delete leaves;
        for (uint256 i = 0; i < STATIONS; ++i) {
            ISessions.Session memory s = ledger.sessions(first + uint32(i));
            IStory.OpeningEntry memory o = stories[i].opening;
            o.message = head(messages[i], 58);
            (o.meta, o.supplierReserve, o.gridReserve) =
            (metaOf(s), s.supplierReserve, s.gridReserve);
            ISessions.OpenSession memory said = opening(
                first + uint32(i), s.number, vehicleIn(o.message), s.time, s.importRegister, 0
            );
            leaves.push(
                keccak256(
                    abi.encode(
                        ledger.digestOf(said), o.meta, o.supplierReserve, o.gridReserve, uint256(0)
                    )
                )
            );
        }
        for (uint256 i = 0; i < STATIONS; ++i) {
            stories[i].opening.place = IStory.Place(ledger.batchCount(), Tree.proof(leaves, i));
        }
    }

    function reports(bytes[] memory messages, IStory.Story[] memory stories, Vm.Log[] memory logs)
        private
    {
        delete leaves;
        uint256 n = 0;
        for (uint256 i = 0; i < STATIONS; ++i) {
            while (logs[n].topics[0] != ISessions.ReportSettled.selector) ++n;
            (,, uint40 time,,, uint80 network, uint80 service, int80 feedIn,) = abi.decode(
                logs[n++].data,
                (uint32, uint32, uint40, uint48, uint48, uint80, uint80, int80, bool)
            );
            ISessions.Session memory s = ledger.sessions(first + uint32(i));
            stories[i].reports = new IStory.ReportEntry[](1);
            IStory.ReportEntry memory entry = stories[i].reports[0];
            entry.parts = new IStory.PartEntry[](1);
            entry.parts[0] =
                IStory.PartEntry(metaOf(s) | uint256(time) << 152, network, service, feedIn);
            bytes memory m = messages[i];
            bytes32 digest = digestOfReport(m);
            entry.message = head(m, m.length - 65);
            leaves.push(
                keccak256(abi.encode(digest, entry.parts[0].meta, network, service, feedIn))
            );
        }
        for (uint256 i = 0; i < STATIONS; ++i) {
            stories[i].reports[0].place = IStory.Place(ledger.batchCount(), Tree.proof(leaves, i));
        }
    }

    function measure(IStory.Story[] memory stories, bytes memory record, bytes memory signatures)
        private
        returns (uint256 gas)
    {
        bytes[] memory proofs = new bytes[](STATIONS);
        for (uint256 i = 0; i < STATIONS; ++i) {
            ICorrections.Proof memory p;
            (p.story, p.record, p.signatures) = (stories[i], record, signatures);
            proofs[i] = abi.encode(p);
        }
        bytes memory data = abi.encodeCall(ICorrections.proveAll, (proofs));
        vm.prank(stranger, stranger);
        (bool done,) = address(corrections).call(data);
        gas = vm.lastCallGas().gasTotalUsed;
        assertTrue(done, "proved");
        for (uint256 i = 0; i < STATIONS; ++i) {
            assertTrue(isVerified(first + uint32(i)), "verified");
        }
    }

    function digestOfReport(bytes memory m) private view returns (bytes32) {
        bytes memory between = new bytes(m.length - 65 - 63);
        for (uint256 i = 0; i < between.length; ++i) {
            between[i] = m[63 + i];
        }
        uint256 w;
        bytes32 evidence;
        assembly ("memory-safe") {
            w := mload(add(m, 32))
            evidence := mload(add(m, 63))
        }
        return ledger.digestOf(
            ISessions.EnergyReport(
                uint32(w >> 216),
                uint32(w >> 184),
                uint32(w >> 152),
                uint40(w >> 112),
                uint48(w >> 64),
                uint48(w >> 16),
                true,
                evidence,
                between
            )
        );
    }

    function vehicleIn(bytes memory m) private pure returns (bytes32 vehicle) {
        assembly ("memory-safe") {
            vehicle := mload(add(m, 58))
        }
    }

    function many(uint256 count, uint160 from, uint8 role)
        private
        returns (address[] memory accounts)
    {
        accounts = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            accounts[i] = address(from + uint160(i));
            fund(admit(accounts[i], role), 100_000 * EURO);
        }
    }

    function key(uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("station", i)));
    }
}
