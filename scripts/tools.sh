# Sourced by the other scripts: finds or installs what they run. Everything is put into one folder of the user's cache.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/calmness-tools
export PATH="$tools/bin:$PATH"

say() { echo "· $*" >&2; }

# Debian packages, as root or through sudo; quietly nothing where there is no apt.
install_packages() {
    command -v apt-get >/dev/null || return 1
    local root=""
    [ "$(id -u)" = 0 ] || root="sudo -n"
    say "installing $* with apt"
    $root apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# A program of cargo's: from a prebuilt wheel where Python can fetch one, else compiled.
need_cargo_tool() {
    local tool=$1 version=$2
    command -v "$tool" >/dev/null && return
    say "installing $tool $version"
    mkdir -p "$tools/bin"
    if python3 -m venv "$tools/venv" >/dev/null 2>&1 &&
        "$tools/venv/bin/pip" install -q "astral-dev-toolchain-$tool==$version" >/dev/null 2>&1; then
        ln -sf "$tools/venv/bin/$tool" "$tools/bin/$tool"
    else
        cargo install --quiet --locked --root "$tools" "$tool" --version "$version"
    fi
}
