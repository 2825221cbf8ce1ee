# make demo: a room and a hub on this machine, in three acts.   make test: every gate.   Both install what is missing.

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $(p))))
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# Every line: a check, and the Debian packages that make it pass.
python_checks := $(PYTHON) -c 'import ensurepip'|python3-venv
build_checks := test -e /usr/include/portaudio.h -o -e /usr/local/include/portaudio.h|portaudio19-dev \
	&& command -v gcc|gcc \
	&& test -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"|python3-dev
sound_checks := command -v pulseaudio|pulseaudio && command -v pactl|pulseaudio-utils \
	&& ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so|libasound2-plugins
unit_checks := command -v systemd-analyze|systemd
wire_checks := test -x /usr/sbin/nft -o -x /sbin/nft|nftables && test -x /usr/sbin/ip -o -x /sbin/ip -o -x /bin/ip|iproute2 \
	&& test -x /usr/sbin/sysctl -o -x /sbin/sysctl|procps
hub_checks := ls /usr/lib/postgresql/*/bin/initdb|postgresql && test -x /usr/sbin/mosquitto -o -x /usr/local/sbin/mosquitto|mosquitto \
	&& command -v chromium|chromium && command -v certutil|libnss3-tools

.PHONY: help demo test fuzz api storms lamp-card pictures faults throughput side-channel privacy unplug marathon cost seats crowd kills format train evaluate clean

help:
	@sed -n 's/^# make /make /p' Makefile

demo: $(VENV)/demo.installed
	@$(BIN)/fermata demo

test: $(VENV)/dev.installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@export OPENBLAS_NUM_THREADS=1; $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder || { test $$? -eq 1 || exit 1; \
		echo "Once more and alone, what has failed. What passes now did not bear what ran beside it: mend that."; \
		$(BIN)/pytest --last-failed --last-failed-no-failures none; }

# make fuzz: a million spoilt messages into the inbox's sorting; make test runs a short form.
fuzz: $(VENV)/dev.installed
	@$(BIN)/python -m tests.hub.fuzz --messages $(or $(MESSAGES),1000000) --seed $(or $(SEED),1)

# make api: every call of the API asked as its schema allows and as it does not; make test runs a short form.
api: $(VENV)/dev.installed
	@$(BIN)/python -m tests.hub.schema --examples $(or $(EXAMPLES),2000) --seed $(or $(SEED),1)

# make faults: every process killed, every wire cut, every disk filled, every clock wrong, 20 times each; some as root.
faults: $(VENV)/dev.installed
	@$(BIN)/python -m tests.faults --rounds $(or $(ROUNDS),20) --seed $(or $(SEED),1)

# make kills: a hub on SQLite killed 50 times under load, its database read after each; make test runs a short form.
kills: $(VENV)/dev.installed
	@$(BIN)/python -m tests.hub.kills --kills $(or $(KILLS),50) --seed $(or $(SEED),1)

# make side-channel: weeks of a room that is used beside one that stands empty, on a tapped wire.
side-channel: $(VENV)/dev.installed
	@$(BIN)/python -m tests.side_channel --weeks $(or $(WEEKS),3) --seed $(or $(SEED),1)

# make throughput: how fast one inbox takes messages in, into SQLite and into PostgreSQL.
throughput: $(VENV)/dev.installed
	@$(BIN)/python -m tests.hub.throughput --messages $(or $(MESSAGES),10000) --rounds $(or $(ROUNDS),3)

# make crowd: ten thousand rooms after two years, and how long every page takes; a quarter of an hour and 8 GB of disk.
crowd: $(VENV)/dev.installed
	@$(BIN)/python -m tests.hub.crowd --rooms $(or $(ROOMS),10000) --seed $(or $(SEED),1)

# make storms: ten thousand rooms in which everything goes wrong, every rule of light on each; make test runs 200.
storms: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.cues.storms --count $(or $(COUNT),10000) --seed $(or $(SEED),1)

# make lamp-card: the card for the room, in English and Spanish, and the drawing of the wires, from the code.
lamp-card: $(VENV)/dev.installed
	@$(BIN)/python -m app.drawings

# make pictures: the hub's pictures in docs/pictures, from the tour that make test takes as well.
pictures: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/pytest --quiet --pictures tests/hub/test_tour.py

# make privacy: every attack on the release, 20,000 times each; make test runs a short form.
privacy: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/fermata validate --privacy --trials $(or $(TRIALS),20000) --seed $(or $(SEED),1)

# make unplug: a unit whose plug is pulled 20 times in a session; make test runs a short form.
unplug: $(VENV)/dev.installed
	@$(BIN)/python -m tests.room.unplug $(or $(CYCLES),20)

# make marathon: a session of three hours, faster than life; make test runs a short form.
marathon: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.room.marathon $(or $(HOURS),3)

# make cost: what a unit takes of this machine on a live stream.
cost: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.room.cost $(or $(SECONDS),60)

# make seats: how far off calibrated seats are, in simulated rooms.
seats: $(VENV)/dev.installed
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.hearing.calibrating $(or $(ROOMS),40) $(or $(SEED),2)

format: $(VENV)/dev.installed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# make train DATA=FOLDER: from a folder of sound with a manifest.csv to models/hearing.tflite and its card.
train: .venv-training/installed
	@OPENBLAS_NUM_THREADS=1 .venv-training/bin/python -m models.training --data $(DATA) --out models

# make evaluate DATA=FOLDER: the shipped model, and the detectors it is compared with, on sound it was not trained on.
evaluate: .venv-training/installed
	@OPENBLAS_NUM_THREADS=1 .venv-training/bin/python -m models.evaluation --data $(DATA)

clean:
	@rm -rf $(VENV) .venv-training .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/demo.installed: pyproject.toml
	@$(call packages,$(python_checks) && $(build_checks))
	@$(call environment,$(VENV))
	@echo "Installing Fermata and what its demo needs into $(VENV) …"
	@$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/dev.installed: pyproject.toml
	@$(call packages,$(python_checks) && $(build_checks) && $(sound_checks) && $(unit_checks) && $(wire_checks) && $(hub_checks))
	@$(call environment,$(VENV))
	@echo "Installing Fermata and what its tests need into $(VENV) …"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/demo.installed

.venv-training/installed: pyproject.toml
	@$(call packages,$(python_checks) && $(build_checks))
	@$(call environment,.venv-training)
	@echo "Installing what training and evaluation need into .venv-training: PyTorch is large …"
	@.venv-training/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[training,anchors]'
	@touch $@

# Make an environment, once.
define environment
test -n "$(PYTHON)" || { echo "Fermata needs Python 3.11 or newer: install it first." >&2; exit 1; }; \
test -x $(1)/bin/python || { echo "Making $(1) with $(PYTHON) …"; $(PYTHON) -m venv $(1); }
endef

# Run `check|package && check|package …`; install the packages whose check fails, all at once.
define packages
missing=""; printf '%s\n' '$(subst ','\'',$(1))' | sed 's/ && /\n/g' | { while IFS='|' read -r check package; do \
	sh -c "$$check" >/dev/null 2>&1 </dev/null || missing="$$missing $$package"; done; \
	test -z "$$missing" || { command -v apt-get >/dev/null || \
		{ echo "Please install what these packages of Debian hold:$$missing" >&2; exit 1; }; \
	echo "Installing$$missing with apt-get …"; \
	$(SUDO) apt-get -qq update && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get -qq install -y $$missing >/dev/null; }; }
endef
