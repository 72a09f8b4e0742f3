"""What the ledger's codes mean, in words that a clerk understands. English here; `locale` has the
German."""

from dataclasses import dataclass

from gridroam.console.language import gettext_noop as _
from gridroam.domain.participants import Role
from gridroam.domain.session import State
from gridroam.index.records import PaymentKind, StationState


@dataclass(frozen=True, slots=True)
class Explanation:
    """Texts to be translated. `tone` is good, warn or bad."""

    title: str
    meaning: str
    advice: str
    tone: str = "warn"


UNKNOWN = Explanation(
    _("Rejected"),
    _("The ledger gave a reason that this version does not know."),
    _("Install the newest version."),
)

REASONS: dict[str, Explanation] = {
    "MALFORMED": Explanation(
        _("Unreadable message"),
        _("What arrived is no message of a station, or was damaged on the way."),
        _("Nothing to do for a supplier. The station operator should look at the station."),
        "bad",
    ),
    "UNKNOWN_STATION": Explanation(
        _("Unknown station"),
        _("No grid operator has approved this station, or it has no valid key at the moment."),
        _(
            "The station operator has the station approved or sets a new key; then the same "
            "message is accepted."
        ),
    ),
    "BAD_SIGNATURE": Explanation(
        _("Wrong signature"),
        _(
            "The message was not signed with the station's key. It may be forged, or the station's "
            "key was changed and the ledger was not told."
        ),
        _("If it repeats, the station operator should check the station's key."),
        "bad",
    ),
    "STATION_BUSY": Explanation(
        _("Station still in use"),
        _("Another session is still open at this station."),
        _("The station ends the earlier session first, or anybody lets it expire."),
    ),
    "SESSION_USED": Explanation(
        _("Sent twice"),
        _(
            "This session's number has been used. As a rule the message simply arrived a second "
            "time, which changes nothing."
        ),
        _("Nothing to do."),
        "quiet",
    ),
    "SESSION_NOT_OPEN": Explanation(
        _("Session not open"),
        _("The report belongs to a session that has not begun, has ended or has expired."),
        _("If energy is missing, settle it with the station operator by a correction."),
    ),
    "REPORT_USED": Explanation(
        _("Sent twice"),
        _("This report has been settled before. It arrived a second time, which changes nothing."),
        _("Nothing to do."),
        "quiet",
    ),
    "REPORT_MISSING": Explanation(
        _("Report missing"),
        _("A report before this one has not arrived yet."),
        _("The station sends the missing report; then this one is accepted."),
    ),
    "TIME_IN_FUTURE": Explanation(
        _("Time in the future"),
        _("The station's clock is ahead of the chain's."),
        _(
            "The same message is accepted once its time has come. The station operator should set "
            "the station's clock."
        ),
    ),
    "TOO_OLD": Explanation(
        _("Too old"),
        _("The message came later than the market allows for catching up."),
        _("If energy is missing, settle it with the station operator by a correction."),
        "bad",
    ),
    "TIME_BACKWARDS": Explanation(
        _("Time runs backwards"),
        _("The message says an earlier time than the station's last reading."),
        _("The station operator should check the station's clock."),
        "bad",
    ),
    "REGISTER_BACKWARDS": Explanation(
        _("Meter runs backwards"),
        _("A register is lower than at the last reading; a meter's register only ever grows."),
        _("The station operator and the grid operator should check the meter."),
        "bad",
    ),
    "WRONG_BOUNDARIES": Explanation(
        _("Quarter hours do not fit"),
        _("The report does not carry one reading for each quarter hour that it covers."),
        _("The station operator should check the station's software."),
        "bad",
    ),
    "POWER_EXCEEDED": Explanation(
        _("More than the station can deliver"),
        _("The energy would need more power than the station is registered for."),
        _("The station operator should check meter and registered power."),
        "bad",
    ),
    "BAD_VEHICLE_SIGNATURE": Explanation(
        _("The vehicle did not sign"),
        _(
            "This vehicle only charges with its own signature, and it was missing or wrong. "
            "Somebody may have copied the vehicle's number."
        ),
        _(
            "If it was the customer: check the key on file for the vehicle. If it was not: nothing "
            "was charged."
        ),
        "bad",
    ),
    "MARKET_PAUSED": Explanation(
        _("The market is paused"),
        _("The market's governance has paused new sessions."),
        _("The driver tries again when the pause is over."),
    ),
    "GRID_OPERATOR_INACTIVE": Explanation(
        _("Grid operator suspended"),
        _("The station's grid operator does not take part in the market at the moment."),
        _("Ask the grid operator or the market's governance."),
    ),
    "STATION_OPERATOR_INACTIVE": Explanation(
        _("Station operator suspended"),
        _("The station's operator does not take part in the market at the moment."),
        _("Ask the station operator or the market's governance."),
    ),
    "NO_GRID_TARIFF": Explanation(
        _("No network tariff"),
        _("The grid operator has published no tariff for this time."),
        _("The grid operator publishes one."),
    ),
    "NO_OPERATOR_TARIFF": Explanation(
        _("No service tariff"),
        _("The station operator has published no tariff for this time."),
        _("The station operator publishes one."),
    ),
    "NO_SUPPLIER": Explanation(
        _("No supplier"),
        _("Nobody supplies this vehicle at that time, and the station has no default supplier."),
        _("The supplier registers the vehicle; the driver tries again."),
    ),
    "SUPPLIER_INACTIVE": Explanation(
        _("Supplier suspended"),
        _("The vehicle's supplier does not take part in the market at the moment."),
        _("The supplier asks the market's governance."),
    ),
    "VEHICLE_BUSY": Explanation(
        _("Vehicle charges elsewhere"),
        _(
            "The same vehicle has an open session at another station. One number cannot be in two "
            "places: it may have been copied, or the other station has not said that it ended."
        ),
        _(
            "Look at the vehicle's other session. It ends by itself when its station reports, or "
            "after the limit for silence."
        ),
    ),
    "SUPPLIER_NOT_COVERED": Explanation(
        _("Not enough cover"),
        _(
            "The supplier's account could not cover the reserve that a new session needs, or it "
            "has open claims."
        ),
        _("Pay in; the driver tries again and is cleared at once."),
        "bad",
    ),
    "GRID_OPERATOR_NOT_COVERED": Explanation(
        _("Grid operator without cover"),
        _(
            "The station can feed back, and the grid operator's account could not cover what it "
            "might have to pay for that."
        ),
        _("The grid operator pays in; the driver tries again."),
    ),
}


