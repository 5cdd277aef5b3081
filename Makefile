# make run     set up .venv, then the quick start: a small model trained on real conversations
# make test    set up .venv, then the whole test suite
# make check   lint, formatting, types and the fast tests
# make bench   the figures, each measured side by side with what it is compared to
# make lock    write requirements.lock from what is installed in .venv
# make setup   only make .venv

.PHONY: setup run test check bench lock

setup:
	@PYTHON="$(PYTHON)" tools/setup.sh

run: setup
	@n=1; while [ -e runs/quickstart-$$n ]; do n=$$((n + 1)); done; \
	.venv/bin/kitchen run recipes/sft.yaml --run-dir runs/quickstart-$$n

test: setup
	.venv/bin/pytest

check: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/pytest -m "not slow and not device"

bench: setup
	.venv/bin/python -m tools.bench

lock: setup
	.venv/bin/python tools/lock.py
