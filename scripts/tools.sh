# shellcheck shell=bash
# Sourced by the other scripts, at the root of the repository: where each outside tool is.
#
# A tool is what its own variable says, else what PATH has, else what scripts/provision installed.
# GRPCURL, MONGOD, HADOLINT and CHROMIUM are exported, so that every test uses the same one; empty means missing.

# find_tool CANDIDATE...: the path of the first one that can be run, or nothing.
find_tool() {
    local candidate
    for candidate in "$@"; do
        if command -v "$candidate"; then
            return
        fi
    done
}

locate_tools() {
    GRPCURL=${GRPCURL:-$(find_tool grpcurl "$PWD/.tools/bin/grpcurl")}
    MONGOD=${MONGOD:-$(find_tool mongod "$PWD/.tools/bin/mongod")}
    HADOLINT=${HADOLINT:-$(find_tool hadolint "$PWD/.tools/bin/hadolint")}
    CHROMIUM=${CHROMIUM:-$(find_tool chromium chromium-browser google-chrome)}
    export GRPCURL MONGOD HADOLINT CHROMIUM
}

# have COMMAND SENTENCE: whether COMMAND can be run; prints the sentence when it cannot.
have() {
    if [[ -z $1 ]] || ! command -v "$1" >/dev/null; then
        printf 'missing: %s\n' "$2" >&2
        return 1
    fi
}

# install_npm_packages FOLDER...: what the lock file of each folder names.
# npm writes node_modules/.package-lock.json last, so it is as new as a finished installation.
install_npm_packages() {
    local package
    for package in "$@"; do
        if [[ ! $package/node_modules/.package-lock.json -nt $package/package-lock.json ]]; then
            PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm --prefix "$package" ci --no-fund --no-audit
        fi
    done
}

# What a build needs and scripts/provision leaves to the machine's owner.
have_build_tools() {
    local missing=0
    have cargo 'Rust; install it with rustup (rust-toolchain.toml names the version)' || missing=1
    have cc 'a C compiler for SQLite and aws-lc; run: apt-get install build-essential' || missing=1
    return "$missing"
}

# What the tests need beyond a build.
have_test_tools() {
    local missing=0
    have_build_tools || missing=1
    have node 'Node.js 20 or newer; run: apt-get install nodejs npm' || missing=1
    have npm 'npm; run: apt-get install npm' || missing=1
    have "$GRPCURL" 'grpcurl; run: make provision (or set GRPCURL to its path)' || missing=1
    have "$MONGOD" 'mongod 6.0 or newer; run: make provision (or set MONGOD to its path)' || missing=1
    have "$HADOLINT" 'hadolint; run: make provision (or set HADOLINT to its path)' || missing=1
    have "$CHROMIUM" 'Chromium; run: apt-get install chromium (or set CHROMIUM to its path)' || missing=1
    have web/e2e/node_modules/.bin/buf 'npm packages of web/e2e; run: make provision' || missing=1
    have web/client/node_modules/.bin/vitest 'npm packages of web/client; run: make provision' || missing=1
    have web/console/node_modules/.bin/vite 'npm packages of web/console; run: make provision' || missing=1
    return "$missing"
}

locate_tools
