/*
 * Text of a block: `v5 = ADD.i64 v3 v4`, one op a line; the argument of an INSN is the delta and
 * the word.
 */
#include "armillary/ir.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

typedef struct {
    char *text;
    size_t used, room;
} Text;

__attribute__((format(printf, 2, 3))) static void add(Text *t, const char *format, ...)
{
    va_list args;
    if (t->room - t->used < 160) {
        size_t room = t->room * 2 + 4096;
        char *bigger = realloc(t->text, room);
        if (!bigger)
            return;
        t->text = bigger;
        t->room = room;
    }
    va_start(args, format);
    int n = vsnprintf(t->text + t->used, t->room - t->used, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < t->room - t->used)
        t->used += (size_t)n;
}

static void add_imm(Text *t, const IrBlock *b, const IrOp *op)
{
    switch (op->op) {
    case IR_INSN:
        add(t, " +0x%" PRIx32 ": %08" PRIx32, (uint32_t)(op->imm >> 32), (uint32_t)op->imm);
        break;
    case IR_GOTO_IF:
        add(t, " %+" PRId32 " else %+" PRId32, (int32_t)(op->imm >> 32), (int32_t)op->imm);
        break;
    case IR_GOTO:
    case IR_EXIT:
    case IR_PC:
        add(t, " %+" PRId64, (int64_t)op->imm);
        break;
    case IR_CALL:
        add(t, " %s", ((const IrHelper *)(uintptr_t)op->imm)->name);
        break;
    case IR_VEC:
        add(t, " @%u @%u @%u desc 0x%" PRIx64, op->a, op->b, op->c,
            op->imm < b->n_vecs ? b->vecs[op->imm].desc : 0);
        break;
    case IR_GET:
    case IR_PUT:
        add(t, " @%" PRIu64, op->imm);
        break;
    case IR_UBFX:
    case IR_SBFX:
    case IR_BFI:
        add(t, " lsb %u width %u", IR_FIELD_LSB(op->imm), IR_FIELD_WIDTH(op->imm));
        break;
    default:
        if (op->imm || op->op == IR_CONST)
            add(t, " 0x%" PRIx64, op->imm);
        break;
    }
}

static void add_op(Text *t, const IrBlock *b, uint32_t at)
{
    static const char *const types[] = {"i8", "i16", "i32", "i64"};
    const IrOp *op = &b->ops[at];
    const IrOpInfo *info = ir_op_info(op->op);
    const IrVal args[3] = {op->a, op->b, op->c};
    if (info->result)
        add(t, "v%" PRIu32 " = ", at);
    add(t, "%s.%s", info->name, types[op->type & 3]);
    for (unsigned i = 0; i < info->args; i++)
        add(t, args[i] ? " v%u" : " -", args[i]);
    add_imm(t, b, op);
    add(t, "\n");
}

char *ir_print(const IrBlock *b)
{
    Text t = {0};
    add(&t, "%s", "");
    for (uint32_t i = 1; i < b->n_ops; i++)
        add_op(&t, b, i);
    return t.text;
}
