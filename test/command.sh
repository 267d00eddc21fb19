# What tests of the command share: sourced with `set -u`; leaves the script in a folder of its own.
H=$HADAL_COMMAND
[ -x "$H" ] || { echo "skip: no hadal command was built"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0

# check STATUS WORDS COMMAND...: the command must exit so and say WORDS, on stdout or stderr
check() {
  want=$1 words=$2
  shift 2
  "$@" >out 2>err
  got=$?
  if [ $got -ne "$want" ] || ! cat out err | grep -qF -- "$words"; then
    echo "FAILED: $*"
    echo "  status $got, wanted $want with: $words"
    sed 's/^/  /' err | head -n 5
    bad=1
  fi
}
is() {  # is WHAT GOT WANTED
  [ "$2" = "$3" ] || { echo "FAILED: $1 is \"$2\", must be \"$3\""; bad=1; }
}
