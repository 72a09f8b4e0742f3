"""What a record says by the rules of docs/evidence.md, with a JSON library and no cleverness."""

import json
import re
from decimal import Decimal
from typing import Any

RANKS = {
    "01": (0, 0),
    "B0": (0, 0),
    "B2": (0, 1),
    "B1": (0, 2),
    "98": (0, 2),
    "B3": (0, 3),
    "02": (1, 0),
    "C0": (1, 0),
    "C2": (1, 1),
    "C1": (1, 2),
    "C3": (1, 3),
}
CODE = re.compile(
    r"0?1-[0-9A-F]{1,2}:([0-9A-F]{1,2})\.0?8\.00?(?:[.*](?:FF|255|0FF))?", re.IGNORECASE
)
CARRIED = ("TM", "TX", "RI", "RU", "EF", "ST")


class RefusedError(Exception):
    pass


def require(condition: Any) -> None:
    if not condition:
        raise RefusedError


def read(payload: str) -> tuple[int, int, int, int]:
    """Page, first and last reading, directions; of one record with both ends."""
    # a bare word is a string to it, whether it is a number, one of the three of JSON, or none
    quoted = re.sub(r'"[^"]*"|[\w.+-]+', lambda m: f'"{m[0].strip(chr(34))}"', payload)
    try:
        fields = json.loads(quoted, object_pairs_hook=_once)
    except ValueError as error:
        raise RefusedError from error
    require(isinstance(fields, dict))
    require(str(fields.get("FV", "1.")).startswith("1."))
    require(re.fullmatch(r"T\d+", str(fields.get("PG"))))
    require(fields.get("MS") or fields.get("GS"))
    require(isinstance(fields.get("RD"), list))
    before: dict[str, Any] = {}
    registers: list[dict[str, Any]] = [{}, {}]
    for reading in fields["RD"]:
        require(isinstance(reading, dict))
        before |= {k: v for k, v in reading.items() if k in CARRIED}
        _take(before | {"RV": reading.get("RV")}, registers)
    return _result(int(fields["PG"][1:]), registers)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len({key for key, _ in pairs}) == len(pairs))
    return dict(pairs)


def _take(reading: dict[str, Any], registers: list[dict[str, Any]]) -> None:
    match = CODE.fullmatch(str(reading.get("RI", "")))
    direction, rank = RANKS.get(match[1].upper().rjust(2, "0"), (2, 0)) if match else (2, 0)
    if direction == 2:
        return
    require(reading.get("ST") == "G" and reading.get("TX") != "X")
    require(reading.get("EF", "") in {"", "t"})
    register = registers[direction]
    if register and rank != register["rank"]:
        if rank > register["rank"]:
            return
        register.clear()
    if reading.get("TX") == "B":
        require(not register)
        register |= {"begin": _wh(reading), "rank": rank}
    elif reading.get("TX") in set("ELRAP"):
        require(register and "end" not in register)
        register["end"] = _wh(reading)


def _wh(reading: dict[str, Any]) -> int:
    text = reading["RV"]
    require(isinstance(text, str) and re.fullmatch(r" *\d+(\.\d+)?", text))
    factor = {"kWh": 1000, "Wh": 1}.get(str(reading.get("RU")))
    require(factor)
    return int(Decimal(text.strip()) * (factor or 0))


def _result(page: int, registers: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    first = last = directions = 0
    for direction, register in enumerate(registers):
        if register:
            require("end" in register and register["begin"] <= register["end"] < 1 << 48)
            shift = 48 * (1 - direction)
            first |= register["begin"] << shift
            last |= register["end"] << shift
            directions |= 1 << direction
    require(directions)
    return page, first, last, directions
