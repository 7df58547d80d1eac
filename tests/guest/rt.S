/*
 * Runtime of the guest tests: entry at EL2 (or as a secondary CPU), vectors of EL1 and EL2, and the change of Exception level.
 * Arm ARM, "Exception entry", "Exception vectors", "Exception return".
 */
    .arch armv8.5-a

/* Offsets in struct RtFrame (rt.h). */
    .equ FRAME_ELR, 248
    .equ FRAME_SPSR, 256
    .equ FRAME_ESR, 264
    .equ FRAME_FAR, 272
    .equ FRAME_HPFAR, 280
    .equ FRAME_VECTOR, 288
    .equ FRAME_EL, 296
    .equ FRAME_SIZE, 304

    .section .text.start, "ax"
    .globl _start
_start:
    mov     x19, x0
    mov     x20, #0
    bl      first_steps
    mov     x0, x19
    bl      rt_start
    b       .

    /* Where PSCI CPU_ON sends a CPU: x0 is its number. */
    .globl rt_secondary_entry
rt_secondary_entry:
    mov     x20, x0
    bl      first_steps
    mov     x0, x20
    bl      rt_secondary
    b       .

    /* Stacks of CPU x20 (EL2, EL1, EL0: 16 KiB each), vectors, nothing trapped, MMU off. */
first_steps:
    msr     daifset, #0xf
    msr     spsel, #1
    ldr     x0, =rt_stacks
    mov     x1, #(3 * 16384)
    madd    x0, x1, x20, x0
    add     x0, x0, #16384
    mov     sp, x0
    add     x0, x0, #16384
    msr     sp_el1, x0
    add     x0, x0, #16384
    msr     sp_el0, x0
    ldr     x0, =vectors_el2
    msr     vbar_el2, x0
    mov     x0, #(1 << 31)
    msr     hcr_el2, x0
    ldr     x0, =0x30c50830
    msr     sctlr_el2, x0
    isb
    mrs     x2, hcr_el2
    ldr     x0, =0x30d00980
    ldr     x1, =vectors_el1
    tbnz    x2, #34, 1f
    msr     sctlr_el1, x0
    msr     vbar_el1, x1
    b       2f
1:  msr     s3_5_c1_c0_0, x0            /* E2H is RES1: SCTLR_EL12, VBAR_EL12 */
    msr     s3_5_c12_c0_0, x1
2:
    ldr     x0, =0x33ff
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    mov     x0, #3
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    mrs     x0, id_aa64dfr0_el1
    ubfx    x0, x0, #8, #4
    mov     x1, #0
    cbz     x0, 1f
    cmp     x0, #15
    b.eq    1f
    mrs     x1, pmcr_el0
    ubfx    x1, x1, #11, #5
1:  msr     mdcr_el2, x1
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    mov     x0, #0xf
    msr     s3_4_c12_c9_5, x0           /* ICC_SRE_EL2 */
    isb
    ret

    .text
    .macro  entry el, offset
    .balign 0x80
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp]
    mov     x0, #\offset
    b       save_el\el
    .endm

    .macro  table el
    .balign 0x800
    .globl  vectors_el\el
vectors_el\el:
    .irp offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
    entry   \el, \offset
    .endr

save_el\el:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    str     x30, [sp, #240]
    str     x0, [sp, #FRAME_VECTOR]
    mov     x0, #\el
    str     x0, [sp, #FRAME_EL]
    mrs     x0, elr_el\el
    mrs     x1, spsr_el\el
    mrs     x2, esr_el\el
    mrs     x3, far_el\el
    .if \el == 2
    mrs     x4, hpfar_el2
    .else
    mov     x4, #0
    .endif
    str     x0, [sp, #FRAME_ELR]
    str     x1, [sp, #FRAME_SPSR]
    str     x2, [sp, #FRAME_ESR]
    str     x3, [sp, #FRAME_FAR]
    str     x4, [sp, #FRAME_HPFAR]
    mov     x0, sp
    bl      rt_exception
    ldr     x0, [sp, #FRAME_ELR]
    ldr     x1, [sp, #FRAME_SPSR]
    msr     elr_el\el, x0
    msr     spsr_el\el, x1
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldr     x30, [sp, #240]
    ldp     x0, x1, [sp], #FRAME_SIZE
    eret

    /* uint64_t rt_enter_elN(struct RtContext *, spsr, pc, arg): ERET from ELN; comes back through rt_leave. */
    .globl  rt_enter_el\el
rt_enter_el\el:
    stp     x19, x20, [x0]
    stp     x21, x22, [x0, #16]
    stp     x23, x24, [x0, #32]
    stp     x25, x26, [x0, #48]
    stp     x27, x28, [x0, #64]
    stp     x29, x30, [x0, #80]
    mov     x9, sp
    mrs     x10, daif
    stp     x9, x10, [x0, #96]
    msr     elr_el\el, x2
    msr     spsr_el\el, x1
    mov     x0, x3
    adr     x30, return_el1
    tst     x1, #0xc
    adr     x9, return_el0
    csel    x30, x30, x9, ne
    eret
    .endm

    table   1
    table   2

    /* Where a function entered by rt_enter returns: carries x0 back. */
return_el0:
    svc     #0xffff
    b       .
return_el1:
    hvc     #0xffff
    b       .

    /* void rt_leave(struct RtContext *, value): leaves the exception handler and returns from rt_enter. */
    .globl  rt_leave
rt_leave:
    ldp     x19, x20, [x0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0, #64]
    ldp     x29, x30, [x0, #80]
    ldp     x9, x10, [x0, #96]
    mov     sp, x9
    msr     daif, x10
    mov     x0, x1
    ret
