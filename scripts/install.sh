#!/usr/bin/env bash
# Make .venv and install Wattmark with all frameworks and the development tools into it.
# Uses uv where it is (or can be had), since it takes seconds where pip takes minutes.
# Usage: scripts/install.sh [PYTHON]
set -euo pipefail
python=${1:-python3.11}
command -v "$python" >/dev/null || python=python3
cd "$(dirname "$0")/.."
[[ -x .venv/bin/python ]] || "$python" -m venv .venv
.venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "install: Python 3.11 or newer is needed, $("$python" --version) was found" >&2; exit 1; }

what='.[all,dev,loadgen]'
uv=$(command -v uv || true)
if [[ -z $uv ]] && .venv/bin/python -m pip install -q -c constraints.txt uv; then
  uv=.venv/bin/uv
fi
if [[ -n $uv ]]; then
  # uv does not read pip's find-links; a CPU build of torch may lie there. Bytecode: compiled now
  # (as pip does), since every worker process would otherwise spend seconds on it at its start.
  UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}" "$uv" pip install -q \
    --python .venv/bin/python --compile-bytecode -c constraints.txt -e "$what"
else
  .venv/bin/python -m pip install -q -c constraints.txt -e "$what"
fi
