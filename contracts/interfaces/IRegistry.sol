// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Device} from "../libraries/Device.sol";
import {Market} from "../libraries/Market.sol";
import {Prices} from "../libraries/Prices.sol";
import {Terms} from "../libraries/Terms.sol";
import {Reason} from "./Reason.sol";

/// @title Who takes part in the market, with which meters, stations and tariffs
/// @notice Nothing here moves money. Times are UTC seconds, energy is watt-hours (Wh), power is watts (W),
/// prices are micro-euro per kWh. A *slot* is an aligned quarter hour of 900 s, labelled by its start.
interface IRegistry {
    // --------------------------------------------------------------------------------------------- Types

    /// @notice A company that takes part. `roles` is a bit set: 1 supplier, 2 grid operator, 4 station operator.
    struct Participant {
        address account; // may act for the participant, holds no money by being it
        uint8 roles;
        bool active; // a suspended participant gets no new clearings; what runs settles
        uint24 defaultSupplier; // who supplies unregistered vehicles at its stations (station operators), or 0
        uint16 gridTariffs; // versions published as a grid operator
        uint16 operatorTariffs; // versions published as a station operator
    }

    /// @notice The market's limits, set by governance within fixed bounds.
    struct Limits {
        uint32 skew; // s that a message's time may lie ahead of the block's
        uint32 backlog; // s that an opening may be old
        uint32 silence; // s without an accepted message after which anybody may expire a session
        uint32 notice; // s between the publication of a tariff and its first second
        uint32 reserveWh; // Wh per direction that a payer has to cover at clearing
        uint32 maxPrice; // micro-euro per kWh that no price level exceeds, either sign
        uint32 maxSessionFee; // micro-euro
    }

    /// @notice One charging point. Its signing key is kept as the address of its public key: the low 20 bytes of
    /// keccak256(x || y), on secp256k1 and secp256r1 alike.
    struct Station {
        address key; // 0: retired or revoked
        uint24 gridOperator; // 0: requested, not approved
        uint24 operator; // 0: closed for good
        uint24 maxPower; // W, from the grid
        uint24 maxFeedIn; // W, into the grid; 0: charges only
    }

    /// @notice A key that signed for a station before the present one.
    struct FormerKey {
        address key;
        uint40 until; // messages with a time before this may bear it
    }

    /// @notice The key with which a meter signs its records (OCMF).
    struct MeterKey {
        uint8 curve; // 1 secp256k1, 2 secp256r1; 0: revoked
        bytes32 x;
        bytes32 y;
        bytes32 serial; // keccak256 of the serial number as the record prints it
    }

    /// @notice One version of a participant's tariff: three levels per direction and a fee per session.
    /// @dev For a grid operator: network charge (import) and remuneration (export, negative: the supplier pays).
    /// For a station operator: service fee (import); its export prices are 0.
    struct Tariff {
        uint32 importStandard; // micro-euro per kWh
        uint32 importHigh;
        uint32 importLow;
        int32 exportStandard;
        int32 exportHigh;
        int32 exportLow;
        uint32 sessionFee; // micro-euro, due with the final report
        uint32 validFrom; // start of a slot
        uint192 levels; // 2 bits for each slot of a UTC day, slot 0 lowest: 0 standard, 1 high, 2 low
    }

    // -------------------------------------------------------------------------------------------- Errors
    /// @notice No participant has this number.
    error NoSuchParticipant(uint24 participant);
    /// @notice The account is no participant's.
    error NotAParticipant(address account);
    /// @notice The participant is suspended, or has not the role.
    error NotActive(uint24 participant);
    /// @notice The participant lacks the role (1 supplier, 2 grid operator, 4 station operator).
    error MissingRole(uint24 participant, uint8 role);
    /// @notice Another participant has this account.
    error AccountTaken(address account);
    /// @notice The zero address can be no participant's.
    error InvalidAccount(address account);
    /// @notice At least one of 1, 2 and 4, nothing else; for a tariff exactly one of 2 and 4.
    error InvalidRoles(uint8 roles);
    /// @notice The limit of this name is outside its bounds, see docs/protocol.md.
    error LimitOutOfRange(string limit);
    /// @notice The supplier has not agreed to supply by default at the operator's stations.
    error NoConsent(uint24 supplier, uint24 operator);
    /// @notice A date must be the start of a slot: a multiple of 900 s.
    error NotSlotAligned(uint256 time);
    /// @notice A date lies before the earliest one that is possible.
    error TooEarly(uint256 time, uint256 earliest);
    /// @notice A grid operator has registered this meter.
    error MeterTaken(bytes32 meter);
    /// @notice No grid operator has registered this meter.
    error UnknownMeter(bytes32 meter);
    /// @notice The caller neither operates the station nor its meter's grid, or it does not exist.
    error NotYourStation(uint32 station);
    /// @notice The station was approved before, or is closed.
    error NotPending(uint32 station);
    /// @notice The zero address is no key; there is no key to retire; a meter's key is on no known curve.
    error InvalidKey();
    /// @notice The caller does not operate the meter's grid.
    error NotYourMeter(bytes32 meter);
    /// @notice A meter gets its key once.
    error MeterKeyTaken(bytes32 meter);
    /// @notice A station needs power.
    error InvalidPower();
    /// @notice A price or fee is above the market's limit, or an operator's export price is not 0.
    error PriceOutOfRange();
    /// @notice A slot has the level 3, which has no price.
    error InvalidLevels();
    /// @notice The latest version starts at `validFrom`: only one may lie in the future.
    error VersionPending(uint256 validFrom);

