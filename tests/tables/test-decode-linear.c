/*
 * The generated decoder against a linear search of the row list (a64-rows.tsv): the word belongs to the row with the
 * most fixed bits whose pattern and constraints hold. The list is read here anew, so that nothing but the
 * table is shared with the decoder's generator.
 *
 * usage: test-decode-linear ROWS.tsv [all]     one word in 64, or all 2^32
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "a64-rows.h"

enum { MAX_PARTS = 4, MAX_FIELDS = 12, MAX_RULES = 6, MAX_NUMBERS = 10, MAX_LINE = 4096 };

typedef struct {
    char name[24];
    unsigned n_parts, width;
    unsigned lsb[MAX_PARTS], bits[MAX_PARTS];
} Field;

typedef struct {
    bool used;
    unsigned n_fields, n_numbers;
    const Field *fields[MAX_FIELDS];
    const Field *other;
    char op[3];
    uint32_t numbers[MAX_NUMBERS];
} Atom;

typedef struct {
    Atom cond, then;
} Rule;

typedef struct {
    A64Row id;
    uint32_t mask, value;
    unsigned n_fields, n_rules;
    Field fields[MAX_FIELDS];
    Rule rules[MAX_RULES];
} Row;

static Row rows[A64_ROW_COUNT];
static const Row *sorted[A64_ROW_COUNT]; /* most fixed bits first */
static unsigned n_rows;

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "a64-rows.tsv: %s: %s\n", what, text);
    exit(1);
}

/* name:lsb.width+lsb.width */
static void parse_field(Row *row, char *text)
{
    if (row->n_fields == MAX_FIELDS) {
        fail("too many fields", text);
    }
    Field *field = &row->fields[row->n_fields++];
    char *parts = strchr(text, ':');
    snprintf(field->name, sizeof field->name, "%.*s", (int)(parts - text), text);
    for (char *part = parts; part && *part; part = strchr(part + 1, '+')) {
        unsigned i = field->n_parts++;
        if (i == MAX_PARTS || sscanf(part + 1, "%u.%u", &field->lsb[i], &field->bits[i]) != 2) {
            fail("cannot read the field", text);
        }
        field->width += field->bits[i];
    }
}

static const Field *find_field(const Row *row, const char *name, size_t length)
{
    for (unsigned i = 0; i < row->n_fields; i++) {
        if (strlen(row->fields[i].name) == length && !memcmp(row->fields[i].name, name, length)) {
            return &row->fields[i];
        }
    }
    fail("no such field", name);
    return NULL;
}

static void parse_atom(const Row *row, Atom *atom, char *text)
{
    size_t left = strcspn(text, "=!<>");
    size_t op = strspn(text + left, "=!<>");
    char *right = text + left + op;

    atom->used = true;
    snprintf(atom->op, sizeof atom->op, "%.*s", (int)op, text + left);
    text[left] = 0;
    for (char *name = strtok(text, ":"); name; name = strtok(NULL, ":")) {
        atom->fields[atom->n_fields++] = find_field(row, name, strlen(name));
    }
    if (*right >= 'a' && *right <= 'z') {
        atom->other = find_field(row, right, strlen(right));
        return;
    }
    for (char *number = strtok(right, ","); number; number = strtok(NULL, ",")) {
        atom->numbers[atom->n_numbers++] = (uint32_t)strtoul(number, NULL, 0);
    }
}

static void parse_rule(Row *row, char *text)
{
    char *arrow = strstr(text, "=>");
    if (arrow && arrow[2] >= 'A' && arrow[2] <= 'Z') {
        return; /* a feature's condition */
    }
    if (row->n_rules == MAX_RULES) {
        fail("too many constraints", text);
    }
    Rule *rule = &row->rules[row->n_rules++];
    if (arrow) {
        *arrow = 0;
        parse_atom(row, &rule->cond, text);
        text = arrow + 2;
    }
    parse_atom(row, &rule->then, text);
}

static void each_word(Row *row, char *column, void (*parse)(Row *, char *))
{
    char *next;
    for (char *word = column; word && *word; word = next) {
        next = strchr(word, ' ');
        if (next) {
            *next++ = 0;
        }
        parse(row, word);
    }
}

static void read_rows(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[MAX_LINE];
    if (!file || !fgets(line, sizeof line, file)) {
        fail("cannot read", path);
    }
    while (fgets(line, sizeof line, file)) {
        char *columns[16], *rest = line;
        unsigned n = 0;
        while (n < 16 && (columns[n] = strsep(&rest, "\t\n"))) {
            n++;
        }
        Row *row = &rows[n_rows++];
        row->id = (A64Row)n_rows;
        if (n < 11 || n_rows >= A64_ROW_COUNT || strcmp(columns[0], a64_row_name(row->id)) != 0) {
            fail("not the list of this decoder", columns[0]);
        }
        row->mask = (uint32_t)strtoul(columns[1], NULL, 16);
        row->value = (uint32_t)strtoul(columns[2], NULL, 16);
        each_word(row, columns[8], parse_field);
        each_word(row, columns[9], parse_rule);
    }
    fclose(file);
}

