# The core with nothing but cc and make: build/core/libhadal.a, its tests (where cmocka is) and
# build/core/hadal, which reads recipes as JSON. Run by `make core`.
CC ?= cc
CFLAGS ?= -O2
B := build/core
floors := base tensor kernel graph op grad store plan nn io data train learn model recipe
flags := -std=c11 -Iinclude -fvisibility=hidden -Wall -Wextra -Wpedantic -Wshadow -MMD -MP $(CFLAGS)
recipes := -DHD_RECIPE_DIR='"/usr/local/share/hadal/recipes"'

plain = $(filter-out %_test.c %_fuzz.c,$(wildcard $(1:%=src/%/*.c)))
core := $(patsubst %.c,$B/%.o,$(call plain,$(floors)))
core += $(patsubst src/op/%.c,$B/src/op/ref64/%.o,$(call plain,op))
app := $(patsubst %.c,$B/%.o,$(filter-out src/cli/main.c,$(call plain,extra report lecture cli)))
tests := $(patsubst %.c,$B/%,$(wildcard $(floors:%=src/%/*_test.c)))

ifneq ($(shell printf '\043include <stdarg.h>\n\043include <stddef.h>\n\043include <setjmp.h>\n\043include <cmocka.h>\nint main(void){return 0;}' | $(CC) -xc - -o /dev/null -lcmocka 2>&1),)
no_tests := cmocka was not found: the tests were left out
tests :=
endif

all: $B/libhadal.a $(if $(wildcard src/cli/main.c),$B/hadal) $(tests:%=%.ran)
	@echo "core: $B/libhadal.a, $(words $(core)) objects, $(words $(tests)) test programs passed$(no_tests:%=; %)"

$B/src/kernel/%.o: src/kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(flags) -O3 -ffp-contract=fast -c $< -o $@
$B/src/op/ref64/%.o: src/op/%.c
	@mkdir -p $(@D)
	$(CC) $(flags) -ffp-contract=off -DHD_REF64 -c $< -o $@
$B/src/cli/%.o: flags += $(recipes)
$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) -ffp-contract=off -c $< -o $@

# From the list of objects, never by replacing members: two floors may have a file of the same name.
$B/libhadal.a: $(core)
	@rm -f $@
	@ar qcs $@ $(core)
$B/hadal: $B/src/cli/main.o $(app) $B/libhadal.a
	$(CC) $(CFLAGS) $^ -o $@ -lm -pthread

$B/%_test: %_test.c $B/libhadal.a
	@mkdir -p $(@D)
	$(CC) $(flags) -ffp-contract=off $< $B/libhadal.a -o $@ -lcmocka -lm -pthread
$B/%.ran: $B/%
	@$< >$<.log 2>&1 || { cat $<.log; echo "failed: $<"; exit 1; }
	@touch $@

-include $(core:.o=.d) $(app:.o=.d) $(tests:=.d)
.PHONY: all
.SECONDARY:
