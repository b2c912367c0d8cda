.DEFAULT_GOAL := check
.PHONY: check fmt lint test fuzz bench compare examples help
LINT := go tool -modfile=$(CURDIR)/.ci/tools/go.mod golangci-lint

check: ## everything CI runs
	.ci/run

fmt: ## format
	$(LINT) fmt

lint: ## lint
	$(LINT) run ./...

test: ## test, with the race detector
	.ci/test ./...

fuzz: ## fuzz what parses, half a minute each
	for p in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do go test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$p || exit 1; done; done

bench: ## the budgets, each as a ratio to its floor, and what sizes cost
	go run ./bench
	go run ./bench/shop
	go run ./bench/gen

compare: ## services and libraries of others, in the same run
	go run ./bench/shop -peers bench/compare/pocketbase,bench/compare/entgql
	cd bench/compare && go run .

examples: ## regenerate the committed examples
	for d in examples/*/gate.yaml; do go run ./cmd/gate generate $$(dirname $$d) || exit 1; done

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
