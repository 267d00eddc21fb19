#!/bin/sh
# Folders of images from end to end: trained on with augmentation, evaluated, and single files of
# every kind predicted.
set -u
. "$HADAL_SOURCE/test/command.sh"
corpus=$HADAL_SOURCE/test/corpus/extra_image

# Bright and dark images, of two sizes.
for part in train test; do
  mkdir -p set/$part/bright set/$part/dark
  i=0
  while [ $i -lt 12 ]; do
    [ $((i % 2)) = 0 ] && size='6 8' || size='9 5'
    { printf 'P5 %s 255\n' "$size"; head -c 48 /dev/zero | tr '\0' '\337'; } | head -c $((11 + ${size% *} * ${size#* })) >set/$part/bright/$i.pgm
    { printf 'P5 %s 255\n' "$size"; head -c 48 /dev/zero | tr '\0' '\023'; } | head -c $((11 + ${size% *} * ${size#* })) >set/$part/dark/$i.pgm
    i=$((i + 1))
  done
done
cat >r.json <<END
{"data": {"name": "set/", "size": [7, 6], "channels": 3, "scale": "unit"},
 "augment": {"rotate": 10, "flip": "horizontal", "elastic": {"alpha": 4, "sigma": 2},
             "color": 0.1, "cutout": 2, "mixup": 0.2},
 "model": ["flatten", {"dense": 2}],
 "train": {"epochs": 30, "batch": 8, "optimizer": {"adam": 0.03}}}
END
check 0 'on 24 samples' "$H" train r.json --run one --threads 1
check 0 'Test accuracy 100.00 %' "$H" train r.json --run two --threads 3
cmp -s one/model.safetensors two/model.safetensors || { echo "FAILED: 3 threads give another model"; bad=1; }
grep -q 'rotate: 10\|"rotate": 10' one/recipe.yaml || { echo "FAILED: no augment in recipe.yaml"; bad=1; }
check 0 '"accuracy":1' "$H" eval one --json
check 0 '"parameters":254' "$H" summary r.json --json  # also of what mixup feeds
planned=$("$H" summary r.json --json | grep -o '"peak_bytes_train":[0-9]*' | grep -o '[0-9]*$')
"$H" train r.json --run three --quiet
grep -q "\"peak_bytes_planned\":$planned,\"peak_bytes_used\":$planned,\"step_allocations\":0" \
  three/metrics.jsonl || { echo "FAILED: planned $planned: $(tail -n 1 three/metrics.jsonl)"; bad=1; }
check 0 'accuracy 100.00 %' "$H" eval one --data set/train
check 1 'no/such' "$H" eval one --data no/such
mkdir -p other/bright other/foggy && cp set/test/dark/0.pgm other/foggy
check 1 'foggy: is none of the 2 classes' "$H" eval one --data ./other

check 0 'dark' "$H" predict one set/test/dark/0.pgm set/test/bright/1.pgm
for file in "$corpus"/*.png "$corpus"/*.jpg "$corpus"/*.p[gp]m; do
  case $file in
    *.png) package=libpng-dev ;;
    *.jpg) package=libjpeg62-turbo-dev ;;
    *) package=none ;;
  esac
  "$H" predict one "$file" --json >out 2>err || grep -q $package err || {
    echo "FAILED: predict $file: $(cat err)"
    bad=1
  }
done
cp "$corpus/gif" a.png
check 1 'a.png: is a GIF image, which is not read' "$H" predict one a.png
: >b.png
check 1 'b.png: the file is empty' "$H" predict one b.png
mkdir c.png
check 1 'c.png: Is a directory' "$H" predict one c.png
exit $bad
