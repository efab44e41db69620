# Every target installs what is missing first, and says what. `make` alone lists them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
PYTEST_ARGS ?=
TEST_WORKERS ?= 2

.PHONY: help
help:
	@echo "make demo     render docs/demo/article.md to out/demo.mp3, and show what it made"
	@echo "make test     all tests, against a real RabbitMQ and a real MinIO on private ports"
	@echo "make check    formatting, lint, types, import contracts, licences, glossary, generated documents, stack files"
	@echo "make faults   the long fault suite, and all hostile documents"
	@echo "make fuzz     the fuzz targets for about ten minutes, with new inputs each time"
	@echo "make corpus   real documents from packages, read and compared; writes docs/corpus.md"
	@echo "make feed-test   a real podcast client (gPodder, from Debian) subscribes to a feed of ours"
	@echo "make feed-corpus  the feeds that feedparser is tested with, read by our parser"
	@echo "make feed-validate  our feeds, by the code of the W3C's validator and the schema of the podcast namespace"
	@echo "make bench    the figures of docs/benchmarks.md"
	@echo "make loudness loudness of whole files and from chunk to chunk, with every voice that is here; docs/loudness.md"
	@echo "make images   the images of the stack, as podcast/services:TAG and so on; TAG=, IMAGES= and BUILD_ARGS= as you like"
	@echo "make stack-test   the stack for real: deployed, updated, killed, restored; stack-test-short in ten minutes"
	@echo "make docs     the generated documents"
	@echo "make page     the gateway's page, from its sources; page-test clicks through it in a browser"
	@echo "make lock     the lock files, from pyproject.toml"
	@echo "make clean    remove what was made here (.venv included)"
	@echo
	@echo "PYTEST_ARGS='-k splitting -x' make test   only some tests"
	@echo "TEST_WORKERS=0 make test                  one test file after the other, in this process; 2 at a time otherwise"

.PHONY: demo
demo:
	deploy/setup.sh demo
	mkdir -p out
	$(BIN)/podcast render docs/demo/article.md -o out/demo.mp3

.PHONY: test
test:
	deploy/setup.sh test
	$(BIN)/python -c 'from deploy.local.minio_build import main; main()'
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Tests of whether what `make docs` writes is up to date; they need nothing but Python.
GENERATED_DOCUMENTS := tests/unit/test_asyncapi.py $(wildcard tests/unit/test_*_documented.py) \
	tests/unit/coordinator/test_lifecycle_document.py

.PHONY: check
check:
	deploy/setup.sh check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deploy.licences
	$(BIN)/python -m docs.glossary
	$(BIN)/python -m pytest --quiet --disable-warnings -p no:cacheprovider $(GENERATED_DOCUMENTS)
	$(BIN)/python -m deploy.stack.check_files

.PHONY: faults
faults:
	deploy/setup.sh test
	$(BIN)/python -c 'from deploy.local.minio_build import main; main()'
	PODCAST_FAULTS=long $(BIN)/python -m pytest tests/fault tests/unit/chunker/test_hostile_documents.py tests/integration/test_dead_letters.py --timeout=3600 $(PYTEST_ARGS)

# The gateway's page, built and committed: services/gateway/page.
.PHONY: page
page:
	deploy/setup.sh check
	$(BIN)/python -m deploy.page

# In Debian's chromium, which setup.sh installs. PICTURES=folder keeps what it saw.
PICTURES ?=
.PHONY: page-test
page-test:
	deploy/setup.sh test
	$(BIN)/python -m deploy.page
	PODCAST_PAGE=long PODCAST_PAGE_PICTURES=$(PICTURES) $(BIN)/python -m pytest tests/page --timeout=600 --capture=no $(PYTEST_ARGS)

# The pictures of the documents, of a stack that is brought up for them. Look at them before they are committed.
.PHONY: page-pictures
page-pictures:
	deploy/setup.sh test
	$(BIN)/python -m tests.page.pictures docs/images