def explain(reason: object) -> Explanation:
    """Of a `Reason`."""
    return REASONS.get(getattr(reason, "name", ""), UNKNOWN)


ROLES: dict[Role, str] = {
    Role.SUPPLIER: _("Supplier"),
    Role.GRID_OPERATOR: _("Grid operator"),
    Role.STATION_OPERATOR: _("Station operator"),
}

SESSION_STATES: dict[str, tuple[str, str]] = {
    State.OPEN.name: (_("Open"), "good"),
    "CLOSED": (_("Ended"), "quiet"),
    "SETTLED": (_("Ended"), "quiet"),
    "EXPIRED": (_("Expired"), "warn"),
    "REFUSED": (_("Refused"), "bad"),
    "REJECTED": (_("Refused"), "bad"),
    "SUPERSEDED": (_("Superseded"), "warn"),
}

STATION_STATES: dict[StationState, tuple[str, str]] = {
    StationState.REQUESTED: (_("Waits for approval"), "warn"),
    StationState.WITHOUT_KEY: (_("Without a key"), "bad"),
    StationState.READY: (_("Ready"), "quiet"),
    StationState.CHARGING: (_("In session"), "good"),
    StationState.CLOSED: (_("Closed"), "quiet"),
}

PAYMENTS: dict[PaymentKind, str] = {
    PaymentKind.DEPOSIT: _("Paid in"),
    PaymentKind.WITHDRAWAL: _("Paid out"),
    PaymentKind.COLLECTION: _("Claim collected"),
    PaymentKind.CORRECTION: _("Correction"),
}

LEVELS = ((_("Standard"), ""), (_("High"), "high"), (_("Low"), "low"))
"""By `gridroam.domain.tariff.Level`: a name and a tone."""

ACTS: dict[str, str] = {
    "SessionExpired": _("Expired: the station was silent for too long"),
    "SessionSuperseded": _("Superseded by an opening that the vehicle signed"),
    "SupplierSwitched": _("The vehicle changed its supplier"),
    "SessionDisputed": _("Disputed"),
    "CorrectionProposed": _("Correction proposed"),
    "CorrectionConsented": _("Correction agreed to"),
    "SessionCorrected": _("Corrected"),
    "SessionMeterVerified": _("Confirmed by the meter's own record"),
    "ProofRefused": _("A meter's record was brought and refused"),
}

DISPUTES: dict[int, str] = {
    1: _("The energy is wrong."),
    2: _("It was another vehicle, or another supplier's."),
    3: _("Times or tariff are wrong."),
    4: _("The session never took place."),
    5: _("The meter is wrong."),
}
"""By the contract's reason codes, docs/corrections.md."""

_NOT_SETTLED = _("What was said of the session is not what the ledger settled.")
_SINCE = _("The session stood otherwise by then; the record can be brought again.")
_UNREADABLE = _("The contract cannot read the record.")
PROOFS: dict[str, str] = {
    "BadMeterSignature": _("The signature is not the meter's."),
    "NoMeterKey": _("The station's meter has no key on file."),
    "OtherMeter": _("The record is of another meter."),
    "WrongRecord": _("It is not the record that the station's last report names."),
    "PageUsed": _("A record of this page has proven another session."),
    "WrongSession": _("Registers or clock of the record are of another session."),
    "DirectionMissing": _("The record lacks a direction in which the session has energy."),
    "NotTied": _("Nothing but the station's word ties the record to the session."),
    "StatusNotGood": _("The meter says itself that a reading is not good."),
    "AlreadyVerified": _("The meter had confirmed the session already."),
    "SessionFinal": _("The session was final already."),
    "OnFile": _SINCE,
    "NotPresent": _SINCE,
    **dict.fromkeys(("NotAMessage", "NotInBatch", "IncompleteStory", "NotEnded"), _NOT_SETTLED),
    **dict.fromkeys(
        ("NotOcmf", "UnknownVersion", "KeyTwice", "BadValue", "NoSerial", "NoTransaction"),
        _UNREADABLE,
    ),
    **dict.fromkeys(
        ("ReadingOutOfOrder", "UnknownUnit", "Incomplete", "Backwards", "NotConsecutive"),
        _UNREADABLE,
    ),
}
"""Why a meter's record was refused, by the contract's error."""

