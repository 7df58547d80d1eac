// armillary demo hello: a program at EL1 that prints where it is, takes five ticks of the virtual timer and powers off.
// Started at EL2 it goes down to EL1 by itself. Under the hypervisor of el2.s (x0 says so) it is already there.
// Arm ARM, "Exception levels", "The Generic Timer"; Arm GIC Architecture Specification, "Programming"; Arm PSCI.

    .equ GICD, 0x08000000
    .equ GICR, 0x080a0000
    .equ GICR_SGI, 0x080b0000
    .equ TIMER, 27
    .equ TICKS, 5
    .equ SYSTEM_OFF, 0x84000008
    .equ UNDER_HYPERVISOR, 0xe12

    .include "print.s"

    .text
    .globl  _start
_start:
    mov     x19, #0
    cmp     x0, #UNDER_HYPERVISOR
    cinc    x19, x19, eq
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.ne    at_el1
    mov     x0, #(1 << 31)              // EL1 is AArch64
    msr     hcr_el2, x0
    mov     x0, #3                      // counter and timer are EL1's
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #0x33ff                 // no trap of floating point
    msr     cptr_el2, x0
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    mov     x0, #0xf
    msr     s3_4_c12_c9_5, x0           // ICC_SRE_EL2
    ldr     x0, =0x30d00980
    msr     sctlr_el1, x0
    mov     x0, #0x3c5                  // EL1h, all masked
    msr     spsr_el2, x0
    adr     x0, at_el1
    msr     elr_el2, x0
    isb
    eret

at_el1:
    adrp    x0, stack_top
    mov     sp, x0
    adr     x0, vectors
    msr     vbar_el1, x0
    isb
    say     "Hello. I am an EL1 program"
    cbnz    x19, 1f
    say     ", with the machine to myself.\n"
    b       2f
1:  say     ", and somebody runs me.\n"
2:  mrs     x0, CurrentEL
    lsr     x20, x0, #2
    say     "CurrentEL = EL"
    mov     x0, x20
    bl      put_decimal
    bl      new_line
    show    "MIDR_EL1", midr_el1
    show    "MPIDR_EL1", mpidr_el1
    show    "ID_AA64PFR0_EL1", id_aa64pfr0_el1
    show    "ID_AA64MMFR0_EL1", id_aa64mmfr0_el1
    show    "ID_AA64ISAR0_EL1", id_aa64isar0_el1
    show    "SCTLR_EL1", sctlr_el1
    show    "VBAR_EL1", vbar_el1
    show    "CNTFRQ_EL0", cntfrq_el0
    cbz     x19, 3f
    mov     x0, #6
    hvc     #42
    mov     x20, x0
    say     "HVC #42 with 6 answers "
    mov     x0, x20
    bl      put_decimal
    bl      new_line
3:  bl      interrupts_on

    mrs     x21, cntvct_el0
    mov     x22, #0                     // ticks printed
    mov     x23, #0                     // ticks taken
    bl      arm_timer
wait:
    wfi                                 // ends with the interrupt, which is masked
    msr     daifclr, #2                 // ... and taken here
    isb
    msr     daifset, #2
    cmp     x22, x23
    b.eq    wait
    mov     x22, x23
    say     "tick "
    mov     x0, x22
    bl      put_decimal
    say     " of the virtual timer after "
    mrs     x0, cntvct_el0
    sub     x0, x0, x21
    mov     x1, #1000
    mul     x0, x0, x1
    mrs     x1, cntfrq_el0
    udiv    x0, x0, x1
    bl      put_decimal
    say     " ms\n"
    cmp     x22, #TICKS
    b.ne    wait
    msr     cntv_ctl_el0, xzr
    say     "That was all: PSCI SYSTEM_OFF.\n"
    ldr     x0, =SYSTEM_OFF
    smc     #0
    b       .

arm_timer:                              // 10 ms from now
    mrs     x0, cntfrq_el0
    mov     x1, #100
    udiv    x0, x0, x1
    msr     cntv_tval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    ret

interrupts_on:
    ldr     x1, =GICD
    mov     w0, #0x12                   // affinity routing, group 1
    str     w0, [x1]
    ldr     x1, =GICR
    str     wzr, [x1, #0x14]            // GICR_WAKER: awake
1:  ldr     w0, [x1, #0x14]
    tbnz    w0, #2, 1b
    ldr     x1, =GICR_SGI
    mov     w0, #-1
    str     w0, [x1, #0x80]             // group 1
    mov     w0, #0x80
    strb    w0, [x1, #(0x400 + TIMER)]
    mov     w0, #(1 << TIMER)
    str     w0, [x1, #0x100]
    mov     x0, #7
    msr     s3_0_c12_c12_5, x0          // ICC_SRE_EL1
    isb
    mov     x0, #0xff
    msr     s3_0_c4_c6_0, x0            // ICC_PMR_EL1
    mov     x0, #1
    msr     s3_0_c12_c12_7, x0          // ICC_IGRPEN1_EL1
    isb
    ret

    // x23 counts; x10 to x12 are nobody's
    .balign 0x800
vectors:
    .irp    offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
    .balign 0x80
    .if     \offset == 0x280
    mrs     x10, s3_0_c12_c12_0         // ICC_IAR1_EL1
    mov     x11, #TIMER
    cmp     x10, x11
    b.ne    1f
    mrs     x11, cntfrq_el0
    mov     x12, #100
    udiv    x11, x11, x12
    msr     cntv_tval_el0, x11
    isb
    add     x23, x23, #1
1:  msr     s3_0_c12_c12_1, x10         // ICC_EOIR1_EL1
    isb
    eret
    .else
    mov     x20, #\offset
    b       surprise
    .endif
    .endr

surprise:
    say     "exception nobody expected at vector "
    mov     x0, x20
    bl      put_hex
    say     ", ESR_EL1 = "
    mrs     x0, esr_el1
    bl      put_hex
    bl      new_line
    ldr     x0, =SYSTEM_OFF
    smc     #0
    b       .

    .bss
    .balign 4096
    .space  4096
stack_top:
    .space  4096