static uint32_t field_value(const Field *field, uint32_t w)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < field->n_parts; i++) {
        uint32_t ones = (uint32_t)((UINT64_C(1) << field->bits[i]) - 1);
        value = value << field->bits[i] | (w >> field->lsb[i] & ones);
    }
    return value;
}

static bool atom_holds(const Atom *atom, uint32_t w)
{
    uint32_t left = 0, right = atom->other ? field_value(atom->other, w) : atom->numbers[0];
    bool listed = atom->other != NULL;

    for (unsigned i = 0; i < atom->n_fields; i++) {
        left = left << atom->fields[i]->width | field_value(atom->fields[i], w);
    }
    listed = listed && left == right;
    for (unsigned i = 0; i < atom->n_numbers; i++) {
        listed = listed || left == atom->numbers[i];
    }
    switch (atom->op[0]) {
    case '=':
        return listed;
    case '!':
        return !listed;
    case '<':
        return left < right || (atom->op[1] && left == right);
    default:
        return left > right || (atom->op[1] && left == right);
    }
}

static bool row_holds(const Row *row, uint32_t w)
{
    if ((w & row->mask) != row->value) {
        return false;
    }
    for (unsigned i = 0; i < row->n_rules; i++) {
        const Rule *rule = &row->rules[i];
        if ((!rule->cond.used || atom_holds(&rule->cond, w)) && !atom_holds(&rule->then, w)) {
            return false;
        }
    }
    return true;
}

static int by_weight(const void *x, const void *y)
{
    const Row *a = *(const Row *const *)x, *b = *(const Row *const *)y;
    int diff = __builtin_popcount(b->mask) - __builtin_popcount(a->mask);
    return diff ? diff : strcmp(a64_row_name(a->id), a64_row_name(b->id));
}

/* Does the decoder find the row that the search finds among those? */
static bool agrees(const Row *const *near, unsigned n_near, uint32_t w)
{
    A64Row expected = A64_ROW_NONE;
    for (unsigned i = 0; i < n_near && expected == A64_ROW_NONE; i++) {
        if (row_holds(near[i], w)) {
            expected = near[i]->id;
        }
    }
    if (a64_row(w) != expected) {
        fprintf(stderr, "%08x: decoder says %s, table says %s\n", (unsigned)w, a64_insn_name(w),
                a64_row_name(expected));
    }
    return a64_row(w) == expected;
}

/* The words of one high half: all, or one in each 64. Returns the number of disagreements. */
static unsigned compare_half(uint32_t half, bool all)
{
    static const Row *near[A64_ROW_COUNT];
    unsigned n_near = 0, wrong = 0;

    for (unsigned i = 0; i < n_rows; i++) {
        if (!((half << 16 ^ sorted[i]->value) & sorted[i]->mask & 0xffff0000)) {
            near[n_near++] = sorted[i];
        }
    }
    for (uint32_t low = 0; low < 0x10000 && wrong < 3; low += all ? 1 : 64) {
        uint32_t inside = all ? 0 : (half * 37 + (low >> 6) * 11) % 64;
        wrong += !agrees(near, n_near, half << 16 | low | inside);
    }
    return wrong;
}

/* Words of the row itself, the free bits from a fixed xorshift sequence. */
static unsigned compare_row(const Row *row)
{
    uint32_t x = 0x9e3779b9u ^ row->value;
    unsigned wrong = 0;

    for (unsigned i = 0; i < 1024 && wrong < 3; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        wrong += !agrees(sorted, n_rows, row->value | (x & ~row->mask));
    }
    return wrong;
}

int main(int argc, char **argv)
{
    bool all = argc > 2 && !strcmp(argv[2], "all");
    unsigned wrong = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s ROWS.tsv [all]\n", argv[0]);
        return 2;
    }
    read_rows(argv[1]);
    for (unsigned i = 0; i < n_rows; i++) {
        sorted[i] = &rows[i];
    }
    qsort(sorted, n_rows, sizeof sorted[0], by_weight);
    for (unsigned i = 0; i < n_rows; i++) {
        wrong += compare_row(&rows[i]);
    }
    for (uint32_t half = 0; half < 0x10000 && wrong < 100; half++) {
        wrong += compare_half(half, all);
    }
    printf("%u rows, %s words, %u disagreements\n", n_rows, all ? "all" : "1/64 of the", wrong);
    return wrong != 0;
}
