// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reason} from "../../../contracts/interfaces/Reason.sol";
import {Assertions} from "../Assertions.sol";
import {Administration} from "./Administration.sol";
import {Handler} from "./Handler.sol";

/// @notice What must always hold, by its number in docs/invariants.md, whatever anybody does.
contract InvariantsTest is Assertions {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    event Reached(string what, uint256 times);

    Handler private market;

    function setUp() public {
        market = new Handler();
        market.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(market);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(market), actions());
    }

    function actions() private pure returns (bytes4[] memory list) {
        list = new bytes4[](18); // what makes the rest possible comes twice
        list[0] = Handler.open.selector;
        list[1] = Handler.charge.selector;
        list[2] = Handler.finish.selector;
        list[3] = Handler.several.selector;
        list[4] = Handler.cheat.selector;
        list[5] = Handler.replay.selector;
        list[6] = Handler.garbage.selector;
        list[7] = Handler.elsewhere.selector;
        list[8] = Handler.expire.selector;
        list[9] = Administration.money.selector;
        list[10] = Administration.govern.selector;
        list[11] = Administration.manage.selector;
        list[12] = Administration.maintain.selector;
        list[13] = Handler.rescue.selector;
        list[14] = Handler.open.selector;
        list[15] = Handler.finish.selector;
        list[16] = Handler.amend.selector;
        list[17] = Handler.amend.selector;
    }

    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 125
    function invariant_all_hold() public view {
        market.check01_zeroSum();
        market.check02_vaultHoldsIt();
        market.check03_noAccountBelowZero();
        market.check04_openClaims();
        market.check05_balancesArePostings();
        market.check06_energyOfPairs();
        market.check07_registersRunForwards();
        market.check08_reserves();
        market.check09_journals();
        market.check10_batchRoots();
        market.check11_vehicleInOneSession();
        market.check12_termsArePinned();
        market.check27_finalSessionsStay();
        market.check29_versionsGoUp();
        market.check30_postedIsWhatPresentVersionsCost();
    }

    // ---------------------------------------------------------------------------------------------- Coverage

    /// @dev The invariants say something only if things happen. One long run, the same every time.
    function test_actions_reach_everything() public {
        vm.pauseGasMetering();
        uint256 seed = uint256(keccak256("a market's year"));
        bytes4[] memory list = actions();
        for (uint256 i = 0; i < 1500; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes4 action = list[(seed >> 128) % list.length];
            bytes memory data = action == Handler.garbage.selector
                ? abi.encodeCall(Handler.garbage, (abi.encode(seed)))
                : abi.encodeWithSelector(action, seed);
            (bool done, bytes memory problem) = address(market).call(data);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(problem, 32), mload(problem))
                }
            }
        }
        reached("cleared", 80);
        reached("refused", 80);
        reached("settled", 150);
        reached("closed", 80);
        reached("expired", 10);
        reached("rejected", 150);
        reached("claim opened", 10);
        reached("collected", 5);
        reached("deposited", 20);
        reached("withdrawn", 5);
        reached("published", 3);
        reached("supply changed", 5);
        reached("car key set", 5);
        reached("superseded", 1);
        reached("switched", 1);
        reached("split", 1);
        reached("retired", 2);
        reached("disputed", 5);
        reached("corrected", 20);
        reached("too late", 5);
        for (uint8 r = 0; r <= uint8(type(Reason).max); ++r) {
            // a tariff once published is in force for ever
            if (Reason(r) == Reason.NoGridTariff || Reason(r) == Reason.NoOperatorTariff) continue;
            assertTrue(market.given(Reason(r)) != 0, string.concat("reason ", vm.toString(r)));
        }
        invariant_all_hold();
    }

    function reached(string memory what, uint256 least) private {
        uint256 times = market.times(what);
        emit Reached(what, times);
        assertTrue(times >= least, string.concat(what, " ", vm.toString(times)));
    }
}
