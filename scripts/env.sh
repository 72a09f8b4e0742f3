# Sourced by every script: where the tools are. Nothing of ours is kept outside the checkout.
# shellcheck shell=sh
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/${ROOT_FROM_SCRIPT:-..}" && pwd -P)
cd "$ROOT"

# .build/bin has the native foundry tools and solc; it stands first, because slither brings a "solc" too.
PATH=$ROOT/.build/bin:$ROOT/.venv/bin:$ROOT/node_modules/.bin:$PATH
export PATH
export APE_DATA_FOLDER="$ROOT/.build/ape"
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1
export PYTHONUTF8=1
export SOLCX_BINARY_PATH="$ROOT/.build/solcx"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
