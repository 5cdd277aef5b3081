#!/bin/sh
# tools/setup.sh VENV LOCK: make VENV from LOCK, and put kitchen into it if the lock has torch.
# Does nothing if that was done before.
set -eu
cd "$(dirname "$0")/.."
venv=$1 lock=$2

stamp=$venv/made-from
with_kitchen=pyproject.toml
grep -q '^torch==' "$lock" || with_kitchen=
# shellcheck disable=SC2086
key=$(cat "$lock" $with_kitchen | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

fail() {
    echo "setup: $1" >&2
    exit 1
}

python=${PYTHON:-}
if [ -z "$python" ]; then
    for name in python3.11 python3; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys' 2>/dev/null; then
            python=$name
            break
        fi
    done
fi
[ -n "$python" ] || fail "no python3.11 on the PATH; install it, or name one: make PYTHON=/path/to/python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "\`$python\` is older than Python 3.11 or does not start; name another: make PYTHON=/path/to/python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "\`$python\` has no venv module; on Debian and Ubuntu: apt-get install python3.11-venv"

"$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv"
echo "setup: installing $lock into $venv"
# --no-deps: the lock is complete, and nothing may bring in another build of torch.
if [ -z "$with_kitchen" ]; then
    # What is not compiled now is when it is first imported, of much of this never.
    "$venv/bin/python" -m pip install --quiet --no-deps --no-compile --requirement "$lock"
    echo "$key" >"$stamp"
    exit 0
fi
"$venv/bin/python" -m pip install --quiet --no-deps --requirement "$lock"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
"$venv/bin/python" -c 'import torch' ||
    fail "torch does not start: a CUDA build comes without its libraries here; let pip find a CPU build (PIP_EXTRA_INDEX_URL)"
# pip compiles what it installs, but not what it leaves in its place.
"$venv/bin/python" -m compileall -q kitchen
echo "$key" >"$stamp"
