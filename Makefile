# Thin on purpose: each target is one script in script/, which also runs by itself.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up down up-container down-container build cross image test check soak lint vuln bench fuzz docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## build bin/hermes, supervise the gateways from it, wait until they answer; no container
	@script/up

down: ## end what `make up` started; the home stays
	@script/down

up-container: ## build the image, start a container with a supervised gateway, wait until it is ready
	@script/up-container

down-container: ## stop and remove that container; its volume stays
	@script/down-container

build: ## bin/hermes for this machine
	@script/build

cross: ## the image's binaries for every architecture; compile check for macOS and Windows
	@script/cross

image: ## the image hermes:dev
	@script/image

test: ## everything that must hold: linters, compile checks, image, all tests with the race detector
	@script/test

check: ## for the inner loop: the linters, and the tests of the packages that changed
	@script/check

soak: ## run all tests ROUNDS times (default 20), half of them beside busy loops
	@script/soak $(or $(ROUNDS),20)

lint: ## the linters alone
	@script/lint

vuln: ## look for known vulnerabilities; fails where the database cannot be reached
	@script/vuln

bench: ## measure, beside the peers where there are any
	@script/bench

fuzz: ## run every fuzz target for FUZZTIME (default 30s) each
	@script/fuzz

docs: ## regenerate what is generated
	@go generate ./...
