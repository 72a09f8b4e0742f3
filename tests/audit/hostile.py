"""Random traffic: sessions as they should be, mixed with everything that should be rejected, and
participants who suspend, rotate, withdraw, reprice and let things expire in between."""

from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field, replace
from random import Random

from eth_account import Account
from traffic import Traffic

from gridroam.chain.records import Session
from gridroam.devnet.members import MarketParticipant, MarketStation
from gridroam.devnet.plan import MarketPlan, ParticipantPlan, StationPlan, VehiclePlan, tariff
from gridroam.domain.participants import Limits, Role
from gridroam.domain.session import State
from gridroam.domain.slots import SLOT
from gridroam.messages import Message, OpenSession, unpack
from gridroam.signatures import SIGNATURE_BYTES, KeyCurve, Signer, key_on

LIMITS = Limits(
    skew=60,
    backlog=4 * 3_600,
    silence=2 * 3_600,
    notice=900,
    reserve_wh=2_000,
    max_price=2_000_000,
    max_session_fee=5_000_000,
)

P256 = KeyCurve.SECP256R1
GRID, OPERATOR = Role.GRID_OPERATOR, Role.STATION_OPERATOR
COAST = tariff(80_000, 120_000, 40_000, export=(60_000, -30_000, 20_000), levels=0x24924924 << 60)
SERVICE = tariff(50_000, session_fee=350_000)

PLAN = MarketPlan(
    participants=(
        ParticipantPlan("rich", Role.SUPPLIER, "", 5_000),
        ParticipantPlan("poor", Role.SUPPLIER, "", 3),
        ParticipantPlan("fallback", Role.SUPPLIER, "", 5),
        ParticipantPlan("coast", GRID, "", 1, {GRID: COAST}),
        ParticipantPlan("town", 7, "", 20, {GRID: COAST, OPERATOR: SERVICE}),
        ParticipantPlan("operator", OPERATOR, "", 0, {OPERATOR: SERVICE}),
        ParticipantPlan("newcomer", OPERATOR, ""),
    ),
    stations=(
        StationPlan("charger", "operator", "coast", "m1", 22_000),
        StationPlan("both-ways", "operator", "coast", "m2", 11_000, 11_000, P256),
        StationPlan("town-operator", "operator", "town", "m3", 22_000, 22_000),
        StationPlan("no-price-yet", "newcomer", "coast", "m1", 11_000),
        StationPlan("town-town", "town", "town", "m4", 50_000, 50_000),
    ),
    vehicles=(
        VehiclePlan("of-rich", "rich"),
        VehiclePlan("of-rich-too", "rich"),
        VehiclePlan("of-poor", "poor"),
        VehiclePlan("of-town", "town", P256),
        VehiclePlan("of-nobody"),
    ),
    default_supply={"operator": "fallback"},
)


