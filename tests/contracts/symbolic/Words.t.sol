// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISessions} from "../../../contracts/interfaces/ISessions.sol";
import {Funds} from "../../../contracts/libraries/Funds.sol";
import {Prices} from "../../../contracts/libraries/Prices.sol";
import {Progress, ProgressFields} from "../../../contracts/libraries/Progress.sol";
import {Supply} from "../../../contracts/libraries/Supply.sol";
import {Terms, TermsFields} from "../../../contracts/libraries/Terms.sol";
import {Totals} from "../../../contracts/libraries/Totals.sol";

/// @notice For every value of every field: what is packed into a word comes out again, and a change of one field
/// leaves its neighbours alone. halmos runs these.
contract WordsSymbolic {
    function check_progress_keepsEveryField(
        uint32 number,
        uint32 report,
        uint40 time,
        uint96 reading,
        uint8 state,
        uint8 flags
    ) external view {
        if (state > uint8(type(ISessions.State).max) || flags > 3) return;
        Progress p =
            ProgressFields.pack(number, report, time, reading, ISessions.State(state), flags);
        assert(p.number() == number && p.report() == report && p.time() == time);
        assert(p.reading() == reading && uint8(p.state()) == state);
        assert(p.vehicleSigned() == (flags & 1 != 0) && p.changeKnown() == (flags & 2 != 0));
    }

    function check_progress_changesOneFieldOnly(uint256 word, uint8 state) external pure {
        if (state > uint8(type(ISessions.State).max)) return;
        Progress p = Progress.wrap(word);
        Progress q = p.withState(ISessions.State(state));
        assert(uint8(q.state()) == state);
        assert((Progress.unwrap(q) ^ word) & ~(uint256(0xff) << 240) == 0);
        assert(p.withChange().changeKnown());
        assert((Progress.unwrap(p.withChange()) ^ word) & ~(uint256(2) << 248) == 0);
    }

    function check_terms_keepEveryField(
        uint24 supplier,
        uint24 grid,
        uint24 operator,
        uint16 gridTariff,
        uint16 operatorTariff,
        uint64 supplierReserve,
        uint64 gridReserve
    ) external pure {
        Terms t = TermsFields.pack(
            supplier, grid, operator, gridTariff, operatorTariff, supplierReserve, gridReserve
        );
        assert(t.supplier() == supplier && t.gridOperator() == grid);
        assert(t.stationOperator() == operator && t.gridTariff() == gridTariff);
        assert(t.operatorTariff() == operatorTariff);
        assert(t.supplierReserve() == supplierReserve && t.gridReserve() == gridReserve);
    }

    function check_terms_aNewSupplierChangesNothingElse(
        uint256 word,
        uint24 supplier,
        uint64 reserve
    ) external pure {
        Terms t = Terms.wrap(word);
        Terms u = t.withSupplier(supplier, reserve);
        assert(u.supplier() == supplier && u.supplierReserve() == reserve);
        assert(u.gridOperator() == t.gridOperator() && u.stationOperator() == t.stationOperator());
        assert(u.gridTariff() == t.gridTariff() && u.operatorTariff() == t.operatorTariff());
        assert(u.gridReserve() == t.gridReserve());
    }

    function check_supply_aMoveChangesNoSupplier(
        uint256 word,
        uint32 station,
        uint32 session,
        uint40 time
    ) external pure {
        Supply s = Supply.wrap(word);
        Supply t = s.movedTo(station, session);
        assert(t.station() == station && t.session() == session);
        assert(t.supplierAt(time) == s.supplierAt(time) && t.keyed() == s.keyed());
        assert(t.nextFrom() == s.nextFrom() && t.nextSupplier() == s.nextSupplier());
    }

    /// @dev A payment takes from the balance and adds to what is owed; the reserve stays.
    function check_funds_payTouchesNoReserve(
        uint96 balance,
        uint80 reserved,
        uint80 owed,
        uint96 paid,
        uint80 open
    ) external pure {
        if (paid > balance || uint256(owed) + open > type(uint80).max) return;
        Funds f = _funds(balance, reserved, owed);
        Funds g = f.pay(paid, open);
        assert(g.balance() == balance - paid && g.owed() == uint256(owed) + open);
        assert(g.reserved() == reserved);
    }

    function check_funds_holdAndRelease(uint96 balance, uint80 reserved, uint80 owed, uint64 held)
        external
        pure
    {
        if (uint256(reserved) + held > type(uint80).max) return;
        Funds f = _funds(balance, reserved, owed);
        Funds g = f.hold(held);
        assert(g.balance() == balance && g.owed() == owed && g.reserved() == reserved + held);
        assert(Funds.unwrap(g.release(held)) == Funds.unwrap(f));
    }

    function check_totals_addUp(
        uint256 word,
        uint80 amount,
        uint80 open,
        uint48 importWh,
        uint48 exportWh
    ) external pure {
        if (open > amount || uint80(word >> 80) > uint80(word)) return;
        if (uint256(uint80(word)) + amount > type(uint80).max) return;
        if (uint256(uint48(word >> 160)) + importWh > type(uint48).max) return;
        if (uint256(uint48(word >> 208)) + exportWh > type(uint48).max) return;
        uint256 sum = Totals.unwrap(Totals.wrap(word).add(amount, open, importWh, exportWh));
        assert(uint80(sum) == uint80(word) + amount);
        assert(uint80(sum >> 80) == uint80(word >> 80) + open);
        assert(uint48(sum >> 160) == uint48(word >> 160) + importWh);
        assert(sum >> 208 == (word >> 208) + exportWh);
    }

    /// @dev One level at a time, each price is applied to its own energy, in its own direction.
    function check_prices_eachLevelHasItsPrice(uint256 prices, uint32 taken, uint32 fed)
        external
        pure
    {
        // 32 bits by 32
        unchecked {
            for (uint256 level = 0; level < 3; ++level) {
                uint256 sum = (uint256(taken) << 48 | fed) << 80 * level;
                uint256 importPrice = uint32(prices >> 32 * level);
                int256 exportPrice = int32(uint32(prices >> 96 + 32 * level));
                assert(Prices.wrap(prices).importAmount(sum) == taken * importPrice);
                assert(Prices.wrap(prices).exportAmount(sum) == int256(uint256(fed)) * exportPrice);
            }
        }
    }

    function _funds(uint96 balance, uint80 reserved, uint80 owed) private pure returns (Funds) {
        return Funds.wrap(uint256(balance) | uint256(reserved) << 96 | uint256(owed) << 176);
    }
}
