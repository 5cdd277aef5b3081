# make run     set up .venv, then the quick start: a very small model learns to add
# make test    set up .venv and two Airflows, then the whole test suite
# make check   lint, formatting, types and the fast tests
# make bench   the figures, each measured side by side with what it is compared to
# make lock    write the locks from what is installed in .venv and .venv-*
# make setup   only make .venv

.PHONY: setup airflow run test check bench lock

setup:
	@PYTHON="$(PYTHON)" tools/setup.sh .venv requirements.lock

# Airflow in environments of its own: the current release, and the last of 2.x.
airflow:
	@PYTHON="$(PYTHON)" tools/setup.sh .venv-airflow requirements-airflow.lock
	@PYTHON="$(PYTHON)" tools/setup.sh .venv-airflow2 requirements-airflow2.lock

run: setup
	@n=1; while [ -e runs/quickstart-$$n ]; do n=$$((n + 1)); done; \
	.venv/bin/kitchen run recipes/quickstart.yaml --run-dir runs/quickstart-$$n

# The tests of a file stay in one process: some share what took long to make.
test: setup airflow
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/pytest -m "not slow and not device"

bench:
	@PYTHON="$(PYTHON)" tools/setup.sh .venv-bench requirements-bench.lock
	.venv-bench/bin/python -m tools.bench

# Not after `setup`, which would put the old versions back.
lock:
	for name in dev:.venv bench:.venv-bench; do \
	    python=$${name#*:}/bin/python; [ -x $$python ] || continue; \
	    $$python -m pip install --quiet --no-deps --no-build-isolation --editable . && \
	    $$python tools/lock.py $${name%%:*} || exit 1; \
	done
	for name in airflow airflow2; do \
	    [ ! -x .venv-$$name/bin/python ] || .venv-$$name/bin/python tools/lock.py $$name || exit 1; \
	done