@dataclass
class Hostile:
    """Drives one market; what it does follows from the seed alone."""

    traffic: Traffic
    random: Random
    keys: dict[str, Signer] = field(default_factory=dict)
    car_keys: dict[bytes, Signer] = field(default_factory=dict)
    """Of vehicles, by id: what each would sign with."""
    heads: dict[int, Session] = field(default_factory=dict)
    history: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = {name: s.signer for name, s in self.traffic.market.stations.items()}
        cars = self.traffic.market.vehicles.values()
        self.car_keys = {car.id: car.signer for car in cars if car.signer}

    def run(self, batches: int) -> None:
        for _ in range(batches):
            self.traffic.wait(self.random.choice([1, 60, 600, 900, 1_500, 3_600, 9_000]))
            self.act()
            self.batch()
        self.leave()
        self.batch()

    # --------------------------------------------------------------------------------- messages

    def batch(self) -> None:
        """Up to 12 messages, the later ones built on what the earlier ones should have done."""
        stations = self.traffic.market.stations.values()
        self.heads = {s.number: self.traffic.session(s) for s in stations}
        packed = [self.message() for _ in range(self.random.randint(1, 12))]
        if self.random.random() < 0.1:
            self.random.shuffle(packed)
        self.history += packed
        self.traffic.submit(*packed)

    def message(self) -> bytes:
        station = self.random.choice(list(self.traffic.market.stations.values()))
        head = self.heads[station.number]
        message = self.next_message(station, head)
        key = self.keys[station.name]
        if self.random.random() < 0.3:
            return self.wrong(station, message, key)
        self.heads[station.number] = after(head, message)
        return self.signed(station, message, key)

    def signed(self, station: MarketStation, message: Message, key: Signer) -> bytes:
        """By the vehicle, too, where it has something to sign with."""
        car = self.car_keys.get(message.vehicle) if isinstance(message, OpenSession) else None
        return self.traffic.sign(station, message, key, car)

    def next_message(self, station: MarketStation, head: Session) -> Message:
        now = self.traffic.now
        if head.state is not State.OPEN:
            vehicle = self.random.choice(list(self.traffic.market.vehicles.values()))
            late = self.random.choice([0, 0, 0, 600, 3_000])
            time = max(head.time, now - late)
            return self.traffic.opening(station, vehicle.id, head, time=time)
        time = self.random.randint(min(head.time, now), max(head.time, now))
        most = (time - head.time) // 3_600
        return self.traffic.report(
            station,
            self.random.randint(0, station.max_power * most // 2),
            self.random.randint(0, station.max_feed_in * most),
            head,
            time=time,
            last=self.random.random() < 0.3,
        )

    def wrong(self, station: MarketStation, message: Message, key: Signer) -> bytes:
        """One of the ways in which a message cannot be accepted, or only now and then."""
        pick = self.random.choice
        other = pick(list(self.keys.values()))
        raw = self.signed(station, message, key)
        bytes_wrong: list[Callable[[], bytes]] = [
            lambda: pick([b"", raw[:-1], b"\x07" + raw[1:], raw + bytes(12)]),
            lambda: flipped(raw, self.random),
            lambda: raw[:-1] + bytes([pick([0, 1, 26, 29])]),
            lambda: bytes([raw[0] ^ pick([0x10, 0x20, 0x40, 0x80])]) + raw[1:],
            lambda: other_s(raw),
            lambda: self.traffic.sign(station, message, key),
            lambda: self.signed(station, message, other),
            lambda: pick(self.history or [raw]),
        ]
        if self.random.random() < 0.4:
            return pick(bytes_wrong)()
        return self.signed(station, self.with_wrong_field(message), key)

    def with_wrong_field(self, message: Message) -> Message:
        pick, now = self.random.choice, self.traffic.now
        changes: list[dict[str, object]] = [
            {"station": pick([0, 99])},
            {"session": max(0, message.session + pick([-1, 1, 2]))},
            {"time": pick([now + 40, now + 1_000, max(0, message.time - 40_000)])},
            {"import_register": max(0, message.import_register - pick([1, 1_000]))},
            {"export_register": message.export_register + pick([1, 10, 10**6])},
        ]
        if isinstance(message, OpenSession):
            changes.append({"vehicle": self.random.randbytes(32)})
        else:
            changes.append({"report": max(0, message.report + pick([-1, 1]))})
            changes.append({"boundaries": message.boundaries[1:]})
            changes.append({"boundaries": (*message.boundaries, (1, 1))})
        return replace(message, **pick(changes))  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------- acts

    def act(self) -> None:
        """Something that a participant, governance or anybody may do, allowed or not."""
        acts = [
            self.suspend,
            self.reinstate,
            self.reinstate,
            self.rotate_or_revoke,
            self.deposit,
            self.withdraw,
            self.withdraw,
            self.collect,
            self.expire,
            self.publish,
            self.change_vehicle,
            self.change_on_the_road,
            self.change_on_the_road,
            self.change_vehicle_key,
            self.change_vehicle_key,
            self.change_meter_key,
            self.pause,
            self.change_default_supply,
            self.change_limits,
        ]
        self.random.choice(acts)()

    def leave(self) -> None:
        """What cannot be taken back: a station closes, an account moves, a role goes."""
        self.traffic.wait(LIMITS.silence + 1)
        self.expire()
        market = self.traffic.market
        closed, grid = market.stations["charger"], market.participants["coast"]
        self.traffic.act(grid.key, "Registry", "closeStation", closed.number)
        heir = Account.from_key(self.random.randbytes(32)).address
        self.traffic.act(market.participants["rich"].key, "Registry", "moveAccount", heir)
        self.traffic.govern("Registry", "setRoles", market.participants["town"].number, 6)

    def someone(self) -> MarketParticipant:
        return self.random.choice(list(self.traffic.market.participants.values()))

    def suspend(self) -> None:
        self.traffic.govern("Registry", "suspend", self.someone().number)

    def reinstate(self) -> None:
        for participant in self.traffic.market.participants.values():
            if not self.traffic.ledger.participant(participant.number).active:
                self.traffic.govern("Registry", "reinstate", participant.number)

    def rotate_or_revoke(self) -> None:
        station = self.random.choice(list(self.traffic.market.stations.values()))
        operator = self.participant(station.operator)
        if self.random.random() < 0.3:
            self.traffic.act(operator.key, "Registry", "revokeStationKey", station.number)
        until = self.traffic.now + self.random.choice([0, 0, -3_600, 900])
        if self.random.random() < 0.2:
            retirement = "retireStationKey", station.number, until
            self.traffic.act(operator.key, "Registry", *retirement)
        key = self.new_key()
        rotation = "rotateStationKey", station.number, key.address, until
        self.traffic.act(operator.key, "Registry", *rotation)
        if self.random.random() < 0.7:
            self.keys[station.name] = key

    def new_key(self) -> Signer:
        return key_on(self.random.choice(list(KeyCurve)), self.random.randbytes(32))

    def deposit(self) -> None:
        self.traffic.deposit(self.someone().number, self.random.choice([1, 20, 500]))

    def withdraw(self) -> None:
        who = self.someone()
        balance = self.traffic.ledger.account(who.number).balance
        amount = self.random.choice([balance, balance // 2, 10**9])
        self.traffic.act(who.key, "Vault", "withdraw", amount, who.address)

    def collect(self) -> None:
        numbers = [p.number for p in self.traffic.market.participants.values()]
        for payer in numbers:
            if self.traffic.ledger.account(payer).owed:
                for payee in numbers:
                    self.traffic.govern("Ledger", "collect", payer, payee)

    def expire(self) -> None:
        for station in self.traffic.market.stations.values():
            self.traffic.govern("Ledger", "expire", station.number)

    def publish(self) -> None:
        sellers = ["coast", "coast", "town", "operator", "operator", "newcomer"]
        who = self.traffic.market.participants[self.random.choice(sellers)]
        role = self.random.choice([GRID, OPERATOR])
        base = COAST if role is GRID else SERVICE
        start = self.traffic.now // SLOT * SLOT + self.random.choice([1, 2, 3]) * SLOT
        changed = replace(
            base,
            import_standard=self.random.randint(0, 200_000),
            export_low=self.random.randint(-50_000, 50_000) if role is GRID else 0,
            valid_from=start,
        )
        self.traffic.act(who.key, "Registry", "publishTariff", int(role), astuple(changed))

    def change_vehicle(self) -> None:
        vehicle = self.random.choice(list(self.traffic.market.vehicles.values())).id
        now = self.traffic.now
        last = self.traffic.ledger.vehicle(vehicle)
        holder = (last.next_supplier if last.next_from else last.supplier) or self.someone().number
        owner, heir = self.participant(holder), self.someone()
        soon = now // SLOT * SLOT + SLOT
        how = self.random.choice(["offer", "offer", "register", "register", "release"])
        if how == "offer":
            self.traffic.act(owner.key, "Ledger", "offerVehicles", [vehicle], heir.number, soon)
            self.traffic.act(heir.key, "Ledger", "acceptVehicles", [vehicle])
        elif how == "release":
            self.traffic.act(owner.key, "Ledger", "releaseVehicles", [vehicle], soon)
        else:
            start = self.random.choice([soon - SLOT, soon])
            plan = self.random.choice(PLAN.vehicles)
            commitments = [plan.commitment]
            self.traffic.act(heir.key, "Ledger", "registerVehicles", commitments, start)

    def change_on_the_road(self) -> None:
        """Of a car that is charging, if there is one, while it does."""
        for car in self.traffic.market.vehicles.values():
            known = self.traffic.ledger.vehicle(car.id)
            session = known.station and self.traffic.ledger.session(known.station)
            if session and session.state is State.OPEN and session.number == known.session:
                holder = known.next_supplier if known.next_from else known.supplier
                heir = self.traffic.market.participants[self.random.choice(["rich", "poor"])]
                soon = self.traffic.now // SLOT * SLOT + SLOT
                offer = "offerVehicles", [car.id], heir.number, soon
                if holder:
                    self.traffic.act(self.participant(holder).key, "Ledger", *offer)
                    self.traffic.act(heir.key, "Ledger", "acceptVehicles", [car.id])
                return

    def change_vehicle_key(self) -> None:
        car = self.random.choice(list(self.traffic.market.vehicles.values())).id
        now = self.traffic.now
        holder = self.traffic.ledger.supplier_at(car, now)
        if not holder:
            return
        owner, how = self.participant(holder), self.random.random()
        if how < 0.3:
            self.traffic.act(owner.key, "Ledger", "revokeVehicleKeys", [car])
        elif how < 0.5:
            self.traffic.act(owner.key, "Ledger", "clearVehicleKeys", [car])
            self.car_keys.pop(car, None)
        key, start = self.new_key(), now + self.random.choice([-600, 0, 600])
        self.traffic.act(owner.key, "Ledger", "setVehicleKeys", [car], [key.address], start)
        if self.random.random() < 0.9:
            self.car_keys[car] = key

    def change_meter_key(self) -> None:
        plan = self.random.choice(PLAN.stations)
        owner = self.traffic.market.participants[plan.grid_operator]
        words = (self.random.randbytes(32) for _ in range(3))
        key = (self.random.choice([1, 2, 3]), *words)
        self.traffic.act(owner.key, "Registry", "setMeterKey", plan.meter_id, key)
        if self.random.random() < 0.3:
            self.traffic.act(owner.key, "Registry", "revokeMeterKey", plan.meter_id)

    def pause(self) -> None:
        """For one batch."""
        self.traffic.govern("Registry", "pause")
        self.batch()
        self.traffic.govern("Registry", "unpause")

    def change_default_supply(self) -> None:
        market = self.traffic.market.participants
        supplier, operator = market[self.random.choice(["fallback", "rich"])], market["operator"]
        offered = self.random.random() < 0.6
        offer = "offerDefaultSupply", operator.number, offered
        self.traffic.act(supplier.key, "Registry", *offer)
        number = supplier.number
        self.traffic.act(operator.key, "Registry", "setDefaultSupplier", number)

    def change_limits(self) -> None:
        reserve = self.random.choice([0, 2_000, 20_000])
        limits = asdict(LIMITS) | {"reserve_wh": reserve, "skew": self.random.choice([0, 60])}
        self.traffic.govern("Registry", "setLimits", tuple(limits.values()))

    def participant(self, number: int) -> MarketParticipant:
        found = self.traffic.market.participants.values()
        return next(p for p in found if p.number == number)


def after(head: Session, message: Message) -> Session:
    """The session if the message is accepted."""
    read = {name: getattr(message, name) for name in ("time", "import_register", "export_register")}
    if isinstance(message, OpenSession):
        return replace(head, number=message.session, report=0, state=State.OPEN, **read)
    state = State.CLOSED if message.last else State.OPEN
    return replace(head, report=message.report, state=state, **read)


def flipped(raw: bytes, random: Random) -> bytes:
    """With one bit changed somewhere."""
    bit = random.randrange(8 * len(raw))
    return bytes(b ^ (1 << bit % 8 if i == bit // 8 else 0) for i, b in enumerate(raw))


def other_s(raw: bytes) -> bytes:
    """With the other signature that the curve allows: on secp256k1 the ledger does not."""
    signed = unpack(raw)
    if len(signed.signature) != SIGNATURE_BYTES:
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    else:
        order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    r, s, end = signed.signature[:32], signed.signature[32:64], signed.signature[64:]
    if len(end) == 1:
        end = bytes([end[0] ^ 7])
    other = order - int.from_bytes(s, "big")
    return replace(signed, signature=r + other.to_bytes(32, "big") + end).pack()
