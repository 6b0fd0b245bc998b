# Needs make and Python 3.11 or newer; everything else is fetched into .venv and the cache folder
# ($SERVICEGRAPH_CACHE, else $XDG_CACHE_HOME/servicegraph, else ~/.cache/servicegraph).

PYTHON ?= python3
PYTEST_ARGS ?=
IMAGE ?= servicegraph:dev
IMAGE_PYTHON ?= 3.12
BASE_IMAGE ?= python:$(IMAGE_PYTHON)-slim
DOCKER ?= docker
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

IN_VENV := .venv/bin/python
PYTEST := $(IN_VENV) -m pytest $(PYTEST_ARGS)
SYNCED := .venv/.synced

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

.PHONY: help
help: ## Explain the targets
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## See it work

.PHONY: demo
demo: $(SYNCED) ## Tell the whole story on a cluster of its own (DEMO=interactive leaves it up)
	@$(IN_VENV) -m tools.demo

.PHONY: cluster-build
cluster-build: ## Build the embedded control plane into the cache (about 8 min, once)
	@$(PYTHON) -m tools.cluster build >/dev/null

## Test

# The control plane is built beside the quick tests; the integration tests then wait for what is left of it.
.PHONY: test
test: $(SYNCED) ## All tests that need no root: unit, golden, property, integration, oracle
	@$(PYTHON) -m tools.cluster build >/dev/null 2>&1 & build=$$!; \
	trap 'kill $$build 2>/dev/null' EXIT INT TERM; \
	$(MAKE) test-unit test-golden test-property test-integration test-oracle

.PHONY: test-unit
test-unit: $(SYNCED) ## Each part by itself
	$(PYTEST) tests/unit

.PHONY: test-golden
test-golden: $(SYNCED) ## Inputs and the exact policies they give
	$(PYTEST) tests/golden

.PHONY: test-property
test-property: $(SYNCED) ## Laws that hold for every input, on generated ones
	$(PYTEST) tests/property

.PHONY: test-integration
test-integration: $(SYNCED) ## The operator on a real API server (or on SERVICEGRAPH_TEST_KUBECONFIG's)
ifeq ($(SERVICEGRAPH_TEST_KUBECONFIG),)
	@$(MAKE) cluster-build
endif
	$(PYTEST) tests/integration

.PHONY: test-oracle
test-oracle: $(SYNCED) ## verify/ against other engines: 200 random clusters, every golden case, Kubernetes' truth tables
	$(PYTEST) tests/oracle

# The first time it waits for Argo CD's build; git comes from Debian where it is missing, as root.
.PHONY: test-gitops
test-gitops: $(SYNCED) ## Argo CD, the operator and a git server side by side, with the files of config/argocd
	@$(PYTHON) -m tools.cluster.argocd build
	$(PYTEST) tests/gitops

# Linux; Chromium and npm come from Debian where they are missing, as root.
.PHONY: test-browser
test-browser: $(SYNCED) ## The report's page in Chromium: clicks, keys, accessibility, and that its assets are current
	@$(PYTHON) -m tools.browser
	$(PYTEST) tests/browser

.PHONY: test-alerts
test-alerts: $(SYNCED) ## When alerts fire and when they do not, by Prometheus' own promtool (from Debian)
	$(PYTEST) tests/alerts

.PHONY: oracle
oracle: $(SYNCED) ## The same with 1,000 random clusters
	SERVICEGRAPH_ORACLE_CASES=1000 $(PYTEST) tests/oracle

# Linux and root: a container engine, a cluster and Cilium, all made here, in a network of their own.
.PHONY: node-image
node-image: ## Make what the e2e tests' cluster needs, in the cache (root; about 25 min, once)
	@$(PYTHON) -m tools.cluster.kind build

.PHONY: e2e
e2e: $(SYNCED) ## Live traffic on kind with Cilium (root), or on your own cluster: CLUSTER=existing
ifeq ($(CLUSTER),existing)
	$(PYTEST) tests/e2e
else
	@$(PYTHON) -m tools.cluster.kind run -- $(PYTEST) tests/e2e
endif

.PHONY: bench
bench: $(SYNCED) ## Measure against the budgets and print the table (BENCH=quick: the small sizes only)
	$(IN_VENV) -m benchmarks $(if $(filter quick,$(BENCH)),--quick)

.PHONY: bench-e2e
bench-e2e: $(SYNCED) ## The time from a label change to packets, on the cluster of the e2e tests (CLUSTER=existing)
ifeq ($(CLUSTER),existing)
	$(IN_VENV) -m benchmarks --only enforcement $(if $(filter quick,$(BENCH)),--quick)
else
	@$(PYTHON) -m tools.cluster.kind run -- $(IN_VENV) -m benchmarks --only enforcement \
		$(if $(filter quick,$(BENCH)),--quick)
endif

## Check

.PHONY: lint
lint: $(SYNCED) ## Style and common mistakes (ruff)
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .

.PHONY: types
types: $(SYNCED) ## Types (mypy --strict)
	$(IN_VENV) -m mypy

.PHONY: layers
layers: $(SYNCED) ## Which part may import which (import-linter)
	.venv/bin/lint-imports

.PHONY: generated
generated: $(SYNCED) ## That generated files are current
	$(IN_VENV) -m tools.generate --check

.PHONY: assets
assets: ## Build the report page's script and style from tools/page (needs npm)
	@$(PYTHON) -m tools.browser --npm
	cd tools/page && npm run --silent types && npm run --silent build

.PHONY: format
format: $(SYNCED) ## Rewrite the code in the project's style
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

.PHONY: docs
docs: ## Build the documentation site into build/site; fails where a link leads nowhere (mkdocs)
	@uv=$$($(PYTHON) -m tools.bootstrap --uv) && \
	NO_MKDOCS_2_WARNING=1 $$uv run --quiet --locked --isolated --only-group docs mkdocs build

## Ship

.PHONY: wheels
wheels: $(SYNCED) ## The package and its locked dependencies, for IMAGE_PYTHON, in build/wheels
	@uv=$$($(PYTHON) -m tools.bootstrap --uv) && set -ex && rm -rf build/wheels && \
	$$uv export --quiet --locked --no-dev --no-emit-project --output-file build/requirements.txt && \
	$$uv build --quiet --wheel --out-dir build/wheels && \
	$$uv run --no-sync --quiet --with pip python -m pip download --quiet --only-binary :all: --no-deps \
		--python-version $(IMAGE_PYTHON) --require-hashes --requirement build/requirements.txt --dest build/wheels

.PHONY: image
image: wheels ## The operator's container image, built with no network (IMAGE=, BASE_IMAGE=, IMAGE_PYTHON=)
	$(DOCKER) build --build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
		--tag $(IMAGE) .

.PHONY: clean
clean: ## Remove what was made inside the checkout; the cache folder stays
	rm -rf .venv build dist tools/page/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SYNCED): pyproject.toml uv.lock
	@$(PYTHON) -m tools.bootstrap
