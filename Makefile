# Thin door to meson: `make` builds build/swan (optimised), `make test` runs ./test.
.PHONY: all test clean
all:
	@test -f build/build.ninja || meson setup build >/dev/null
	@ninja -C build
test:
	./test
clean:
	rm -rf build build-test build-clang build-release build-fuzz

# Longer suites, run by hand before a release.
.PHONY: torture bench bench-design bench-twin bench-simulate property-long bench-retrieval bench-lean bare systemd
torture: all
	SWAN_BUILD=build python3 tests/torture/kill_test.py --random 100 --no-named
	SWAN_BUILD=build python3 tests/torture/hold_test.py --kills 40
	SWAN_BUILD=build python3 tests/torture/twin_test.py --kills 40
bench:
	sh bench/run.sh
bench-design:
	sh bench/run.sh design-cbc
# The simulation beside SimGrid (libsimgrid-dev) on the same tasks; says so when it is not installed.
bench-simulate: all
	python3 -B bench/simulate_beside.py || [ $$? -eq 77 ]
bench-twin:
	sh bench/run.sh twin
# Thousands of random needs and batches against brute force; minutes.
property-long:
	@test -f build-bench/build.ninja || meson setup build-bench -Dtests=true >/dev/null
	@ninja -C build-bench tests/property/design/property_design tests/property/design/property_batch
	SWAN_PROPERTY_CASES=20000 build-bench/tests/property/design/property_design
	SWAN_PROPERTY_CASES=5000 build-bench/tests/property/design/property_batch
bench-retrieval:
	sh bench/run.sh retrieval
# DATA: a folder with bounds.csv and j30/, j60/, j120/ of PSPLIB.  LEAN: more options, such as --every 5.
bench-lean:
	@test -f build-bench/build.ninja || meson setup build-bench -Dtests=true >/dev/null
	@ninja -C build-bench bench/scheduling-bench >/dev/null
	build-bench/bench/scheduling-bench $(DATA) $(LEAN)
bare:
	sh tests/testbed/bare_debian.sh
systemd: all
	tests/testbed/systemd_host.sh image build/testbed/debian.tar.gz
	SWAN_BUILD=build tests/testbed/isolated.sh python3 tests/integration/systemd_test.py build/testbed/debian.tar.gz
