# Two commands: `make up` (a prediction from a local Azure) and `make test`. The rest is for people who change azml.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
REQUEST := samples/diabetes/sample-request.json
azml := .venv/bin/azml
# Container images often set it: every command would then compile again what it imports, a third of its time.
unexport PYTHONDONTWRITEBYTECODE
venv := .venv/.installed

.PHONY: up destroy test check demo-release demo-containers bench soak witness accept lock wheel demo-policy demo-preview clean help

up: $(venv)  ## Everything: environment, engine, local Azure, `pulumi up`, one prediction.
	@$(azml) up --local --request $(REQUEST)

destroy: $(venv)  ## Take the local stack down; `make up` makes it again.
	@$(azml) destroy --local

test: $(venv)  ## Unit, golden, and end to end on the real engine against the local Azure.
	@.venv/bin/python engine/build.py > /dev/null
	@.venv/bin/pytest -q -m "not bench and not soak" -n 3 --dist loadfile --durations=10

check: $(venv)  ## Lint, format and types of Python; vet and unit tests of Go.
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@if command -v go > /dev/null; then cd engine && CGO_ENABLED=0 go vet ./cmd/... && CGO_ENABLED=0 go test ./cmd/...; \
	 else echo "no Go here: the engine's Python host was not checked"; fi

demo-release: $(venv)  ## A good release, two bad ones that are put back, and the way back, while a client counts.
	@.venv/bin/python engine/build.py > /dev/null
	@.venv/bin/python samples/release/demo.py

demo-containers: $(venv)  ## Where a model can run: a managed endpoint and container instances, from one stack and one `up`.
	@.venv/bin/python engine/build.py > /dev/null
	@.venv/bin/python samples/containers/demo.py

bench: $(venv)  ## What is fast, as ratios measured in one run.
	@.venv/bin/python engine/build.py > /dev/null
	@.venv/bin/pytest -q -s -m bench tests/bench

witness: $(venv)  ## Run the contract tests and write down what each one reached, for docs/coverage.md.
	@rm -f tests/contract/witnesses.json
	@AZML_WRITE_WITNESSES=1 .venv/bin/pytest -q tests/contract
	@$(MAKE) --no-print-directory accept

soak: $(venv)  ## Fifty kills at random moments (SEED=n repeats, FAULTS=n draws more); releases at 200 requests a second (RATE=n).
	@.venv/bin/python engine/build.py > /dev/null
	@SEED=$(SEED) FAULTS=$(FAULTS) RATE=$(RATE) .venv/bin/pytest -q -s -m soak tests/soak

accept: $(venv)  ## Rewrite schemas/ and the golden files from the code.
	@.venv/bin/python -m tests.support.accept

lock: $(venv)  ## Resolve requirements.txt anew from pyproject.toml: hashes, no addresses.
	@.venv/bin/uv pip compile -q pyproject.toml --extra local --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --upgrade --custom-compile-command 'make lock' -o requirements.txt

wheel: $(venv)  ## Everything that other repositories install, as one file in dist/.
	@.venv/bin/uv build -q --wheel --no-build-isolation --python .venv/bin/python --out-dir dist .
	@ls dist/azml-*.whl

demo-policy: $(venv)  ## What the policies say of Microsoft's own FPGA sample: a refusal, and its remedy.
	@.venv/bin/python -m tests.support.demo_policy

demo-preview: $(venv)  ## The comment that a pull request gets: a new model, more instances, other shares, less exposure.
	@.venv/bin/python -m tests.support.demo_preview

clean: ## Stop the local Azure and remove what commands made in this clone (shared caches stay).
	@if [ -x $(azml) ] && [ -d .azml ]; then $(azml) local stop; fi
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .azml .venv .venv.lock dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

help:  ## This list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(venv): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("azml needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Install one, or name one: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import fcntl, os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); lock = open(".venv.lock", "w"); fcntl.flock(lock, 2); os.set_inheritable(lock.fileno(), True); os.execvp(sys.argv[1], sys.argv[1:])' \
	  $(MAKE) -s .venv/.made
	@touch $@

# Under a lock: where two of us begin at once, the second finds it made.
.venv/.made: requirements.txt pyproject.toml
	@echo "Python environment: .venv, from the lock (once, under a minute)" >&2
	@$(PYTHON) -m venv .venv
	@awk '/^uv==/ {p=1} p {print} p && !/\\$$/ {exit}' requirements.txt > .venv/uv.txt
	@.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@.venv/bin/uv pip install -q --require-hashes -r requirements.txt
	@.venv/bin/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@
