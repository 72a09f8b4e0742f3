# Sourced by every script, or by a shell that wants the tools: where they are. Nothing of ours is
# kept outside the checkout.
# shellcheck shell=sh
ROOT=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE:-$0}")/.." && pwd -P)
cd "$ROOT"

# Ours is .local: .build is ape's, which copies all of it whenever it compiles.
# .local/bin has the native foundry tools and solc; it stands first, because slither brings a "solc" too.
PATH=$ROOT/.local/bin:$ROOT/.venv/bin:$ROOT/node_modules/.bin:$PATH
export PATH
export APE_DATA_FOLDER="$ROOT/.local/ape"
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1
export PYTHONUTF8=1
export SOLCX_BINARY_PATH="$ROOT/.local/solcx"
export VIRTUAL_ENV="$ROOT/.venv"
unset PYTHONHOME PYTHONPATH
