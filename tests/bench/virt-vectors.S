/*
 * Vectors of virt.c: what a small hypervisor does on an exit, and a guest's interrupt handler. Arm ARM, "Exception vectors".
 * HVC #0: nothing. HVC #1: VTTBR_EL2 = x0. HVC #0xffff: the runtime's (rt.S), which goes back to the C caller at EL2.
 * All other exits save every register and call virt_exit.
 */
    .arch armv8.5-a
    .section .text
    .macro  unused
    .balign 0x80
    b       .
    .endm

    .balign 0x800
    .globl  virt_vectors_el2
virt_vectors_el2:
    .rept   8
    unused
    .endr
    .balign 0x80                        /* 0x400: synchronous, from EL1 */
    stp     x0, x1, [sp, #-16]!
    mrs     x0, esr_el2
    lsr     x1, x0, #26
    cmp     x1, #0x16
    b.ne    full_exit
    ands    x0, x0, #0xffff
    b.ne    other_hvc
    ldp     x0, x1, [sp], #16
    eret
other_hvc:
    cmp     x0, #1
    ldp     x0, x1, [sp], #16
    b.ne    vectors_el2 + 0x400
    msr     vttbr_el2, x0
    eret
    .rept   7
    unused
    .endr

full_exit:
    sub     sp, sp, #256
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
    ldp     x2, x3, [sp, #256]
    stp     x2, x3, [sp]
    mov     x1, sp
    bl      virt_exit
    ldp     x2, x3, [sp]
    stp     x2, x3, [sp, #256]
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
    add     sp, sp, #256
    ldp     x0, x1, [sp], #16
    eret

    /* The guest's: an interrupt is acknowledged, counted in x28, and ended. */
    .balign 0x800
    .globl  virt_vectors_el1
virt_vectors_el1:
    .rept   5
    unused
    .endr
    .balign 0x80                        /* 0x280: IRQ, from EL1 */
    stp     x0, x1, [sp, #-16]!
    mrs     x0, s3_0_c12_c12_0          /* ICC_IAR1_EL1 */
    add     x28, x28, #1
    msr     s3_0_c12_c12_1, x0          /* ICC_EOIR1_EL1 */
    ldp     x0, x1, [sp], #16
    eret
    .rept   10
    unused
    .endr

    /* The loops, entered at EL1: x0 = rounds. */
    .macro  loop name
    .globl  \name
    .balign 64
\name:
    .endm

    loop    run_hypercall
1:  hvc     #0
    subs    x0, x0, #1
    b.ne    1b
    ret

    loop    run_mmio
    mov     x2, #0x0a000000             /* not mapped at stage 2 */
1:  ldr     w1, [x2, #8]
    subs    x0, x0, #1
    b.ne    1b
    ret

    loop    run_vipi
    mov     x9, x28
    mov     x28, #0
    mov     x3, #0
    ldr     x2, =(5 << 24 | 1)          /* SGI 5 to this CPU */
    msr     daifclr, #2
1:  add     x3, x3, #1
    msr     s3_0_c12_c11_5, x2          /* ICC_SGI1R_EL1 */
2:  cmp     x28, x3
    b.ne    2b
    subs    x0, x0, #1
    b.ne    1b
    msr     daifset, #2
    mov     x28, x9
    ret

    /* One load from each of x4 pages from x5 on. */
    .macro  touch
    mov     x6, x5
    mov     x7, x4
9:  ldr     x8, [x6]
    add     x6, x6, #4096
    subs    x7, x7, #1
    b.ne    9b
    .endm

    .macro  set pages
    ldr     x5, =virt_set
    ldr     x5, [x5]
    mov     x4, #\pages
    .endm

    loop    run_touch
    set     512
1:  touch
    subs    x0, x0, #1
    b.ne    1b
    ret

    /* The page that goes is another one each time. */
    .macro  tlbi_loop name, pages
    loop    \name
    set     \pages
    lsr     x2, x5, #12
    mov     x9, #1 << 48                /* ASID 1 */
1:  and     x3, x0, #(\pages - 1)
    add     x3, x3, x2
    orr     x3, x3, x9
    dsb     ishst
    tlbi    vae1is, x3
    dsb     ish
    touch
    subs    x0, x0, #1
    b.ne    1b
    ret
    .endm
    tlbi_loop run_tlbi_512, 512
    tlbi_loop run_tlbi_64, 64

    loop    run_asid
    set     64
    ldr     x2, =virt_ttbr
    ldp     x1, x2, [x2]
1:  msr     ttbr0_el1, x2
    isb
    touch
    msr     ttbr0_el1, x1
    isb
    touch
    subs    x0, x0, #2
    b.ne    1b
    ret

    loop    run_vmid
    set     512
    ldr     x2, =virt_vttbr
    ldp     x1, x2, [x2]
1:  mov     x10, x0
    mov     x0, x2
    hvc     #1
    touch
    mov     x0, x1
    hvc     #1
    touch
    subs    x0, x10, #2
    b.ne    1b
    ret
