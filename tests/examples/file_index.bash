# For the tests of file_index, which source it: $1 is the program, and they run in a folder that goes with them. They
# exit with $failed.
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

# run CODE ARGUMENT...: what it says goes to `out` and `err`.
run() {
  local expected=$1 code=0
  shift
  "$program" --progress 0 "$@" >out 2>err </dev/null || code=$?
  if ((code != expected)); then
    echo "file_index $*: expected exit code $expected, got $code" >&2
    cat out err >&2
    failed=1
  fi
}

# says FILE LINE: the line has to be there; runs of spaces count as one.
says() {
  if ! tr -s ' ' <"$1" | grep -qF -- "$2"; then
    echo "expected in $1: $2" >&2
    cat "$1" >&2
    failed=1
  fi
}

# figures QUEUE TASKS RETRIED DISCARDED CANCELLED ATTEMPTS: what the queue's line has, among rates and times.
figures() {
  local line="^$1 $2 $3 $4 $5 [0-9,]+( [0-9.]+ [num]?s){4} $6 [0-9]+%$"
  if ! tr -s ' ' <out | grep -qE "$line"; then
    echo "expected in out: $line" >&2
    cat out >&2
    failed=1
  fi
}

# await REGEX: until the standard error of $child has it, which ends the test if that takes too long.
await() {
  local tries
  for ((tries = 0; tries < 1000; ++tries)); do
    if grep -qE -- "$1" err; then return; fi
    sleep 0.01
  done
  kill -KILL "$child"
  echo "expected in err within 10 s: $1" >&2
  tail err >&2
  exit 1
}
