// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Meters} from "./Meters.sol";

/// @notice Stations behind grid operators' meters. A station needs both its operator, who asks, and
/// its meter's grid operator, who approves.
abstract contract Stations is Meters {
    uint32 public stationCount;
    mapping(uint32 station => bytes32 meter) public meterOf;
    mapping(uint32 number => Station) internal _stations;
    mapping(uint32 station => FormerKey) internal _formerKeys;

    // ------------------------------------------------------------------------------------ Grid operators

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

    function rotateStationKey(uint32 number, address key, uint40 until) external {
        Station storage s = _ownStation(number);
        require(key != address(0), InvalidKey());
        // a key that was retired or revoked stays what it is
        if (s.key != address(0)) _formerKeys[number] = FormerKey(s.key, until);
        s.key = key;
        emit StationKeyRotated(number, key, until);
    }

    function retireStationKey(uint32 number, uint40 until) external {
        Station storage s = _ownStation(number);
        require(s.key != address(0), InvalidKey());
        _formerKeys[number] = FormerKey(s.key, until);
        s.key = address(0);
        emit StationKeyRetired(number, until);
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

    function formerKeyAt(uint32 number, uint40 time) public view returns (address) {
        FormerKey memory former = _formerKeys[number];
        return time < former.until ? former.key : address(0);
    }

    function maySign(uint32 number, address signer, uint40 time) external view returns (bool) {
        bool either = signer == _stations[number].key || signer == formerKeyAt(number, time);
        return either && signer != address(0);
    }

    // ------------------------------------------------------------------------------------------ Internal

    function _ownStation(uint32 number) private view returns (Station storage s) {
        s = _stations[number];
        require(s.operator != 0 && s.operator == _caller(), NotYourStation(number));
    }
}
