/*
 * Trap matrix, the part below C: entry at EL2, the walker that performs a list of accesses at some Exception level, and what takes the
 * exceptions. Arm ARM, "Exception entry", "Exception vectors", "ESR_ELx, Exception Syndrome Register".
 *
 * Every access is a stub of four words (gen.py): it uses x0 and x1, x19 is the array of values read, x20 that of operands. An exception
 * taken to EL1 goes on to EL2 by HVC: whatever is trapped, EL2 can read the EL1 syndrome.
 */
    .arch armv8.5-a

    .section .text.start, "ax"
    .globl _start
_start:
    msr     daifset, #0xf
    msr     spsel, #1
    ldr     x0, =stack_top
    mov     sp, x0
    ldr     x0, =vectors_el2
    msr     vbar_el2, x0
    mov     x0, #(1 << 31)
    msr     hcr_el2, x0
    ldr     x0, =0x30c50830
    msr     sctlr_el2, x0
    mov     x0, #0xf
    msr     s3_4_c12_c9_5, x0           /* ICC_SRE_EL2 */
    isb
    bl      matrix_main
    b       .

    .text
    /* Performs the accesses whose numbers x23 lists, until a negative one. x30 is where an exception goes on. */
    .globl  walker
walker:
    ldr     w2, [x23], #4
    tbnz    w2, #31, 1f
    add     x2, x24, x2, lsl #4
    mov     x1, xzr
    blr     x2
    b       walker
1:  tbnz    x22, #1, 2f                 /* from EL1 straight to EL2: ELR_EL1 and the like stay as they are */
    svc     #0xfff
2:  hvc     #0xfff
    b       .

    /* void run(const struct Run *): see matrix.c for the fields. x22 is `flags`. */
    .globl  run
run:
    ldr     x9, =saved
    stp     x19, x20, [x9]
    stp     x21, x22, [x9, #16]
    stp     x23, x24, [x9, #32]
    stp     x25, x26, [x9, #48]
    stp     x27, x28, [x9, #64]
    stp     x29, x30, [x9, #80]
    mov     x10, sp
    str     x10, [x9, #96]
    ldp     x23, x20, [x0]
    ldp     x19, x25, [x0, #16]
    ldp     x21, x10, [x0, #32]
    ldp     x22, x26, [x0, #48]
    ldr     x24, =stubs
    ldr     x27, =vectors_el1
    ldr     x28, =stubs_end
    ldr     x11, =walker
    msr     elr_el2, x11
    msr     spsr_el2, x21
    msr     hcr_el2, x10
    isb
    eret

synchronous:
    mrs     x3, esr_el2
    mrs     x4, elr_el2
    sub     x5, x4, x27
    cmp     x5, #0x1000
    b.lo    through_el1
    mov     x6, #2
known:
    lsr     x7, x3, #26
    and     x7, x7, #0x3f
    cmp     x7, #0x15
    b.eq    call
    cmp     x7, #0x16
    b.eq    call
record:
    cmp     x4, x28
    b.hs    lost
    subs    x5, x4, x24
    b.lo    lost
    lsr     x5, x5, #4
    bfi     x3, x6, #32, #32
    str     x3, [x25, x5, lsl #3]
resume:
    msr     elr_el2, x30
    msr     spsr_el2, x21
    eret
call:
    and     x7, x3, #0xffff
    cmp     x7, #0xfff
    b.eq    finished
    cmp     x7, #1
    b.eq    resume
    b       record
through_el1:
    lsr     x7, x3, #26
    and     x7, x7, #0x3f
    cmp     x7, #0x16
    b.ne    lost
    and     x7, x3, #0xffff
    cmp     x7, #2
    b.eq    lost
    mov     x6, #1
    tbnz    x22, #0, 1f
    mrs     x3, esr_el1
    mrs     x4, elr_el1
    b       known
1:  mrs     x3, s3_5_c5_c2_0            /* ESR_EL12 */
    mrs     x4, s3_5_c4_c0_1            /* ELR_EL12 */
    b       known
finished:
    msr     hcr_el2, x26
    msr     spsel, #1
    msr     daifset, #0xf
    isb
    ldr     x9, =saved
    ldp     x19, x20, [x9]
    ldp     x21, x22, [x9, #16]
    ldp     x23, x24, [x9, #32]
    ldp     x25, x26, [x9, #48]
    ldp     x27, x28, [x9, #64]
    ldp     x29, x30, [x9, #80]
    ldr     x10, [x9, #96]
    mov     sp, x10
    ret
other:
    mov     x6, #9
    mrs     x3, esr_el2
    mrs     x4, elr_el2
lost:
    msr     hcr_el2, x26
    isb
    msr     spsel, #1
    ldr     x9, =stack_top
    mov     sp, x9
    mov     x0, x3
    mov     x1, x4
    mov     x2, x6
    mov     x3, x30
    b       fatal

    /* Each table twice, 2 KiB apart: a VBAR that a case has moved by that much still works. */
    .macro  el2_entries
    .rept 4
    .balign 0x80
    b       synchronous
    .rept 3
    .balign 0x80
    b       other
    .endr
    .endr
    .balign 0x800
    .endm
    .macro  el1_entries
    .rept 4
    .balign 0x80
    hvc     #1
    .rept 3
    .balign 0x80
    hvc     #2
    .endr
    .endr
    .balign 0x800
    .endm
    .balign 0x1000
    .globl  vectors_el2
vectors_el2:
    el2_entries
    el2_entries
    .globl  vectors_el1
vectors_el1:
    el1_entries
    el1_entries

    .bss
    .balign 4096
    .globl  buffer, vncr_page
buffer:
    .space  4096
vncr_page:
    .space  4096
saved:
    .space  128
    .space  16384
stack_top:
