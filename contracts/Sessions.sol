// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Accounts} from "./Accounts.sol";
import {Vehicles} from "./Vehicles.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISessions} from "./interfaces/ISessions.sol";
import {Reason} from "./interfaces/Reason.sol";
import {Merkle} from "./libraries/Merkle.sol";
import {Messages} from "./libraries/Messages.sol";
import {Slots} from "./libraries/Slots.sol";
import {Storage} from "./libraries/Storage.sol";

/// @notice Clears openings and settles reports. Checks return a reason instead of reverting, so that one bad
/// message never stops a batch.
abstract contract Sessions is Accounts, Vehicles, EIP712("Gridroam", "1"), ISessions {
    using Storage for Session;
    using Storage for Vehicle;
    using Storage for Account;

    /// @dev What a report costs whom, in nano-euro.
    struct Settlement {
        uint256 networkCharge;
        uint256 serviceFee;
        int256 feedIn;
    }

    uint64 public batchCount;
    mapping(uint64 batch => bytes32 root) public batchRoot;
    mapping(uint32 station => Session) private _sessions;

    // --------------------------------------------------------------------------------------------- Batches

    function submit(bytes[] calldata messages) external returns (Reason[] memory reasons) {
        require(msg.sender == tx.origin && msg.sender.code.length == 0, OnlyDirect());
        require(messages.length != 0, EmptyBatch());
        reasons = new Reason[](messages.length);
        bytes32[] memory leaves = new bytes32[](messages.length);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i = 0; i < messages.length; ++i) {
            (reasons[i], leaves[i]) = _process(messages[i]);
            // the memory of one message serves the next: what grows with a batch costs its square
            assembly ("memory-safe") {
                mstore(0x40, free)
            }
        }
        uint64 batch = ++batchCount;
        bytes32 root = Merkle.root(leaves);
        batchRoot[batch] = root;
        emit BatchRecorded(batch, root, uint32(messages.length));
    }

    function expire(uint32 station) external {
        Session memory s = _sessions[station];
        bool silent = s.state == State.Open
            && block.timestamp > uint256(s.touched) + REGISTRY.limits().silence;
        require(silent, NotExpirable(station));
        _sessions[station].state = State.Expired;
        _accounts[s.supplier].reserved -= s.supplierReserve;
        _accounts[REGISTRY.stations(station).gridOperator].reserved -= s.gridReserve;
        emit SessionExpired(station, s.number);
    }

    // ----------------------------------------------------------------------------------------------- Views

    function sessions(uint32 station) external view returns (Session memory) {
        return _sessions[station];
    }

    function isInBatch(uint64 batch, bytes32 leaf, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = batchRoot[batch];
        return root != 0 && MerkleProof.verifyCalldata(proof, root, leaf);
    }

    function digestOf(OpenSession calldata message) external view returns (bytes32) {
        return _hashTypedDataV4(Messages.hash(message));
    }

    function digestOf(EnergyReport calldata message) external view returns (bytes32) {
        return _hashTypedDataV4(Messages.hash(message, keccak256(message.boundaries)));
    }

    // --------------------------------------------------------------------------------------------- Opening

    function _process(bytes calldata message) private returns (Reason, bytes32 leaf) {
        uint8 kind = Messages.kindOf(message);
        if (kind == Messages.OPENING) return _open(message);
        if (kind == Messages.REPORT) return _report(message);
        return _reject(0, keccak256(message), Reason.Malformed);
    }

    function _open(bytes calldata message) private returns (Reason reason, bytes32 leaf) {
        OpenSession memory o = Messages.decodeOpening(message);
        bytes32 digest = _hashTypedDataV4(Messages.hash(o));
        Vehicle memory v = _vehicles[o.vehicle].load();
        uint24 own = _supplierAt(v, o.time);
        IRegistry.Opening memory facts = REGISTRY.openingAt(o.station, own, o.time);
        Session memory s = _sessions[o.station].load();

        reason = _checkSigner(o.station, facts.station, digest, message, o.time);
        if (reason == Reason.None) reason = _checkOpening(o, s, facts);
        if (reason != Reason.None) return _reject(o.station, digest, reason);

        reason = facts.refusal;
        if (reason == Reason.None && own != 0 && _isElsewhere(v, o.station)) {
            reason = Reason.VehicleBusy;
        }
        if (reason == Reason.None) reason = _reserve(facts);
        (s.number, s.report) = (o.session, 0);
        (s.time, s.touched) = (o.time, uint40(block.timestamp));
        (s.importRegister, s.exportRegister) = (o.importRegister, o.exportRegister);
        s.state = reason == Reason.None ? State.Open : State.Refused;
        _sessions[o.station].saveProgress(s);
        if (reason != Reason.None) return _reject(o.station, digest, reason);

        _clear(o, facts, s);
        if (own != 0) {
            (v.station, v.session) = (o.station, o.session);
            _vehicles[o.vehicle].save(v);
        }
        leaf = keccak256(
            abi.encode(
                digest, Reason.None, facts.supplier, facts.supplierReserve, facts.gridReserve
            )
        );
    }

    /// @dev The checks that leave no trace.
    function _checkOpening(OpenSession memory o, Session memory s, IRegistry.Opening memory facts)
        private
        view
        returns (Reason)
    {
        if (s.state == State.Open) {
            return o.session == s.number ? Reason.SessionUsed : Reason.StationBusy;
        }
        if (o.session <= s.number) return Reason.SessionUsed;
        if (o.time > block.timestamp + facts.skew) return Reason.TimeInFuture;
        if (o.time + facts.backlog < block.timestamp) return Reason.TooOld;
        if (o.time < s.time) return Reason.TimeBackwards;
        bool backwards = o.importRegister < s.importRegister || o.exportRegister < s.exportRegister;
        return backwards ? Reason.RegisterBackwards : Reason.None;
    }

    /// @dev Holds the reserves of both payers, or neither.
    function _reserve(IRegistry.Opening memory facts) private returns (Reason) {
        Account memory supplier = _accounts[facts.supplier].load();
        if (!_covers(supplier, facts.supplierReserve)) return Reason.SupplierNotCovered;
        if (facts.gridReserve != 0) {
            Account memory grid = _accounts[facts.station.gridOperator].load();
            if (!_covers(grid, facts.gridReserve)) return Reason.GridOperatorNotCovered;
            grid.reserved += facts.gridReserve;
            _accounts[facts.station.gridOperator].save(grid);
        }
        supplier.reserved += facts.supplierReserve;
        _accounts[facts.supplier].save(supplier);
        return Reason.None;
    }

    function _isElsewhere(Vehicle memory v, uint32 here) private view returns (bool) {
        if (v.station == 0 || v.station == here) return false;
        Session storage s = _sessions[v.station];
        return s.number == v.session && s.state == State.Open;
    }

    function _clear(OpenSession memory o, IRegistry.Opening memory facts, Session memory s)
        private
    {
        s.supplier = facts.supplier;
        (s.gridTariff, s.operatorTariff) = (facts.gridTariff, facts.operatorTariff);
        (s.supplierReserve, s.gridReserve) = (facts.supplierReserve, facts.gridReserve);
        _sessions[o.station].saveTerms(s);
        emit SessionCleared(
            o.station,
            o.vehicle,
            facts.supplier,
            o.session,
            o.time,
            o.importRegister,
            o.exportRegister,
            facts.gridTariff,
            facts.operatorTariff
        );
    }

    // ------------------------------------------------------------------------------------------- Reporting

    function _report(bytes calldata message) private returns (Reason reason, bytes32 leaf) {
        EnergyReport memory r = Messages.decodeReport(message);
        bytes calldata boundaries = Messages.boundariesOf(message);
        bytes32 digest = _hashTypedDataV4(Messages.hash(r, keccak256(boundaries)));
        Session memory s = _sessions[r.station].load();
        IRegistry.Terms memory terms = REGISTRY.termsOf(r.station, s.gridTariff, s.operatorTariff);

        reason = _checkSigner(r.station, terms.station, digest, message, r.time);
        if (reason == Reason.None) reason = _checkReport(r, s, boundaries.length, terms.skew);
        if (reason != Reason.None) return _reject(r.station, digest, reason);

        Settlement memory due;
        (reason, due) = _price(r, s, terms, Messages.registersOf(message));
        if (reason != Reason.None) return _reject(r.station, digest, reason);

        leaf = keccak256(
            abi.encode(digest, Reason.None, due.networkCharge, due.serviceFee, due.feedIn)
        );
        _settle(r, s, terms.station, due, leaf);
    }

    /// @dev The checks that leave no trace.
    function _checkReport(EnergyReport memory r, Session memory s, uint256 length, uint32 skew)
        private
        view
        returns (Reason)
    {
        if (s.state != State.Open || r.session != s.number) return Reason.SessionNotOpen;
        if (r.report <= s.report) return Reason.ReportUsed;
        if (r.report != s.report + 1) return Reason.ReportMissing;
        if (r.time > block.timestamp + skew) return Reason.TimeInFuture;
        if (r.time < s.time) return Reason.TimeBackwards;
        uint256 count = Slots.boundariesBetween(s.time, r.time);
        bool wrong = count > Slots.MAX_BOUNDARIES || length != count * Slots.BOUNDARY;
        return wrong ? Reason.WrongBoundaries : Reason.None;
    }

    function _price(
        EnergyReport memory r,
        Session memory s,
        IRegistry.Terms memory terms,
        bytes memory registers
    ) private pure returns (Reason reason, Settlement memory due) {
        uint256 gridSum;
        uint256 operatorSum;
        uint256 first = uint256(s.importRegister) << 128 | s.exportRegister;
        (reason, gridSum, operatorSum) = Slots.split(first, registers, s.time, r.time, terms);
        due.networkCharge = terms.gridPrices.importAmount(gridSum);
        due.serviceFee = terms.operatorPrices.importAmount(operatorSum);
        due.feedIn = terms.gridPrices.exportAmount(gridSum);
        if (r.last) {
            due.networkCharge += terms.gridPrices.fee();
            due.serviceFee += terms.operatorPrices.fee();
        }
    }

    function _settle(
        EnergyReport memory r,
        Session memory s,
        IRegistry.Station memory station,
        Settlement memory due,
        bytes32 leaf
    ) private {
        uint48 taken = r.importRegister - s.importRegister;
        uint48 fed = r.exportRegister - s.exportRegister;
        s.report = r.report;
        (s.time, s.touched) = (r.time, uint40(block.timestamp));
        (s.importRegister, s.exportRegister) = (r.importRegister, r.exportRegister);
        if (r.last) s.state = State.Closed;
        _sessions[r.station].saveProgress(s);

        _postAll(s, station, due, taken, fed);
        _recordAll(s.supplier, station.gridOperator, station.operator, leaf);
        emit ReportSettled(
            r.station,
            s.supplier,
            r.session,
            r.report,
            r.time,
            taken,
            fed,
            uint80(due.networkCharge),
            uint80(due.serviceFee),
            int80(due.feedIn),
            r.last
        );
    }

    /// @dev Loads each account once, also where one participant has several roles, and saves it once.
    // slither-disable-next-line incorrect-equality numbers of participants and a state, no balances
    function _postAll(
        Session memory s,
        IRegistry.Station memory station,
        Settlement memory due,
        uint48 taken,
        uint48 fed
    ) private {
        (uint24 supplier, uint24 grid, uint24 operator) =
            (s.supplier, station.gridOperator, station.operator);
        Account memory a = _accounts[supplier].load();
        Account memory b = grid == supplier ? a : _accounts[grid].load();
        Account memory c =
            operator == supplier ? a : operator == grid ? b : _accounts[operator].load();
        if (s.state == State.Closed) {
            a.reserved -= s.supplierReserve;
            b.reserved -= s.gridReserve;
        }
        _post(supplier, grid, a, b, due.networkCharge, taken, 0);
        _post(supplier, operator, a, c, due.serviceFee, taken, 0);
        if (due.feedIn < 0) _post(supplier, grid, a, b, uint256(-due.feedIn), 0, fed);
        else _post(grid, supplier, b, a, uint256(due.feedIn), 0, fed);
        _accounts[supplier].save(a);
        if (grid != supplier) _accounts[grid].save(b);
        if (operator != supplier && operator != grid) _accounts[operator].save(c);
    }

    function _recordAll(uint24 supplier, uint24 grid, uint24 operator, bytes32 leaf) private {
        _record(supplier, leaf);
        if (grid != supplier) _record(grid, leaf);
        if (operator != supplier && operator != grid) _record(operator, leaf);
    }

    // -------------------------------------------------------------------------------------------- Internal

    function _checkSigner(
        uint32 number,
        IRegistry.Station memory station,
        bytes32 digest,
        bytes calldata message,
        uint40 time
    ) private view returns (Reason) {
        if (station.gridOperator == 0 || station.key == address(0)) {
            return Reason.UnknownStation;
        }
        // slither-disable-next-line unused-return without a signature the signer is 0, and no key is
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, Messages.signatureOf(message));
        // a former key is looked up only when the present one did not sign
        bool authentic = signer == station.key || REGISTRY.maySign(number, signer, time);
        return authentic ? Reason.None : Reason.BadSignature;
    }

    function _reject(uint32 station, bytes32 digest, Reason reason)
        private
        returns (Reason, bytes32 leaf)
    {
        emit MessageRejected(station, reason, digest);
        return (reason, keccak256(abi.encode(digest, reason, uint256(0), uint256(0), uint256(0))));
    }
}