    // -------------------------------------------------------------------------------------------- Events

    /// @param marketCode EIC or BDEW number of the company, as printed
    event ParticipantAdmitted(
        uint24 indexed participant, address indexed account, uint8 roles, string marketCode
    );
    /// @notice Governance gave a participant other roles.
    event RolesChanged(uint24 indexed participant, uint8 roles);
    /// @notice No new clearings for the participant.
    event ParticipantSuspended(uint24 indexed participant);
    /// @notice New clearings again.
    event ParticipantReinstated(uint24 indexed participant);
    /// @notice The participant acts through another account from now on.
    event AccountMoved(uint24 indexed participant, address indexed from, address indexed to);
    /// @notice The market has other limits from now on.
    event LimitsSet(Limits limits);
    /// @notice No new clearings in the market until `Unpaused`; everything else goes on.
    event Paused();
    /// @notice New clearings again.
    event Unpaused();
    /// @notice A supplier agrees, or no longer agrees, to supply by default at an operator's stations.
    event DefaultSupplyOffered(uint24 indexed supplier, uint24 indexed operator, bool offered);
    /// @notice An operator named its default supplier; 0: none.
    event DefaultSupplierSet(uint24 indexed operator, uint24 indexed supplier);
    /// @notice A meter (its number's hash) belongs to a grid operator.
    event MeterRegistered(bytes32 indexed meter, uint24 indexed gridOperator);
    /// @notice A meter's records are signed with this key.
    event MeterKeySet(bytes32 indexed meter, uint8 curve, bytes32 x, bytes32 y, bytes32 serial);
    /// @notice The meter's key proves nothing any more.
    event MeterKeyRevoked(bytes32 indexed meter);
    /// @param evseId the station's public name, as printed on it
    event StationRequested(
        uint32 indexed station,
        uint24 indexed operator,
        bytes32 indexed meter,
        address key,
        uint24 maxPower,
        uint24 maxFeedIn,
        string evseId
    );
    /// @notice The station works from now on.
    event StationApproved(uint32 indexed station, uint24 indexed gridOperator);
    /// @notice `key` signs from now on, the former key for messages with a time before `until`.
    event StationKeyRotated(uint32 indexed station, address key, uint40 until);
    /// @notice The key signs for messages with a time before `until`, and no other key until a rotation.
    event StationKeyRetired(uint32 indexed station, uint40 until);
    /// @notice No key signs for the station any more, until a rotation.
    event StationKeyRevoked(uint32 indexed station);
    /// @notice The station is closed for good.
    event StationClosed(uint32 indexed station);
    /// @notice A new version of a participant's tariff in one of its roles.
    event TariffPublished(
        uint24 indexed participant, uint8 indexed role, uint16 version, Tariff tariff
    );

    // ---------------------------------------------------------------------------------------- Governance

    /// @notice Admits a company under the next number. Only governance.
    function admit(address account, uint8 roles, string calldata marketCode)
        external
        returns (uint24 participant);

    /// @notice Only governance. A role that is taken away stops new clearings, never a running session.
    function setRoles(uint24 participant, uint8 roles) external;

    /// @notice Only governance. Stops new clearings of the participant, and nothing else.
    function suspend(uint24 participant) external;

    /// @notice Only governance.
    function reinstate(uint24 participant) external;

    /// @notice Only governance. Reverts with `LimitOutOfRange` outside the bounds in docs/protocol.md.
    function setLimits(Limits calldata limits) external;

    /// @notice Only governance. Openings are decided `MarketPaused`; reports settle, withdrawals work.
    function pause() external;

    /// @notice Only governance.
    function unpause() external;

    // -------------------------------------------------------------------------------------- Participants

    /// @notice Hands the caller's participant over to another account.
    function moveAccount(address to) external;

    /// @notice A supplier agrees, or no longer agrees, to supply unregistered vehicles at an operator's stations.
    function offerDefaultSupply(uint24 operator, bool offered) external;

    /// @notice A station operator names its default supplier, who must have agreed; 0 names none.
    function setDefaultSupplier(uint24 supplier) external;

    // -------------------------------------------------------------------------------- Meters and stations

    /// @notice A grid operator registers meters of its grid (hashes of meter numbers).
    function registerMeters(bytes32[] calldata ids) external;

    /// @notice A station operator asks for a station behind a meter; it works once the grid operator approves.
    /// @param key address of the station's public key
    /// @param maxPower W, from the grid
    /// @param maxFeedIn W, into the grid; 0: charges only
    function requestStation(
        bytes32 meter,
        address key,
        uint24 maxPower,
        uint24 maxFeedIn,
        string calldata evseId
    ) external returns (uint32 station);

