// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IRegistry} from "./interfaces/IRegistry.sol";
import {Market, MarketFields} from "./libraries/Market.sol";
import {Member} from "./libraries/Member.sol";

/// @notice Companies, their roles, and the limits of the market.
abstract contract Participants is IRegistry, AccessManaged {
    uint8 internal constant SUPPLIER = 1;
    uint8 internal constant GRID_OPERATOR = 2;
    uint8 internal constant STATION_OPERATOR = 4;
    uint8 private constant ALL_ROLES = 7;

    uint24 public participantCount;
    mapping(address account => uint24 number) public participantOf;
    mapping(uint24 supplier => mapping(uint24 operator => bool)) public offersDefaultSupply;
    mapping(uint24 number => Participant) internal _participants;
    Market internal _market;

    constructor(Limits memory initial) {
        _setLimits(initial, false);
    }

    // ---------------------------------------------------------------------------------------- Governance

    function admit(address account, uint8 roles, string calldata marketCode)
        external
        restricted
        returns (uint24 number)
    {
        _checkRoles(roles);
        number = ++participantCount;
        _take(account, number);
        _participants[number] = Participant({
            account: account,
            roles: roles,
            active: true,
            defaultSupplier: 0,
            gridTariffs: 0,
            operatorTariffs: 0
        });
        emit ParticipantAdmitted(number, account, roles, marketCode);
    }

    function setRoles(uint24 number, uint8 roles) external restricted {
        _checkRoles(roles);
        _existing(number).roles = roles;
        emit RolesChanged(number, roles);
    }

    function suspend(uint24 number) external restricted {
        _existing(number).active = false;
        emit ParticipantSuspended(number);
    }

    function reinstate(uint24 number) external restricted {
        _existing(number).active = true;
        emit ParticipantReinstated(number);
    }

    function setLimits(Limits calldata next) external restricted {
        _setLimits(next, _market.paused());
    }

    function pause() external restricted {
        _market = MarketFields.pack(_market.unpack(), true);
        emit Paused();
    }

    function unpause() external restricted {
        _market = MarketFields.pack(_market.unpack(), false);
        emit Unpaused();
    }

    // -------------------------------------------------------------------------------------- Participants

    function moveAccount(address to) external {
        uint24 number = _caller();
        delete participantOf[msg.sender];
        _take(to, number);
        _participants[number].account = to;
        emit AccountMoved(number, msg.sender, to);
    }

    function offerDefaultSupply(uint24 operator, bool offered) external {
        uint24 supplier = _callerAs(SUPPLIER);
        offersDefaultSupply[supplier][operator] = offered;
        emit DefaultSupplyOffered(supplier, operator, offered);
    }

    function setDefaultSupplier(uint24 supplier) external {
        uint24 operator = _callerAs(STATION_OPERATOR);
        require(
            supplier == 0 || offersDefaultSupply[supplier][operator], NoConsent(supplier, operator)
        );
        _participants[operator].defaultSupplier = supplier;
        emit DefaultSupplierSet(operator, supplier);
    }

    // --------------------------------------------------------------------------------------------- Views

    function participants(uint24 number) external view returns (Participant memory) {
        return _participants[number];
    }

    function limits() external view returns (Limits memory) {
        return _market.unpack();
    }

    function paused() external view returns (bool) {
        return _market.paused();
    }

    function isActive(uint24 number, uint8 role) public view returns (bool) {
        Participant storage p = _participants[number];
        return p.active && p.roles & role != 0;
    }

    function requireParticipant(address account) public view returns (uint24 number) {
        number = participantOf[account];
        require(number != 0, NotAParticipant(account));
    }

    function requireActive(address account, uint8 role) public view returns (uint24 number) {
        number = requireParticipant(account);
        require(_participants[number].active, NotActive(number));
        require(_participants[number].roles & role != 0, MissingRole(number, role));
    }

    // ------------------------------------------------------------------------------------------ Internal

    function _caller() internal view returns (uint24) {
        return requireParticipant(msg.sender);
    }

    function _callerAs(uint8 role) internal view returns (uint24) {
        return requireActive(msg.sender, role);
    }

    /// @return the operator's default supplier if it still agrees, or 0
    function _defaultSupplier(uint24 operator, Member m) internal view returns (uint24) {
        uint24 supplier = m.defaultSupplier();
        return offersDefaultSupply[supplier][operator] ? supplier : 0;
    }

    function _requireSlotStart(uint256 time) internal pure {
        require(time % 900 == 0, NotSlotAligned(time));
    }

    function _existing(uint24 number) internal view returns (Participant storage p) {
        p = _participants[number];
        require(p.account != address(0), NoSuchParticipant(number));
    }

    function _take(address account, uint24 number) private {
        require(account != address(0), InvalidAccount(account));
        require(participantOf[account] == 0, AccountTaken(account));
        participantOf[account] = number;
    }

    function _checkRoles(uint8 roles) private pure {
        require(roles != 0 && roles <= ALL_ROLES, InvalidRoles(roles));
    }

    /// @dev The bounds keep every amount within its type for tens of thousands of years of full load, and
    /// governance from making sessions expire under their stations' feet.
    function _setLimits(Limits memory next, bool isPaused) private {
        require(next.skew <= 1 hours, LimitOutOfRange("skew"));
        require(next.backlog >= 1 hours && next.backlog <= 60 days, LimitOutOfRange("backlog"));
        require(next.silence >= 1 hours && next.silence <= 60 days, LimitOutOfRange("silence"));
        require(next.notice >= 15 minutes && next.notice <= 60 days, LimitOutOfRange("notice"));
        require(next.reserveWh <= 1e6, LimitOutOfRange("reserveWh"));
        require(next.maxPrice <= 1e8, LimitOutOfRange("maxPrice"));
        require(next.maxSessionFee <= 1e9, LimitOutOfRange("maxSessionFee"));
        _market = MarketFields.pack(next, isPaused);
        emit LimitsSet(next);
    }
}
