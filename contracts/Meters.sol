// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Participants} from "./Participants.sol";

/// @notice Meters of grid operators, and the keys that sign their records.
abstract contract Meters is Participants {
    uint8 private constant K1 = 1;
    uint8 private constant R1 = 2;

    mapping(bytes32 meter => uint24 gridOperator) public gridOperatorOf;
    mapping(bytes32 meter => MeterKey) private _meterKeys;

    function registerMeters(bytes32[] calldata ids) external {
        uint24 gridOperator = _callerAs(GRID_OPERATOR);
        for (uint256 i = 0; i < ids.length; ++i) {
            require(gridOperatorOf[ids[i]] == 0, MeterTaken(ids[i]));
            gridOperatorOf[ids[i]] = gridOperator;
            emit MeterRegistered(ids[i], gridOperator);
        }
    }

    function setMeterKey(bytes32 meter, MeterKey calldata key) external {
        require(gridOperatorOf[meter] == _callerAs(GRID_OPERATOR), NotYourMeter(meter));
        require(key.curve == K1 || key.curve == R1, InvalidKey());
        require(key.x | key.y != 0, InvalidKey());
        MeterKey storage k = _meterKeys[meter];
        require(k.x | k.y == 0, MeterKeyTaken(meter));
        _meterKeys[meter] = key;
        emit MeterKeySet(meter, key.curve, key.x, key.y, key.serial);
    }

    /// @dev What is left keeps another key from taking its place.
    function revokeMeterKey(bytes32 meter) external {
        require(gridOperatorOf[meter] == _caller(), NotYourMeter(meter));
        MeterKey storage k = _meterKeys[meter];
        require(k.curve != 0, InvalidKey());
        k.curve = 0;
        emit MeterKeyRevoked(meter);
    }

    function meterKeys(bytes32 meter) external view returns (MeterKey memory) {
        return _meterKeys[meter];
    }
}
