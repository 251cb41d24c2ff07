#!/bin/sh
# What cargo runs in place of rustc for the fuzz targets (`.cargo/config.toml`): the pinned compiler, with LLVM's coverage for
# what is fuzzed. The rest (the engine above all) is compiled as ever: it would cost time and lead the fuzzer astray.
#
# cargo calls it as `coverage.sh rustc --crate-name NAME …`; a build script is no part of what is fuzzed.
case "$CARGO_PKG_NAME $3" in
*" build_script_"*) exec "$@" ;;
"lockgate "* | "lockgate-parts "* | "lockgate-fuzz "* | "lockgate-fuzz-host "*) ;;
"saphyr "* | "saphyr-parser "* | "multer "* | "aws-smithy-eventstream "*) ;;
*) exec "$@" ;;
esac
exec "$@" --cfg fuzzing \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