PROPOSALS: dict[str, str] = {
    "open": _("Open"),
    "in-force": _("In force"),
    "void": _("Void: something else came first"),
    "lapsed": _("Lapsed: the session is final"),
}


def proof(error: str) -> str:
    return PROOFS.get(error, _("Another reason."))


def dispute(reason: int) -> str:
    return DISPUTES.get(reason, _("Another reason."))


ROLE_NAMES: dict[str, str] = {
    "clerk": _("Clerk"),
    "admin": _("Administrator"),
    "auditor": _("Auditor, read only"),
}
"""Of people."""

SIGN_IN: dict[str, str] = {
    "no-address": _("That is no account: 0x and 40 hexadecimal digits."),
    "wrong-chain": _("The signed text is for another chain."),
    "wrong-nonce": _(
        "The signed text was used before, or was not asked for here. Ask for a new one."
    ),
    "expired": _("The signed text is too old. Ask for a new one."),
    "bad-signature": _("The signature is not that account's."),
    "no-participant": _("That account takes no part in this market."),
    "wrong-state": _(
        "The answer of your company's sign-in does not belong to this browser. Try again."
    ),
    "provider": _("Your company's sign-in could not be reached, or did not sign you in."),
    "bad-token": _("What your company's sign-in says does not hold."),
    "no-rule": _("You are known, but nothing here says for which company you may sign in."),
}

PARTIES: dict[str, str] = {
    "supplier": _("Supplier"),
    "grid_operator": _("Grid operator"),
    "station_operator": _("Station operator"),
}

RECEIPT_CHECKS: dict[str, str] = {
    "messages": _("Every line follows from a signed message."),
    "signatures": _("The station's keys signed them."),
    "proofs": _("Every line leads to a batch's root on the chain."),
    "whole": _("Everything that the chain settled of it is there."),
    "names": _("Station and companies are those on the chain."),
}

_NODE = _("The node did not answer.")
CHECKS: dict[str, dict[str, str]] = {
    "transaction": {
        "proven": _("The transaction is on the chain."),
        "wrong": _("The chain has no such transaction at that block."),
        "unknown": _NODE,
    },
    "calldata": {
        "proven": _("The message stands in its calldata."),
        "wrong": _("The message does not stand in its calldata."),
        "unknown": _(
            "It was submitted through another contract, so its calldata cannot be read here."
        ),
    },
    "unreadable": {
        "proven": _("It cannot be read as a message, which is why it was rejected."),
        "wrong": _("It cannot be read as a message."),
        "unknown": _NODE,
    },
    "digest": {
        "proven": _("Its digest fits."),
        "wrong": _("Its digest is another one."),
        "unknown": _NODE,
    },
    "content": {
        "proven": _("It says what is shown."),
        "wrong": _("It says something else than is shown."),
        "unknown": _NODE,
    },
    "signature": {
        "proven": _("The station's key signed it."),
        "wrong": _("The station's key did not sign it."),
        "unknown": _NODE,
    },
    "vehicle": {
        "proven": _("The vehicle's own key signed it, too."),
        "wrong": _("The vehicle's own key did not sign it."),
        "unknown": _NODE,
    },
    "forged": {
        "proven": _("The station's key did not sign it, which is why it was rejected."),
        "wrong": _("The station's key signed it: it should not have been rejected for that."),
        "unknown": _NODE,
    },
    "no-key": {
        "proven": _("No key of the station fits, which is why it was rejected."),
        "wrong": _("The station's key signed it: it should not have been rejected for that."),
        "unknown": _NODE,
    },
    "rejected": {
        "proven": _("The ledger rejected it for this reason."),
        "wrong": _("The ledger did not reject it for this reason."),
        "unknown": _NODE,
    },
    "cleared": {
        "proven": _("The ledger cleared it for this supplier."),
        "wrong": _("The ledger did not clear it for this supplier."),
        "unknown": _NODE,
    },
    "settled": {
        "proven": _("The ledger settled exactly these amounts."),
        "wrong": _("The ledger settled other amounts."),
        "unknown": _NODE,
    },
    "standing": {
        "proven": _("The corrections contract has exactly this version in force."),
        "wrong": _("The corrections contract has another version in force."),
        "unknown": _NODE,
    },
    "expired": {
        "proven": _("The ledger let it expire."),
        "wrong": _("The ledger did not let it expire."),
        "unknown": _NODE,
    },
    "node": {"proven": "", "wrong": _NODE, "unknown": _NODE},
}
"""By check and finding."""
