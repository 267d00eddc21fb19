#!/bin/sh
# Every public header compiles alone, as C11 and as C++20, with every warning an error.
cd "$HADAL_SOURCE" || exit 1
bad=0 count=0
flags='-Iinclude -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only'
for compiler in gcc clang g++ clang++; do
  if ! command -v $compiler >/dev/null 2>&1; then
    echo "skip: $compiler is missing"
    continue
  fi
  case $compiler in
    *++) language='-x c++ -std=c++20' ;;
    *) language='-x c -std=c11' ;;
  esac
  for header in include/hadal/*.h; do
    # Twice, so that the guard is tested as well.
    printf '#include <%s>\n#include <%s>\n' "${header#include/}" "${header#include/}" |
      $compiler $language $flags - || { echo "$compiler refuses $header alone"; bad=1; }
    count=$((count + 1))
  done
done
echo "$count compilations"
[ $count -gt 0 ] || exit 1
exit $bad