.PHONY: fuzz
fuzz:
	deploy/setup.sh test
	PODCAST_FUZZ=long $(BIN)/python -m pytest tests/fuzz --timeout=3600 $(PYTEST_ARGS)

.PHONY: corpus
corpus:
	deploy/setup.sh test
	$(BIN)/python -m tests.real_documents

.PHONY: feed-test
feed-test:
	deploy/setup.sh test
	$(BIN)/python -c 'from deploy.local.minio_build import main; main()'
	command -v gpo || { echo "installing gPodder, a podcast client"; apt-get install -y --no-install-recommends gpodder; }
	$(BIN)/python -m pytest tests/clients/test_gpodder.py $(PYTEST_ARGS)

.PHONY: feed-corpus
feed-corpus:
	deploy/setup.sh test
	$(BIN)/python -m tests.feed_corpus

# VALIDATOR=src of w3c/feedvalidator, NAMESPACE=podcast-namespace, VALIDATOR_PACKAGES=html5lib and rdflib: tests/feed_validator.py
.PHONY: feed-validate
feed-validate:
	deploy/setup.sh test
	VALIDATOR=$(VALIDATOR) NAMESPACE=$(NAMESPACE) VALIDATOR_PACKAGES=$(VALIDATOR_PACKAGES) $(BIN)/python -m tests.feed_validator

.PHONY: bench
bench:
	deploy/setup.sh test
	$(BIN)/python -m benchmarks

.PHONY: docs
docs:
	deploy/setup.sh check
	$(BIN)/python -m docs.asyncapi
	$(BIN)/python -m docs.lifecycle
	$(BIN)/python -m docs.sync_client
	$(BIN)/python -m docs.problems
	$(BIN)/python -m docs.metrics
	$(BIN)/python -m docs.logs
	$(BIN)/python -m deploy.monitoring.dashboards
	$(BIN)/python -m services.cli.settings_document > docs/settings.md.new && mv docs/settings.md.new docs/settings.md

.PHONY: loudness
loudness:
	deploy/setup.sh test
	$(BIN)/python -m benchmarks.loudness

# requirements.lock is what the system runs on, requirements-dev.lock adds what its tests need; bootstrap.lock is the
# installer itself. In deploy/images: what each image contains, in the versions of requirements.lock, and what builds them. `make lock` keeps the versions that still fit; UPGRADE=--upgrade takes the newest.
UPGRADE ?=
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header $(UPGRADE)
.PHONY: lock
lock:
	deploy/setup.sh check
	$(COMPILE) deploy/bootstrap.in --python-version 3.11 -o deploy/bootstrap.lock
	$(COMPILE) pyproject.toml deploy/build.in --extra speech -o requirements.lock
	$(COMPILE) pyproject.toml deploy/build.in --extra speech --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) pyproject.toml -c requirements.lock -o deploy/images/services.lock
	$(COMPILE) deploy/images/speech.in -c requirements.lock -o deploy/images/speech.lock
	$(COMPILE) deploy/images/build.in deploy/build.in --python-version 3.11 -o deploy/images/build.lock

# `services` first: the classic builder makes every stage that stands before the one that is wanted, and keeps them.
IMAGES ?= podcast
TAG ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
BUILD_ARGS ?=
.PHONY: images
images:
	for target in services speech rabbitmq minio; do \
		docker build $(BUILD_ARGS) --file deploy/Dockerfile --target $$target --tag $(IMAGES)/$$target:$(TAG) \
			--build-arg VERSION=$(TAG) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) . || exit 1; \
	done

# The stack as it is deployed, on this machine's engine; needs root, to install and start one where there is none.
.PHONY: stack-test
stack-test:
	deploy/setup.sh test
	PODCAST_STACK=long $(BIN)/python -m pytest tests/stack --timeout=3600 --capture=no $(PYTEST_ARGS)

.PHONY: stack-test-short
stack-test-short:
	deploy/setup.sh test
	PODCAST_STACK=short $(BIN)/python -m pytest tests/stack --timeout=1200 --capture=no $(PYTEST_ARGS)

.PHONY: clean
clean:
	rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
