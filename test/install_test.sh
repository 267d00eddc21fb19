#!/bin/sh
# The installed package is enough: the examples build against it with cmake and with pkg-config,
# shared and static, and run.
[ -z "$HADAL_INSTRUMENTED" ] || { echo "skip: only what is installed is tested"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
must() { "$@" >"$dir/log" 2>&1 || { echo "failed: $*"; tail -n 30 "$dir/log"; exit 1; }; }

must cmake --install "$HADAL_BUILD" --prefix "$dir/prefix"
# It must work from where it was moved to.
mv "$dir/prefix" "$dir/moved"
prefix=$dir/moved
[ -e "$prefix/include/hadal/base.h" ] || { echo "no headers were installed"; exit 1; }
lib=$(dirname "$(find "$prefix" -name libhadal.a)")
export PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib"

cxx=
command -v c++ >/dev/null 2>&1 && cxx=c++ || echo "skip: c++ is missing, C++ examples were left out"
mkdir "$dir/use"
printf '#include <hadal/base.h>\n#include <stdio.h>\nint main(void) { return puts(hd_version()) < 0; }\n' \
  >"$dir/use/version.c"
cp "$HADAL_SOURCE"/examples/*.c "$dir/use" 2>/dev/null
[ -z "$cxx" ] || cp "$HADAL_SOURCE"/examples/*.cpp "$dir/use" 2>/dev/null

# pkg-config, shared and static. -lhadal-extra is there when it was built.
package=hadal
[ -e "$lib/pkgconfig/hadal-extra.pc" ] && package=hadal-extra
flags='-Wall -Wextra -Wpedantic -Werror'
for source in "$dir"/use/*; do
  name=$(basename "$source")
  case $name in
    *.c) compile="${CC:-cc} -std=c11" ;;
    *) compile="$cxx -std=c++20" ;;
  esac
  # shellcheck disable=SC2046  # flags split
  if [ -e "$lib/libhadal.so" ]; then
    must $compile $flags "$source" -o "$dir/$name.shared" $(pkg-config --cflags --libs $package) -lm
  fi
  must $compile $flags $(pkg-config --cflags $package) "$source" -o "$dir/$name.static" \
    -L"$lib" -Wl,-Bstatic $(pkg-config --static --libs-only-l $package |
      tr ' ' '\n' | grep -E '^-lhadal' | tr '\n' ' ') \
    -Wl,-Bdynamic $(pkg-config --static --libs $package | sed 's/-lhadal[a-z-]*//g') -lm -lpthread
done

# cmake
cat >"$dir/use/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.21)
project(use C)
find_package(hadal 0.1 REQUIRED)
if(CXX)
  enable_language(CXX)
  set(CMAKE_CXX_STANDARD 20)
endif()
file(GLOB sources *.c *.cpp)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME)
  foreach(kind hadal hadal_static extra extra_static)
    if(TARGET hadal::${kind})
      add_executable(${name}.${kind} ${source})
      target_link_libraries(${name}.${kind} PRIVATE hadal::${kind} m)
    endif()
  endforeach()
endforeach()
END
must cmake -S "$dir/use" -B "$dir/made" -DCMAKE_PREFIX_PATH="$prefix" -DCXX="$cxx"
must cmake --build "$dir/made" -j 2

# Run each example once, and the version from each binary. HADAL_FAST asks an example to be short.
cd "$dir" || exit 1
for binary in "$dir"/*.shared "$dir"/*.static "$dir"/made/version.c.*; do
  [ -x "$binary" ] || continue
  must "$binary" HADAL_FAST
  echo "$(basename "$binary"): $(head -n 1 "$dir/log")"
done
