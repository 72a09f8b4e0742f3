// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Participants} from "./Participants.sol";

/// @notice Meters of grid operators and the stations behind them. A station needs both its operator, who asks, and
/// its meter's grid operator, who approves.
abstract contract Stations is Participants {
    uint32 public stationCount;
    mapping(bytes32 meter => uint24 gridOperator) public gridOperatorOf;
    mapping(uint32 station => bytes32 meter) public meterOf;
    mapping(uint32 number => Station) internal _stations;
    mapping(uint32 station => FormerKey) internal _formerKeys;

    // ------------------------------------------------------------------------------------ Grid operators

    function registerMeters(bytes32[] calldata ids) external {
        uint24 gridOperator = _callerAs(GRID_OPERATOR);
        for (uint256 i = 0; i < ids.length; ++i) {
            require(gridOperatorOf[ids[i]] == 0, MeterTaken(ids[i]));
            gridOperatorOf[ids[i]] = gridOperator;
            emit MeterRegistered(ids[i], gridOperator);
        }
    }

    function approveStations(uint32[] calldata numbers) external {
        uint24 gridOperator = _callerAs(GRID_OPERATOR);
        for (uint256 i = 0; i < numbers.length; ++i) {
            uint32 number = numbers[i];
            require(gridOperatorOf[meterOf[number]] == gridOperator, NotYourStation(number));
            Station storage s = _stations[number];
            require(s.gridOperator == 0 && s.operator != 0, NotPending(number));
            s.gridOperator = gridOperator;
            emit StationApproved(number, gridOperator);
        }
    }

    function closeStation(uint32 number) external {
        require(gridOperatorOf[meterOf[number]] == _caller(), NotYourStation(number));
        Station storage s = _stations[number];
        require(s.operator != 0, NotYourStation(number));
        (s.key, s.operator) = (address(0), 0);
        delete _formerKeys[number];
        emit StationClosed(number);
    }

    // --------------------------------------------------------------------------------- Station operators

    function requestStation(
        bytes32 meter,
        address key,
        uint24 maxPower,
        uint24 maxFeedIn,
        string calldata evseId
    ) external returns (uint32 number) {
        uint24 operator = _callerAs(STATION_OPERATOR);
        require(gridOperatorOf[meter] != 0, UnknownMeter(meter));
        require(key != address(0), InvalidKey());
        require(maxPower != 0, InvalidPower());
        number = ++stationCount;
        meterOf[number] = meter;
        _stations[number] = Station({
            key: key, gridOperator: 0, operator: operator, maxPower: maxPower, maxFeedIn: maxFeedIn
        });
        emit StationRequested(number, operator, meter, key, maxPower, maxFeedIn, evseId);
    }

    function rotateStationKey(uint32 number, address key) external {
        Station storage s = _ownStation(number);
        require(key != address(0), InvalidKey());
        // a revoked key stays cut off: it is no former key
        _formerKeys[number] = FormerKey(s.key, uint40(block.timestamp));
        s.key = key;
        emit StationKeyRotated(number, key);
    }

    function revokeStationKey(uint32 number) external {
        _ownStation(number).key = address(0);
        delete _formerKeys[number];
        emit StationKeyRevoked(number);
    }

    // --------------------------------------------------------------------------------------------- Views

    function stations(uint32 number) external view returns (Station memory) {
        return _stations[number];
    }

    function formerKeys(uint32 number) external view returns (FormerKey memory) {
        return _formerKeys[number];
    }

    function maySign(uint32 number, address signer, uint40 time) external view returns (bool) {
        if (signer == address(0)) return false;
        if (signer == _stations[number].key) return true;
        FormerKey memory former = _formerKeys[number];
        return signer == former.key && time < former.until;
    }

    // ------------------------------------------------------------------------------------------ Internal

    function _ownStation(uint32 number) private view returns (Station storage s) {
        s = _stations[number];
        require(s.operator != 0 && s.operator == _caller(), NotYourStation(number));
    }
}
