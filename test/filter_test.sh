#!/bin/sh
# hadal filter from end to end: every kind of image file, kernels by name and by numbers, refusals.
set -u
. "$HADAL_SOURCE/test/command.sh"
corpus=$HADAL_SOURCE/test/corpus/extra_image
# same FILE BYTES: FILE is a PGM or PPM with these bytes, octal, after its header of 3 words
same() {
  printf "$2" >want
  tail -c "$(wc -c <want)" "$1" >got
  cmp -s want got || { echo "FAILED: $1 holds $(od -An -tu1 got | tr -s ' ')"; bad=1; }
}

check 0 "unsharp" "$H" filter --list
printf 'P5 3 3 255\n\001\002\003\004\005\006\007\010\011' >a.pgm
check 0 "b.pgm: 3 x 3 pixels, identity" "$H" filter identity a.pgm b.pgm
same b.pgm '\001\002\003\004\005\006\007\010\011'
check 0 "your kernel" "$H" filter "-1 2 0" a.pgm b.pgm --edge zero
same b.pgm '\002\003\004\010\006\007\016\011\012'
check 0 "turned" "$H" filter "-1 2 0" a.pgm b.pgm --edge zero --convolve
same b.pgm '\000\001\006\003\004\014\006\007\022'
check 0 "sobel-x" "$H" filter sobel-x a.pgm b.pgm --scale 0.5 --offset 128
same b.pgm '\202\204\202\202\204\202\202\204\202'
check 0 "box-sum" "$H" filter box-sum a.pgm b.pgm --scale=10
same b.pgm '\322\377\377\377\377\377\377\377\377'
printf 'P5 1 1 255\n\144' >one.pgm
check 0 "1 x 1" "$H" filter gaussian one.pgm b.pgm
same b.pgm '\144'
check 0 "1 x 1" "$H" filter gaussian one.pgm b.pgm --edge zero
same b.pgm '\016'
check 0 "" "$H" filter sharpen "$corpus/color.ppm" b.ppm
for file in "$corpus"/*.png "$corpus"/*.jpg; do
  "$H" filter laplace "$file" b.pgm >out 2>err || "$H" filter laplace "$file" b.ppm >out 2>err ||
    grep -q 'not built\|apt install' err || { echo "FAILED: $file: $(cat err)"; bad=1; }
done

check 2 'did you mean "sharpen"' "$H" filter sharpn a.pgm b.pgm
check 2 'see hadal filter --list' "$H" filter watercolour a.pgm b.pgm
check 2 'row 2 has 1 numbers, unlike row 1' "$H" filter "1 2 / 3" a.pgm b.pgm
check 2 'row 1, number 2: "x"' "$H" filter "1 x" a.pgm b.pgm
check 2 'both sides must be odd' "$H" filter "1 2 / 3 4" a.pgm b.pgm
check 2 'nearest or reflect' "$H" filter sharpen a.pgm b.pgm --edge wrap
check 2 'must be a number' "$H" filter sharpen a.pgm b.pgm --scale much
check 2 'something is missing' "$H" filter sharpen
check 1 'GIF' "$H" filter sharpen "$corpus/gif" b.pgm
check 1 'No such file' "$H" filter sharpen none.png b.pgm
"$H" filter --gallery sheet.png >out 2>err || grep -q 'apt install' err ||
  { echo "FAILED: --gallery: $(cat err)"; bad=1; }
exit $bad
