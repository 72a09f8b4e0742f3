// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A token as it should be, and the ancestor of those that are not.
contract PlainToken {
    uint8 public immutable decimals;
    mapping(address holder => uint256) internal _balances;
    mapping(address holder => mapping(address spender => uint256)) public allowance;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function mint(address to, uint256 units) external {
        _balances[to] += units;
    }

    function approve(address spender, uint256 units) external returns (bool) {
        allowance[msg.sender][spender] = units;
        return true;
    }

    function transfer(address to, uint256 units) external virtual returns (bool) {
        _move(msg.sender, to, units);
        return true;
    }

    function transferFrom(address from, address to, uint256 units) external virtual returns (bool) {
        allowance[from][msg.sender] -= units;
        _move(from, to, units);
        return true;
    }

    function balanceOf(address holder) external view virtual returns (uint256) {
        return _balances[holder];
    }

    function _move(address from, address to, uint256 units) internal virtual {
        _balances[from] -= units;
        _balances[to] += units;
    }
}

/// @notice Keeps one in a hundred for itself.
contract FeeToken is PlainToken(6) {
    function _move(address from, address to, uint256 units) internal override {
        super._move(from, to, units);
        _balances[to] -= units / 100;
    }
}

/// @notice Says no, and moves nothing.
contract RefusingToken is PlainToken(6) {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// @notice Everybody's balance is a share of a sum that may change.
contract RebasingToken is PlainToken(6) {
    uint256 private percent = 100;

    function rebase(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address holder) external view override returns (uint256) {
        return _balances[holder] * percent / 100;
    }

    function _move(address from, address to, uint256 units) internal override {
        super._move(from, to, units * 100 / percent);
    }
}

/// @notice Calls somebody whenever it moves, and remembers whether that worked.
contract ReenteringToken is PlainToken(6) {
    address private target;
    bytes private data;
    bool public tried;
    bool public worked;

    function aim(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
        (tried, worked) = (false, false);
    }

    function _move(address from, address to, uint256 units) internal override {
        super._move(from, to, units);
        if (target == address(0) || tried) return;
        tried = true;
        (worked,) = target.call(data);
    }
}
