# Everything that is done to perch, one target each. `make help` lists them.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
GO      ?= go
FOLDERS := cmd sync render gitsrc nodeselect internal examples test

.DEFAULT_GOAL := help
.PHONY: help build test race e2e demo bench lint fmt verify install clean components

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/perch, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/perch ./cmd/perch

test: build ## all tests that need no root and no kubelet
	$(GO) test ./...
	cd test && $(GO) test -count=1 ./... # it runs what it builds from the other module, which the test cache does not see

race: ## the unit tests under the race detector (needs a C compiler)
	$(GO) test -race ./...

e2e: build ## the proofs on a real kubelet, containerd, etcd and API server; needs root and Linux
	test/e2e.sh

demo: build ## see it work in seconds, without root and without a kubelet
	@test/demo.sh

bench: build ## the figures of the README, measured on this machine
	cd test && $(GO) test -tags bench -run '^$$' -bench . -benchtime 1x -timeout 60m -v ./bench

lint: ## vet and staticcheck, both modules
	$(GO) vet ./...
	$(GO) tool -modfile=test/lint/go.mod staticcheck ./...
	cd test && $(GO) vet -tags e2e,bench,experiment ./... && $(GO) tool -modfile=lint/go.mod staticcheck -tags e2e,bench,experiment ./...

fmt: ## format all Go files
	gofmt -w $(FOLDERS)

verify: lint ## lint, and nothing unformatted, untidy or unbuilt
	@test -z "$$(gofmt -l $(FOLDERS))" || { gofmt -l $(FOLDERS); echo 'not formatted: run make fmt'; exit 1; }
	$(GO) mod tidy -diff
	cd test && $(GO) mod tidy -diff
	$(GO) mod verify
	bash -n test/*.sh test/*/*.sh .ci/run

components: ## build what the real node consists of into test/.cache
	test/components/build.sh

install: build ## install perch and its systemd unit on this machine
	install -D -m 0755 bin/perch $(DESTDIR)/usr/bin/perch
	install -D -m 0644 packaging/perch.service $(DESTDIR)/usr/lib/systemd/system/perch.service
	install -D -m 0644 packaging/perch.yaml $(DESTDIR)/usr/share/doc/perch/perch.yaml

clean: ## remove what was built, but not the components of the real node
	rm -rf bin
