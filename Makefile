# Everything a newcomer or a tester needs; works with GNU and BSD make.
#   make demo     renders a small film on three daemons and kills one of them
#   make test     installs what the tests need and runs them
#   make lint     style, types, import directions
#   make volumes  the farm tests on real MooseFS and GlusterFS volumes, the doctor on Samba (root)
#   make sim      100,000 simulated schedules, and every rule left out once; hours
#   make bench    measures what docs/explanation/performance.md tells
#   make bench-window  the same of the window and of fs, and of nothing else
#   make faults   breaks every call of the share in every way, two at once too: half an hour
#   make many     200 daemons and 20,000 chunks on this machine: a quarter of an hour
#   make scale    what farms of 100, 1,000 and 10,000 nodes ask of their server: an hour
#   make nfs      real daemons on kernel NFS and Samba, every fault on every network (root; hours)
#   make soak     the same in a random order, HOURS=8 long
#   make guest    control groups and real swapping, in a machine of its own (root); minutes
#   make screenshots  the pictures of the documentation (Linux, with Blender)
#   make extension  the Blender extension as a zip in dist/
#   make clean    removes what the above left behind

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
# e.g. make test TESTS=tests/core, make test WORKERS=4
TESTS = tests
HOURS = 8
WORKERS = auto

all: demo

# Installed anew only when pyproject.toml changed; `dev` serves the demo as well.
$(VENV)/.installed: pyproject.toml packaging/venv.sh
	@sh packaging/venv.sh "$(PYTHON)" "$(VENV)" ""
	@touch $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml packaging/venv.sh
	@sh packaging/venv.sh "$(PYTHON)" "$(VENV)" dev
	@touch $(VENV)/.installed $(VENV)/.installed-dev

demo: $(VENV)/.installed
	@$(BIN)/python packaging/demo/run.py

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -q -n $(WORKERS) $(PYTEST) $(TESTS)

.PHONY: many scale
many: $(VENV)/.installed-dev
	@$(BIN)/python bench/many.py

scale: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.scale

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

volumes: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.volumes -- -n 2
	@$(BIN)/python -m pytest -q tests/volumes

guest: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -q tests/host/guest.py

# Frames are rendered once, into build/pictures; minutes.
screenshots: $(VENV)/.installed-dev
	@$(BIN)/python packaging/pictures/shoot.py

# Needs nothing but Python 3.11.
extension:
	@$(PYTHON) packaging/blender/make.py dist

bench: $(VENV)/.installed-dev
	@$(BIN)/python bench/run.py

.PHONY: bench-window
bench-window: $(VENV)/.installed-dev
	@$(BIN)/python bench/run.py --window

faults: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m tests.faults --twice 100

# Every order of the calls of two nodes and one chunk, with no fault, one, or two; about ten minutes.
# Ends with 3 where the time of a search (600 s of processor time) was over before all was tried.
sim-small: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.sim --exhaustive 2 --jobs $(JOBS)

# e.g. make sim SCHEDULES=1000 JOBS=8
SCHEDULES = 100000
JOBS = 2
sim: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.sim --random-start --seeds $(SCHEDULES) --jobs $(JOBS)
	@$(BIN)/python -m tests.sim --mutants --seeds 2000 --jobs $(JOBS)
	@$(BIN)/python -m tests.sim --beside 0.1.0 --seeds $$(($(SCHEDULES) / 10))
	@$(BIN)/python -m tests.sim --exhaustive 1

# In parts, e.g. make nfs ONLY=v3, ONLY=samba, ONLY=v4.2-zombie; without: all, and the costs.
ONLY =
nfs: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.nfs --only '$(ONLY)'
	@[ -n '$(ONLY)' ] || $(BIN)/python -m tests.nfs --costs

soak: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.nfs --soak $(HOURS)

clean:
	rm -rf demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: all demo test lint volumes guest bench extension screenshots faults sim sim-small nfs soak clean
