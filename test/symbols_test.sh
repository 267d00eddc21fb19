#!/bin/sh
# What the libraries define, export and call: only hd_* names, every object there, nothing that ends
# or talks over the head of the host, memory from one place.
cd "$HADAL_BUILD" || exit 1
command -v nm >/dev/null 2>&1 || { echo "skip: nm is missing (apt install binutils)"; exit 77; }
bad=0
fail() { echo "$1"; bad=1; }
# The sanitizers and the coverage counters add names of their own.
own='^(hd_|__(asan|odr_asan|ubsan|tsan|sancov|gcov|llvm)|_ZN)'

for library in libhadal.a libhadal-extra.a; do
  [ -e $library ] || continue
  defined=$(nm -g --defined-only $library 2>/dev/null | awk 'NF == 3 {print $3}' | sort)
  alien=$(echo "$defined" | grep -Ev "$own" | sort -u)
  [ -z "$alien" ] || fail "$library defines names without hd_: $(echo $alien)"
  double=$(echo "$defined" | grep '^hd_' | uniq -d)
  [ -z "$double" ] || fail "$library defines twice: $(echo $double)"
  called=$(nm -u $library | awk 'NF == 2 {print $2}' | sort -u | grep -Ex \
    'abort|_?_?exit|_Exit|__assert_fail|v?f?printf|puts|fputs|putchar|perror|s?rand|random|(secure_)?getenv|setenv|strto(d|f|ld)|ato[ifl]|setlocale|signal|sigaction|system|popen|dlopen')
  [ -z "$called" ] || fail "$library calls: $(echo $called)"
done

# Memory comes through the allocator of base and files through its POSIX calls; nobody else's object
# may call these.
strays=$(nm -A -u libhadal.a | awk '{sub(/^[^:]*:/, ""); sub(/:.* /, " "); print}' | grep -E \
  ' (malloc|calloc|realloc|free|strdup|posix_memalign|aligned_alloc|fopen|open|openat)$' |
  awk '{print $1}' | sort -u | sed 's/\.c\.o$//; s/\.o$//')
for object in $strays; do
  [ -e "$HADAL_SOURCE/src/base/$object.c" ] ||
    fail "$object.c calls malloc, free or open itself; use hd_alloc, hd_release and the hd_io layer"
done

# Two floors may have files of the same name: all of them must be in the archive.
count() { find "$@" -maxdepth 1 -name '*.c' ! -name '*_test.c' ! -name '*_fuzz.c' 2>/dev/null | wc -l; }
cd "$HADAL_SOURCE/src" || exit 1
wanted=$(($(count base tensor kernel graph op grad plan store nn io data train learn model recipe) + $(count op)))
there=$(ar t "$HADAL_BUILD/libhadal.a" | wc -l)
[ "$wanted" = "$there" ] || fail "libhadal.a has $there objects for $wanted sources"

cd "$HADAL_BUILD" || exit 1
for library in libhadal.so libhadal-extra.so; do
  if [ ! -e $library ]; then
    echo "skip: $library was not built"
    continue
  fi
  alien=$(nm -D --defined-only $library | awk '{print $3}' | grep -Ev '^hd_')
  [ -z "$alien" ] || fail "$library exports: $(echo $alien)"
  readelf -d $library 2>/dev/null | grep -Eq 'SONAME.*\[lib[a-z-]*\.so\.[0-9]+\.[0-9]+\]' ||
    fail "$library has no soname of the form lib.so.MAJOR.MINOR"
done
# Everything that the public headers declare is exported, and nothing else is.
if [ -e libhadal.so ] && [ $bad = 0 ]; then
  exported=$(nm -D --defined-only libhadal.so | awk '{print $3}' | sort -u)
  public=$(cat "$HADAL_SOURCE"/include/hadal/*.h | grep -oE '\bhd_[a-z0-9_]+\b' | sort -u)
  hidden=$(echo "$exported" | while read -r name; do
    echo "$public" | grep -qx "$name" || echo "$name"; done)
  [ -z "$hidden" ] || fail "libhadal.so exports what no public header declares: $(echo $hidden)"
fi
exit $bad
