// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice A euro for devnets that anybody may mint. Worth nothing.
contract TestEuro is ERC20Permit {
    constructor() ERC20("Test Euro", "TEUR") ERC20Permit("Test Euro") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 units) external {
        _mint(to, units);
    }
}
