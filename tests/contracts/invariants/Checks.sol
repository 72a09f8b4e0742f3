// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../../contracts/interfaces/IAccounts.sol";
import {ICorrections} from "../../../contracts/interfaces/ICorrections.sol";
import {ISessions} from "../../../contracts/interfaces/ISessions.sol";
import {Amendments} from "./Amendments.sol";

/// @notice The invariants by their numbers in docs/invariants.md.
abstract contract Checks is Amendments {
    function check01_zeroSum() external view {
        uint256 sum;
        for (uint24 p = 1; p <= participants(); ++p) {
            sum += ledger.accounts(p).balance;
        }
        assertEq(sum, ledger.totalBalance(), "1: sum of balances");
        assertEq(sum, deposited - withdrawn, "1: deposits less withdrawals");
    }

    function check02_vaultHoldsIt() external view {
        uint256 held = euro.balanceOf(address(vault)) * 1000;
        assertTrue(held >= ledger.totalBalance(), "2: the vault holds too little");
        assertEq(held, ledger.totalBalance() + donated, "2: tokens that nobody brought");
    }

    function check03_noAccountBelowZero() external view {
        for (uint24 p = 1; p <= participants(); ++p) {
            assertTrue(companies[p].balance >= 0, "3: below zero");
            assertEq(
                int256(uint256(ledger.accounts(p).balance)), companies[p].balance, "3: balance"
            );
        }
    }

    function check04_openClaims() external view {
        for (uint24 payer = 1; payer <= participants(); ++payer) {
            uint256 open;
            for (uint24 payee = 1; payee <= participants(); ++payee) {
                IAccounts.Pair memory pair = ledger.pairs(payer, payee);
                assertEq(pair.amount, between[payer][payee].posted, "4: posted");
                assertEq(pair.claim, between[payer][payee].claim, "4: claim");
                assertTrue(pair.claim <= pair.amount, "4: more open than posted");
                if (payer == payee) assertEq(pair.claim, 0, "4: owes itself");
                open += pair.claim;
            }
            assertEq(ledger.accounts(payer).owed, open, "4: owed");
        }
    }

    function check05_balancesArePostings() external view {
        for (uint24 p = 1; p <= participants(); ++p) {
            int256 balance = companies[p].brought;
            for (uint24 q = 1; q <= participants(); ++q) {
                if (q != p) balance += paid(q, p) - paid(p, q);
            }
            assertEq(int256(uint256(ledger.accounts(p).balance)), balance, "5: balance");
        }
    }

    function check06_energyOfPairs() external view {
        for (uint24 payer = 1; payer <= participants(); ++payer) {
            for (uint24 payee = 1; payee <= participants(); ++payee) {
                energyOf(payer, payee);
            }
        }
    }

    function check07_registersRunForwards() external view {
        for (uint32 n = 1; n <= registry.stationCount(); ++n) {
            ISessions.Session memory s = ledger.sessions(n);
            assertEq(s.number, lastNumber[n], "7: session number");
            assertEq(s.time, last[n].time, "7: time");
            assertEq(s.importRegister, last[n].imported, "7: import register");
            assertEq(s.exportRegister, last[n].exported, "7: export register");
            assertTrue(s.touched <= block.timestamp, "7: touched");
        }
    }

    function check08_reserves() external view {
        uint256[] memory sums = new uint256[](participants() + 1);
        for (uint32 n = 1; n <= registry.stationCount(); ++n) {
            ISessions.Session memory s = ledger.sessions(n);
            bool held = s.state == ISessions.State.Open || s.state == ISessions.State.Superseded;
            if (!held) continue;
            sums[s.supplier] += s.supplierReserve;
            sums[s.gridOperator] += s.gridReserve;
        }
        for (uint24 p = 1; p <= participants(); ++p) {
            assertEq(ledger.accounts(p).reserved, sums[p], "8: reserved");
            assertEq(int256(sums[p]), companies[p].reserved, "8: reserves of the ghost");
        }
    }

    function check09_journals() external view {
        for (uint24 p = 1; p <= participants(); ++p) {
            assertEq(bytes32(ledger.journals(p).head), companies[p].head, "9: head");
            assertEq(ledger.journals(p).count, companies[p].entries, "9: count");
        }
    }

    function check10_batchRoots() external view {
        assertEq(ledger.batchCount(), roots.length, "10: batches");
        for (uint64 i = 1; i <= roots.length; ++i) {
            assertEq(ledger.batchRoot(i), roots[i - 1], "10: root");
        }
        assertEq(ledger.batchRoot(uint64(roots.length) + 1), bytes32(0), "10: no batch");
    }

    function check11_vehicleInOneSession() external view {
        for (uint256 i = 0; i < runs.length; ++i) {
            if (!runs[i].open || !runs[i].registered || runs[i].superseded) continue;
            for (uint256 j = 0; j < i; ++j) {
                bool both = runs[j].open && runs[j].registered && !runs[j].superseded;
                assertFalse(
                    both && runs[j].opening.vehicle == runs[i].opening.vehicle, "11: vehicle"
                );
            }
        }
    }

    function check12_termsArePinned() external view {
        for (uint32 n = 1; n <= registry.stationCount(); ++n) {
            ISessions.Session memory s = ledger.sessions(n);
            bool superseded = s.state == ISessions.State.Superseded;
            bool open = s.state == ISessions.State.Open || superseded;
            assertTrue(open == (running[n] != 0), "12: open");
            if (running[n] == 0) continue;
            assertTrue(superseded == runs[running[n] - 1].superseded, "12: superseded");
            pinned(runs[running[n] - 1], s);
        }
    }

    /// @dev The ghost's files change by what it has allowed only, and it allows nothing that is final.
    function check27_finalSessionsStay() external view {
        for (uint256 i = 0; i < amended.length; ++i) {
            Run storage run = runs[amended[i]];
            ICorrections.Standing memory s =
                corrections.standings(run.opening.station, run.opening.session);
            File storage f = files[amended[i]];
            assertEq(s.content, keccak256(f.version), "27: content");
            assertTrue(s.disputed == f.disputed, "27: disputed");
            assertFalse(s.verified, "27: verified by no meter");
        }
    }

    /// @dev That each was put in force once is asserted where it happens.
    function check29_versionsGoUp() external view {
        for (uint256 i = 0; i < amended.length; ++i) {
            Run storage run = runs[amended[i]];
            ICorrections.Version memory v = presentOf(amended[i]);
            ICorrections.Standing memory s =
                corrections.standings(run.opening.station, run.opening.session);
            assertEq(s.version, v.number, "29: version");
            assertTrue(v.time <= block.timestamp, "29: a version of the future");
            if (v.number == 1) continue;
            ICorrections.Version memory before =
                abi.decode(files[amended[i]].before, (ICorrections.Version));
            assertEq(v.number, before.number + 1, "29: number");
            assertTrue(v.time > before.time, "29: time");
        }
    }

    function check30_postedIsWhatPresentVersionsCost() external view {
        for (uint24 p = 1; p <= participants(); ++p) {
            for (uint24 q = 1; q < p; ++q) {
                int256 there = int256(uint256(ledger.pairs(p, q).amount));
                int256 back = int256(uint256(ledger.pairs(q, p).amount));
                assertEq(there - back, net[p][q], "30: posted on balance");
            }
        }
    }

    // --------------------------------------------------------------------------------------------- Helpers

    function paid(uint24 payer, uint24 payee) private view returns (int256) {
        IAccounts.Pair memory pair = ledger.pairs(payer, payee);
        return int256(uint256(pair.amount)) - int256(uint256(pair.claim));
    }

    /// @dev Import counts behind network charge and service fee, export behind the feed-in of either sign.
    function energyOf(uint24 payer, uint24 payee) private view {
        IAccounts.Pair memory pair = ledger.pairs(payer, payee);
        uint256 imported;
        uint256 exported;
        for (uint256 i = 0; i < runs.length; ++i) {
            Run storage run = runs[i];
            (uint24 grid, uint24 operator) = (run.station.gridOperator, run.station.operator);
            // its supplier may have changed on the road
            if (grid == payee) imported += energies[i][payer].imported;
            if (operator == payee) imported += energies[i][payer].imported;
            if (grid == payee) exported += energies[i][payer].exported;
            if (grid == payer && payer != payee) exported += energies[i][payee].exported;
        }
        assertEq(pair.importWh, imported, "6: import");
        uint256 other = payer == payee ? 0 : ledger.pairs(payee, payer).exportWh;
        assertEq(pair.exportWh + other, exported, "6: export");
    }

    function pinned(Run storage run, ISessions.Session memory s) private view {
        assertEq(s.supplier, run.supplier, "12: supplier");
        assertEq(s.gridOperator, run.station.gridOperator, "12: grid operator");
        assertEq(s.stationOperator, run.station.operator, "12: station operator");
        uint256 flags = (run.signed ? 1 : 0) + (run.changeAt == 0 ? 0 : 2);
        assertEq(s.flags, flags, "12: flags");
        assertEq(s.gridTariff, run.gridTariff, "12: grid operator's tariff");
        assertEq(s.operatorTariff, run.operatorTariff, "12: station operator's tariff");
        assertEq(s.supplierReserve, run.supplierReserve, "12: supplier's reserve");
        assertEq(s.gridReserve, run.gridReserve, "12: grid operator's reserve");
        assertEq(s.report, run.reports, "12: reports");
    }

    function participants() private view returns (uint24) {
        return registry.participantCount();
    }
}
