# `make demo` and `make test` need Python 3.11+, Node 20+, make and git, and install the rest into .venv.
PYTHON ?= python3
BIN := .venv/bin
ROOMS := messages maps hw roadside cloud sim
STAMP := .venv/.installed
COMPILED := .venv/.compiled
PAGE := cloud/lukou_cloud/web/static/index.html

.PHONY: setup demo test check format bench proto breaking release page detector district clean

setup: $(STAMP) $(COMPILED) $(PAGE)

$(STAMP): requirements.txt $(ROOMS:%=%/pyproject.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps $(ROOMS:%=-e %)
	touch $@

# Loops of matching, perception, warnings, the search and the simulated world as machine code: compiled here, seconds to some tens of seconds each, so that no process has to.
$(COMPILED): $(STAMP) $(wildcard messages/lukou_messages/compiled.py messages/lukou_messages/assignment.py maps/lukou_maps/*.py \
		roadside/lukou_roadside/perception/*.py roadside/lukou_roadside/perception/tracking/*.py \
		cloud/lukou_cloud/compiled.py cloud/lukou_cloud/edge/*.py cloud/lukou_cloud/fusion/*.py cloud/lukou_cloud/region/search/*.py \
		sim/lukou_sim/*.py sim/lukou_sim/world/*.py sim/lukou_sim/render/*.py)
	$(BIN)/python -m lukou_maps.warm
	$(BIN)/python -m lukou_roadside.perception.warm
	$(BIN)/python -m lukou_cloud.edge.warm
	$(BIN)/python -m lukou_cloud.region.search.warm
	$(BIN)/python -m lukou_sim.warm
	touch $@

page: $(PAGE)

$(PAGE): $(wildcard cloud/page/*.* cloud/page/src/*)
	cd cloud/page && npm ci --no-audit --no-fund --silent && npm run --silent build

demo: setup
	$(BIN)/lukou demo $(ARGS)

# The fast part: style, types, structure, schema, quick tests.
check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/buf lint
	$(BIN)/buf breaking --against messages/released.binpb
	$(BIN)/python -m pytest -m "not slow and not browser"

# Everything: the fast part, then the slow tests that only compute, two at a time, then those with real processes and a real browser, one at a time.
test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not browser and not real_time"
	$(BIN)/python -m pytest -m "(slow and real_time) or browser"

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/lukou bench objects

# Generate code from the schema, with the oldest protobuf compiler that we support.
proto: .venv-proto/bin/python
	.venv-proto/bin/python messages/generate.py

.venv-proto/bin/python:
	$(PYTHON) -m venv .venv-proto
	$@ -m pip install -q grpcio-tools==1.73.1 "setuptools==80.9.0"

# Only on a release: what later schemas are compared with.
release: setup
	$(BIN)/buf build -o messages/released.binpb

district: setup
	$(BIN)/python -m lukou_sim.district

detector: setup
	$(BIN)/python -m lukou_sim.training

clean:
	rm -rf .venv .venv-proto cloud/page/node_modules cloud/lukou_cloud/web/static
