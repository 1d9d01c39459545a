# Thin door to meson: `make` builds build/swan (optimised), `make test` runs ./test.
.PHONY: all test clean
all:
	@test -f build/build.ninja || meson setup build >/dev/null
	@ninja -C build
test:
	./test
clean:
	rm -rf build build-test build-clang build-fuzz
