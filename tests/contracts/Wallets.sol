// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A contract that owns a participant's account (ERC-1271): it agrees to one digest.
contract AgreeingWallet {
    mapping(bytes32 digest => bool) public agrees;

    function agree(bytes32 digest) external {
        agrees[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return agrees[digest] ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

/// @notice Answers with more than anybody wants to copy.
contract BombingWallet {
    fallback() external {
        assembly ("memory-safe") {
            return(0, 1000000)
        }
    }
}

/// @notice Burns all the gas it is given.
contract BurningWallet {
    fallback() external {
        while (true) {}
    }
}

/// @notice Calls back into whoever asks.
contract ReenteringWallet {
    address private immutable TARGET;
    bytes private data;

    constructor(address target) {
        TARGET = target;
    }

    function arm(bytes calldata data_) external {
        data = data_;
    }

    fallback() external {
        (bool done,) = TARGET.call(data);
        require(done, "not let in");
    }
}
