# Shared by the launchers beside it: where the checkout is, which Java runs it, and what is built. Sourced, not run.
# shellcheck shell=bash
set -euo pipefail

JAVA_MIN=17
# The folder of the launchers, and the checkout, whatever folder or symbolic link the launcher was called through.
BIN=$(readlink -f -- "${BASH_SOURCE[0]}")
BIN=${BIN%/*}
ROOT=${BIN%/*/*}

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 70
}

# The major version of a java command: from the release file of its JDK, or by asking it (slower).
java_major() {
  local java=$1 release line version=
  # Without further processes where that goes: the agent's start waits for this.
  release=$(readlink -f -- "$java")
  release=${release%/*/*}/release
  if [[ -r $release ]]; then
    while read -r line; do
      [[ $line != JAVA_VERSION=\"* ]] || version=${line#*\"} version=${version%%\"*}
    done <"$release"
  fi
  if [[ -z $version ]]; then
    version=$("$java" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p' | head -n 1) || true
  fi
  version=${version#1.}
  printf '%s' "${version%%[!0-9]*}"
}

# Sets JAVA: $JAVA_HOME if it is set (and then nothing else), otherwise the java of the PATH.
find_java() {
  local where major
  if [[ -n ${JAVA_HOME:-} ]]; then
    JAVA=$JAVA_HOME/bin/java
    where="JAVA_HOME ($JAVA_HOME)"
    [[ -x $JAVA ]] || fail "there is no bin/java in $where" "set JAVA_HOME to a JDK $JAVA_MIN or newer, or unset it"
  else
    JAVA=$(command -v java) || fail "Java $JAVA_MIN or newer is needed, and there is none on the PATH" \
      "install one (Debian: apt-get install openjdk-17-jdk-headless) or set JAVA_HOME"
    where="PATH ($JAVA)"
  fi
  major=$(java_major "$JAVA")
  [[ -n $major ]] || fail "cannot tell the version of the java of $where"
  ((major >= JAVA_MIN)) || fail "Java $JAVA_MIN or newer is needed; $where has Java $major"
}

# app_folder MODULE: where the build puts a program's jars.
app_folder() {
  printf '%s/%s/target/app/lib' "$ROOT" "$1"
}

# is_built MODULE SOURCE_MODULE...: whether the program is there and newer than all it is made of.
is_built() {
  local module=$1 jar=
  shift
  jar=$(find "$(app_folder "$module")" -maxdepth 1 -name "tallystick-${module##*/}-*.jar" -print -quit 2>/dev/null) || true
  [[ -n $jar ]] || return 1
  local sources=("$ROOT/pom.xml") m
  for m in "$module" "$@"; do
    sources+=("$ROOT/$m/pom.xml" "$ROOT/$m/src/main")
  done
  [[ -z $(find "${sources[@]}" -newer "$jar" -print -quit) ]]
}

# build MODULE...: builds these and what they need, without tests and without noise.
build() {
  local modules
  modules=$(IFS=,; printf '%s' "$*")
  local command=(mvn -B -ntp -q -Dstyle.color=never -Dmaven.test.skip=true -Dspotless.check.skip=true -f "$ROOT/pom.xml" -pl "$modules" -am package)
  [[ ${TALLYSTICK_BUILD:-auto} != never ]] || fail "not built, or older than its sources: $*" "build with: ${command[*]}"
  [[ -w $ROOT ]] || fail "$* must be built, and $ROOT is not writable for $(id -un)" \
    "let its owner run: ${command[*]}" "or copy the checkout to a folder of your own"
  command -v mvn >/dev/null || fail "Maven 3.8 or newer is needed to build $*, and there is none on the PATH" \
    "install one (Debian: apt-get install maven)"
  # A JRE alone runs the programs but cannot build them.
  [[ -x $(dirname -- "$(readlink -f -- "$JAVA")")/javac ]] || fail "a JDK is needed to build $*; $JAVA has no javac beside it"
  printf 'building %s (a minute or two the first time)\n' "$*" >&2
  (
    # Two sandboxes started at once build once: the second waits, and finds it done or has little to do.
    if command -v flock >/dev/null; then
      exec 9<"$ROOT/pom.xml"
      flock 9
    fi
    cd -- "$ROOT" && "${command[@]}" >&2
  ) || fail "the build failed; see above" "command: ${command[*]}"
}

# run_app LIB MAIN_CLASS MORE_OPTIONS JVM_OPTION... -- ARGUMENT...: becomes the program (same process id). LIB is a folder of jars,
# or a class path. MORE_OPTIONS are the caller's, split at white space, and win over the JVM_OPTIONs.
run_app() {
  local path=$1 main=$2 more=() options=()
  [[ $path == *.jar ]] || path+='/*'
  read -r -a more <<<"$3" || true
  shift 3
  while (($#)) && [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  exec "$JAVA" "${options[@]}" "${more[@]}" -cp "$path" "$main" "$@"
}
