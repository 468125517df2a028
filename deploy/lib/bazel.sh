# shellcheck shell=bash
# How the scripts here call Bazel: sourced by deploy/quickstart and tests/run, from the repository's
# top folder. Sets bazel_startup and bazel_jobs; defines run_bazel.

# Bazel keeps its work in ~/.cache/bazel. Service accounts and CI often have no home to write to.
bazel_startup=()
if [ -z "${HOME:-}" ] || ! mkdir -p "$HOME/.cache/bazel" 2>/dev/null || [ ! -w "$HOME/.cache/bazel" ]; then
  HOME="${TMPDIR:-/tmp}/lb-home-$(id -u)"
  mkdir -p "$HOME"
  export HOME
  bazel_startup+=("--output_user_root=$HOME/bazel")
fi

# A compiler process needs up to 1.5 GB for the files that include gRPC or Asio.
bazel_jobs() {
  local cpus memory_kb fit
  cpus="$(nproc)"
  memory_kb="$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)"
  fit=$((memory_kb / 1572864))
  [ "$fit" -ge 1 ] || fit=1
  [ "$fit" -lt "$cpus" ] && echo "$fit" || echo "$cpus"
}

# run_bazel COMMAND [ARG...]. Off a terminal Bazel prints a line now and then instead of redrawing.
# Each command gets only flags it knows: Bazel refuses the others.
run_bazel() {
  local command="$1" flags=()
  shift
  if [ ! -t 2 ] && [ "$command" != shutdown ]; then
    flags=(--curses=no --color=no --show_progress_rate_limit=20 --noshow_loading_progress)
  fi
  case "$command" in
    build | test) flags+=("--jobs=$(bazel_jobs)" --show_result=0 --ui_event_filters=-info) ;;
  esac
  bazel "${bazel_startup[@]}" "$command" "${flags[@]}" "$@" </dev/null
}