    /// @notice The meter's grid operator approves stations that were requested.
    function approveStations(uint32[] calldata numbers) external;

    /// @notice The operator gives a station a new key, good for messages of any time from now on. The present key,
    /// if there is one, stays good for messages with a time before `until`.
    /// @param until UTC seconds, any
    function rotateStationKey(uint32 station, address key, uint40 until) external;

    /// @notice The same with no new key.
    function retireStationKey(uint32 station, uint40 until) external;

    /// @notice The operator cuts a compromised key off at once, and the former one with it; what they signed and was
    /// not settled is void.
    function revokeStationKey(uint32 station) external;

    /// @notice A grid operator puts the key of its meter on file, once.
    function setMeterKey(bytes32 meter, MeterKey calldata key) external;

    /// @notice The grid operator says that the meter's key proves nothing any more. For good.
    function revokeMeterKey(bytes32 meter) external;

    /// @notice The grid operator closes a station for good.
    function closeStation(uint32 station) external;

    // ------------------------------------------------------------------------------------------- Tariffs

    /// @notice Publishes the next version of the caller's tariff as a grid operator (2) or station operator (4),
    /// whose export prices are 0. The first may start with the running slot, each later
    /// one after the notice, and only one may lie in the future.
    function publishTariff(uint8 role, Tariff calldata tariff) external returns (uint16 version);

    // --------------------------------------------------------------------------------------------- Views

    /// @notice Everything that a clearing at `time` depends on, in words as the ledger computes with them.
    /// @param supplier of the vehicle, 0: nobody
    /// @return device the station as it is on file
    /// @return terms what the clearing would fix
    /// @return refusal the first of the registry's reasons against it, or None
    /// @return market limits in force
    function openingTerms(uint32 station, uint24 supplier, uint40 time)
        external
        view
        returns (Device device, Terms terms, Reason refusal, Market market);
    /// @notice Everything that the settlement of a report depends on. A version 0 gives an empty tariff.
    /// @return device the station as it is on file
    /// @return grid the grid operator's prices of the pinned version
    /// @return gridLevels their map of the day
    /// @return operator the station operator's prices of the pinned version
    /// @return operatorLevels their map of the day
    /// @return market limits in force
    function tariffsOf(uint32 station, Terms terms)
        external
        view
        returns (
            Device device,
            Prices grid,
            uint256 gridLevels,
            Prices operator,
            uint256 operatorLevels,
            Market market
        );
    /// @return the key before the station's present one, if it is good for messages of that time; else 0
    function formerKeyAt(uint32 station, uint40 time) external view returns (address);
    /// @return whether `signer` may have signed for the station at `time`: by its key, or by the former one
    function maySign(uint32 station, address signer, uint40 time) external view returns (bool);
    /// @return the number of the account's participant; reverts unless it is active and has the role
    function requireActive(address account, uint8 role) external view returns (uint24);
    /// @return the number of the account's participant; reverts if there is none
    function requireParticipant(address account) external view returns (uint24);
    /// @return whether the participant is active and has the role
    function isActive(uint24 participant, uint8 role) external view returns (bool);
    /// @notice Participants are numbered from 1 to this.
    function participantCount() external view returns (uint24);
    /// @notice The participant of an account, 0 if there is none.
    function participantOf(address account) external view returns (uint24);
    /// @notice A participant by its number.
    function participants(uint24 number) external view returns (Participant memory);
    /// @notice The market's limits in force.
    function limits() external view returns (Limits memory);
    /// @notice Whether governance has stopped new clearings.
    function paused() external view returns (bool);
    /// @notice Whether the supplier agrees to supply by default at the operator's stations.
    function offersDefaultSupply(uint24 supplier, uint24 operator) external view returns (bool);
    /// @notice The grid operator of a meter, 0 if nobody registered it.
    function gridOperatorOf(bytes32 meter) external view returns (uint24);
    /// @notice The key of a meter, empty if it never had one; its curve is 0 if it was revoked.
    function meterKeys(bytes32 meter) external view returns (MeterKey memory);
    /// @notice Stations are numbered from 1 to this, requested ones included.
    function stationCount() external view returns (uint32);
    /// @notice A station by its number.
    function stations(uint32 number) external view returns (Station memory);
    /// @notice The meter that a station is behind.
    function meterOf(uint32 station) external view returns (bytes32);
    /// @notice The key that signed for a station before its present one, or its retired one.
    function formerKeys(uint32 station) external view returns (FormerKey memory);
    /// @return number of versions published; the versions are 1 to this
    function tariffCount(uint24 participant, uint8 role) external view returns (uint16);
    /// @notice A version of a participant's tariff; empty if there is none.
    function tariffs(uint24 participant, uint8 role, uint16 version)
        external
        view
        returns (Tariff memory);
    /// @return the version in force at `time`, 0 if none
    function tariffAt(uint24 participant, uint8 role, uint40 time) external view returns (uint16);
}
