// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Prices} from "../libraries/Prices.sol";
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

    /// @notice One charging point. Its signing key is kept as the address of its public key.
    struct Station {
        address key; // 0: revoked, nothing verifies
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

    /// @notice What the registry knows about an opening.
    struct Opening {
        Station station;
        Reason refusal; // the first of the registry's reasons against a clearing, or None
        uint24 supplier; // the vehicle's, else the operator's default supplier, else 0
        uint16 gridTariff; // version in force, 0: none
        uint16 operatorTariff; // version in force, 0: none
        uint64 supplierReserve; // nano-euro to be covered at clearing
        uint64 gridReserve; // nano-euro, for feed-in
        uint32 skew; // s, see Limits
        uint32 backlog; // s, see Limits
    }

    /// @notice What the registry knows about a running session.
    struct Terms {
        Station station;
        Prices gridPrices;
        uint192 gridLevels;
        Prices operatorPrices;
        uint192 operatorLevels;
        uint32 skew; // s, see Limits
    }

    // -------------------------------------------------------------------------------------------- Errors

    error NoSuchParticipant(uint24 participant);
    error NotAParticipant(address account);
    error NotActive(uint24 participant);
    error MissingRole(uint24 participant, uint8 role);
    error AccountTaken(address account);
    error InvalidAccount(address account);
    error InvalidRoles(uint8 roles);
    error LimitOutOfRange(string limit);
    error NoConsent(uint24 supplier, uint24 operator);
    error NotSlotAligned(uint256 time);
    error TooEarly(uint256 time, uint256 earliest);
    error MeterTaken(bytes32 meter);
    error UnknownMeter(bytes32 meter);
    error NotYourStation(uint32 station);
    error NotPending(uint32 station);
    error InvalidKey();
    error InvalidPower();
    error PriceOutOfRange();
    error InvalidLevels();
    error VersionPending(uint256 validFrom);

    // -------------------------------------------------------------------------------------------- Events

    /// @param marketCode EIC or BDEW number of the company, as printed
    event ParticipantAdmitted(
        uint24 indexed participant, address indexed account, uint8 roles, string marketCode
    );
    event RolesChanged(uint24 indexed participant, uint8 roles);
    event ParticipantSuspended(uint24 indexed participant);
    event ParticipantReinstated(uint24 indexed participant);
    event AccountMoved(uint24 indexed participant, address indexed from, address indexed to);
    event LimitsSet(Limits limits);
    event DefaultSupplyOffered(uint24 indexed supplier, uint24 indexed operator, bool offered);
    event DefaultSupplierSet(uint24 indexed operator, uint24 indexed supplier);

    event MeterRegistered(bytes32 indexed meter, uint24 indexed gridOperator);
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
    event StationApproved(uint32 indexed station, uint24 indexed gridOperator);
    event StationKeyRotated(uint32 indexed station, address key);
    event StationKeyRevoked(uint32 indexed station);
    event StationClosed(uint32 indexed station);

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

    /// @notice The operator gives a station a new key. What the former key signed before now stays valid.
    function rotateStationKey(uint32 station, address key) external;

    /// @notice The operator cuts a compromised key off at once, what it signed before included.
    function revokeStationKey(uint32 station) external;

    /// @notice The grid operator closes a station for good.
    function closeStation(uint32 station) external;

    // ------------------------------------------------------------------------------------------- Tariffs

    /// @notice Publishes the next version of the caller's tariff as a grid operator (2) or station operator (4),
    /// whose export prices are 0. The first may start with the running slot, each later
    /// one after the notice, and only one may lie in the future.
    function publishTariff(uint8 role, Tariff calldata tariff) external returns (uint16 version);

    // --------------------------------------------------------------------------------------------- Views

    /// @notice Everything that a clearing at `time` depends on.
    /// @param supplier of the vehicle, 0: nobody
    function openingAt(uint32 station, uint24 supplier, uint40 time)
        external
        view
        returns (Opening memory);
    /// @notice Everything that the settlement of a report depends on. A version 0 gives an empty tariff.
    function termsOf(uint32 station, uint16 gridTariff, uint16 operatorTariff)
        external
        view
        returns (Terms memory);
    /// @return whether `signer` may have signed for the station at `time`: by its key, or by the former one
    function maySign(uint32 station, address signer, uint40 time) external view returns (bool);
    /// @return the number of the account's participant; reverts unless it is active and has the role
    function requireActive(address account, uint8 role) external view returns (uint24);
    /// @return the number of the account's participant; reverts if there is none
    function requireParticipant(address account) external view returns (uint24);
    /// @return whether the participant is active and has the role
    function isActive(uint24 participant, uint8 role) external view returns (bool);
    function participantCount() external view returns (uint24);
    function participantOf(address account) external view returns (uint24);
    function participants(uint24 number) external view returns (Participant memory);
    function limits() external view returns (Limits memory);
    function offersDefaultSupply(uint24 supplier, uint24 operator) external view returns (bool);
    function gridOperatorOf(bytes32 meter) external view returns (uint24);
    function stationCount() external view returns (uint32);
    function stations(uint32 number) external view returns (Station memory);
    function meterOf(uint32 station) external view returns (bytes32);
    function formerKeys(uint32 station) external view returns (FormerKey memory);
    /// @return number of versions published; the versions are 1 to this
    function tariffCount(uint24 participant, uint8 role) external view returns (uint16);
    function tariffs(uint24 participant, uint8 role, uint16 version)
        external
        view
        returns (Tariff memory);
    /// @return the version in force at `time`, 0 if none
    function tariffAt(uint24 participant, uint8 role, uint40 time) external view returns (uint16);
}
