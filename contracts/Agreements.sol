// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Standings} from "./Standings.sol";
import {Differences} from "./libraries/Differences.sol";

/// @notice Disputes, and corrections by the consent of everyone whom they cost.
abstract contract Agreements is Standings {
    bytes32 private constant CONSENT_TYPEHASH = keccak256(
        "Consent(uint32 station,uint32 session,uint16 version,bytes32 content,uint24 participant,uint40 until)"
    );

    mapping(bytes32 content => mapping(uint24 participant => bool)) public hasConsented;

    // ------------------------------------------------------------------------------------------- Disputes

    function dispute(Story calldata story, uint8 reason, bytes32 evidence) external {
        _dispute(_fileStory(story), reason, evidence);
    }

    function disputeVersion(Version calldata present, uint8 reason, bytes32 evidence) external {
        _requirePresent(present);
        _dispute(present, reason, evidence);
    }

    function _dispute(Version memory present, uint8 reason, bytes32 evidence) private {
        uint24 by = REGISTRY.requireParticipant(msg.sender);
        _requireParty(by, Differences.between(present, present).parties);
        _setDisputed(present.station, present.session);
        emit SessionDisputed(present.station, present.session, by, reason, evidence);
    }

    // ----------------------------------------------------------------------------------------- Agreements

    function propose(Story calldata story, Change calldata change) external {
        _propose(_fileStory(story), change);
    }

    function proposeVersion(Version calldata present, Change calldata change) external {
        _requirePresent(present);
        _propose(present, change);
    }

    function consent(Version calldata present, Change calldata change) external {
        _requirePresent(present);
        _agree(present, change, REGISTRY.requireParticipant(msg.sender), false);
    }

    function consentBySignature(
        Version calldata present,
        Change calldata change,
        uint24 participant,
        uint40 until,
        bytes calldata signature
    ) external {
        _requirePresent(present);
        require(block.timestamp <= until, ConsentExpired(until));
        address account = REGISTRY.participants(participant).account;
        bytes32 digest = consentDigest(present, change, participant, until);
        bool valid = account != address(0)
            && SignatureChecker.isValidSignatureNowCalldata(account, digest, signature);
        require(valid, BadConsent(participant));
        _agree(present, change, participant, false);
    }

    function consentDigest(
        Version calldata present,
        Change calldata change,
        uint24 participant,
        uint40 until
    ) public view returns (bytes32) {
        Version memory next = _draft(present, change);
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    CONSENT_TYPEHASH,
                    next.station,
                    next.session,
                    next.number,
                    keccak256(abi.encode(next)),
                    participant,
                    until
                )
            )
        );
    }

    function _propose(Version memory present, Change calldata change) private {
        _agree(present, change, REGISTRY.requireParticipant(msg.sender), true);
    }

    /// @dev Notes a consent, and puts the version in force if it was the last one missing.
    function _agree(Version memory present, Change calldata change, uint24 by, bool proposes)
        private
    {
        _requireRegisters(present, change);
        _requireSuppliers(present, change);
        Version memory next = _draft(present, change);
        Differences.Difference memory d = Differences.between(present, next);
        _requireParty(by, d.parties);
        bytes32 content = keccak256(abi.encode(next));
        if (proposes) {
            emit CorrectionProposed(next.station, next.session, by, next.number, content, change);
        }
        if (!hasConsented[content][by]) {
            hasConsented[content][by] = true;
            emit CorrectionConsented(next.station, next.session, by, content);
        }
        uint24[] memory needed = Differences.consents(present, next, d);
        for (uint256 i = 0; i < needed.length; ++i) {
            if (!hasConsented[content][needed[i]]) return;
        }
        _apply(next, content, d);
    }

    /// @dev After the meter has spoken only the assignment is left to agree on.
    function _requireRegisters(Version memory present, Change calldata change) private view {
        if (_marksOf(present.station, present.session) & VERIFIED == 0) return;
        require(keccak256(change.readings) == keccak256(present.readings), MeterHasSpoken());
    }

    /// @dev Who comes into a session is a supplier; who is in it stays in it, whatever its roles are now.
    function _requireSuppliers(Version memory present, Change calldata change) private view {
        for (uint256 i = 0; i < change.assignments.length; ++i) {
            uint24 supplier = change.assignments[i].supplier;
            bool known = REGISTRY.participants(supplier).roles & 1 != 0;
            for (uint256 j = 0; !known && j < present.shares.length; ++j) {
                known = present.shares[j].supplier == supplier;
            }
            require(known, WrongAssignment(i));
        }
    }

    function _requireParty(uint24 participant, uint24[] memory parties) private pure {
        for (uint256 i = 0; i < parties.length; ++i) {
            // slither-disable-next-line incorrect-equality numbers of participants, no balances
            if (parties[i] == participant) return;
        }
        revert NotAParty(participant);
    }
}
