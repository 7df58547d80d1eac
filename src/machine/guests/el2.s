// armillary demo el2: a hypervisor of one guest. Stage 2 gives hello.s (embedded) 2 MiB of memory at 0x40200000, which lie at
// 0x44000000; its UART and its GIC distributor do not exist and are made up at the faults; WFI, HVC and SMC come here; its timer
// interrupt is injected through a list register. Arm ARM, "Stage 2 translation", "HCR_EL2"; Arm GIC Architecture Specification,
// "Virtual interrupt handling".

    .equ GICD, 0x08000000
    .equ GICR, 0x080a0000
    .equ GICR_SGI, 0x080b0000
    .equ TIMER, 27
    .equ GUEST_IPA, 0x40200000
    .equ GUEST_PA, 0x44000000
    .equ SYSTEM_OFF, 0x84000008
    .equ UNDER_HYPERVISOR, 0xe12

    // Offsets from x28, our variables, and in the frame of the guest's registers.
    .equ AT_ABORTS, 0
    .equ AT_WFI, 8
    .equ AT_HVC, 16
    .equ AT_SMC, 24
    .equ AT_IRQ, 32
    .equ AT_LENGTH, 40
    .equ AT_LINE, 48
    .equ LINE_MAX, 200
    .equ FRAME, 256

    .include "print.s"

    .text
    .globl  _start
_start:
    adrp    x0, stack_top
    mov     sp, x0
    mrs     x0, CurrentEL
    cmp     x0, #(2 << 2)
    b.eq    1f
    say     "This demo needs EL2.\n"
    b       off
1:  adr     x0, vectors
    msr     vbar_el2, x0
    isb
    adrp    x28, variables
    say     "EL2 | I am a small hypervisor with one guest.\n"
    say     "EL2 | ID_AA64MMFR0_EL1 = "
    mrs     x0, id_aa64mmfr0_el1
    bl      put_hex
    say     ", list registers: "
    mrs     x0, s3_4_c12_c11_1          // ICH_VTR_EL2
    and     x0, x0, #31
    add     x0, x0, #1
    bl      put_decimal
    bl      new_line
    bl      load_guest
    bl      stage2_on
    bl      interrupts_on
    say     "EL2 | stage 2: guest's 0x40200000 is at 0x44000000, VMID 1. Entering EL1.\n"

    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #3
    msr     cnthctl_el2, x0
    mov     x0, #0x33ff
    msr     cptr_el2, x0
    ldr     x0, =0x30d00980
    msr     sctlr_el1, x0
    ldr     x0, =0x80082039             // RW, TSC, TWI, AMO, IMO, FMO, VM
    msr     hcr_el2, x0
    ldr     x0, =GUEST_IPA
    msr     elr_el2, x0
    mov     x0, #0x3c5
    msr     spsr_el2, x0
    isb
    mov     x0, #UNDER_HYPERVISOR
    eret

load_guest:
    adrp    x0, guest_image
    add     x0, x0, :lo12:guest_image
    adrp    x1, guest_end
    add     x1, x1, :lo12:guest_end
    ldr     x2, =GUEST_PA
1:  ldr     x3, [x0], #8
    str     x3, [x2], #8
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    ret

    // 4 KiB granule, 39 bits: a level 1 table with one entry, a level 2 table with one block of 2 MiB
stage2_on:
    adrp    x0, level1
    adrp    x1, level2
    orr     x2, x1, #3
    str     x2, [x0, #8]                // 0x40000000 to 0x7fffffff
    ldr     x2, =(GUEST_PA | 0x7fd)     // Normal, readable, writable, shared, AF, block
    str     x2, [x1, #8]                // 0x40200000
    mov     x2, #(1 << 48)              // VMID 1
    orr     x2, x2, x0
    msr     vttbr_el2, x2
    mrs     x2, id_aa64mmfr0_el1
    and     x2, x2, #7                  // PARange is PS, up to 52 bits
    ldr     x3, =0x80003559             // T0SZ 25, SL0 level 1, walks cached and shared
    orr     x3, x3, x2, lsl #16
    msr     vtcr_el2, x3
    dsb     sy
    isb
    tlbi    vmalls12e1
    dsb     sy
    isb
    ret

    // The physical GIC: the timer's PPI in group 1. An EOI drops the priority only: the guest's own EOI deactivates.
interrupts_on:
    mov     x0, #0xf
    msr     s3_4_c12_c9_5, x0           // ICC_SRE_EL2
    isb
    ldr     x1, =GICD
    mov     w0, #0x12
    str     w0, [x1]
    ldr     x1, =GICR
    str     wzr, [x1, #0x14]
1:  ldr     w0, [x1, #0x14]
    tbnz    w0, #2, 1b
    ldr     x1, =GICR_SGI
    mov     w0, #-1
    str     w0, [x1, #0x80]
    mov     w0, #0x80
    strb    w0, [x1, #(0x400 + TIMER)]
    mov     w0, #(1 << TIMER)
    str     w0, [x1, #0x100]
    mov     x0, #7
    msr     s3_0_c12_c12_5, x0          // ICC_SRE_EL1
    isb
    mov     x0, #0xff
    msr     s3_0_c4_c6_0, x0            // ICC_PMR_EL1
    mov     x0, #2
    msr     s3_0_c12_c12_4, x0          // ICC_CTLR_EL1.EOImode
    mov     x0, #1
    msr     s3_0_c12_c12_7, x0          // ICC_IGRPEN1_EL1
    msr     s3_4_c12_c11_0, x0          // ICH_HCR_EL2.En
    msr     s3_4_c12_c11_7, xzr         // ICH_VMCR_EL2
    isb
    ret

    .macro  enter_handler
    sub     sp, sp, #FRAME
    stp     x0, x1, [sp]
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
    stp     x30, xzr, [sp, #240]        // xzr: what the guest means by register 31
    adrp    x28, variables
    .endm

    .macro  count what
    ldr     x0, [x28, #\what]
    add     x0, x0, #1
    str     x0, [x28, #\what]
    .endm

    .balign 0x800
vectors:
    .irp    offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
    .balign 0x80
    .if     \offset == 0x400
    enter_handler
    b       on_trap
    .elseif \offset == 0x480
    enter_handler
    b       on_irq
    .else
    adrp    x28, variables
    mov     x20, #\offset
    b       surprise
    .endif
    .endr

go_on:
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
    ldp     x0, x1, [sp], #FRAME
    eret

skip_and_go_on:
    mrs     x0, elr_el2
    add     x0, x0, #4
    msr     elr_el2, x0
    b       go_on

on_trap:
    mrs     x19, esr_el2
    lsr     x0, x19, #26
    cmp     x0, #0x24
    b.eq    on_abort
    cmp     x0, #0x16
    b.eq    on_hvc
    cmp     x0, #0x17
    b.eq    on_smc
    cmp     x0, #0x01
    b.eq    on_wfi
    mov     x20, #0x400
    b       surprise

    // A stage 2 fault of the guest's load or store: what device is it, which register?
on_abort:
    count   AT_ABORTS
    tbz     x19, #24, not_ours          // ISV: the syndrome says which register
    mrs     x20, hpfar_el2
    lsl     x20, x20, #8
    mrs     x0, far_el2
    and     x0, x0, #0xfff
    orr     x20, x20, x0                // the guest's physical address
    ubfx    x21, x19, #16, #5           // SRT
    lsr     x0, x20, #12
    cmp     x0, #(UART >> 12)
    b.eq    on_uart
    lsr     x0, x20, #24
    cmp     x0, #(GICD >> 24)
    b.ne    not_ours
    tbnz    x19, #6, skip_and_go_on     // the distributor swallows writes and reads as zero
    b       answer_zero
on_uart:
    tbz     x19, #6, answer_zero        // flags: never full
    and     x0, x20, #0xfff
    cbnz    x0, skip_and_go_on
    ldr     x0, [sp, x21, lsl #3]
    bl      guest_char
    b       skip_and_go_on
answer_zero:
    cmp     x21, #31
    b.eq    skip_and_go_on
    str     xzr, [sp, x21, lsl #3]
    b       skip_and_go_on
not_ours:
    mov     x20, #0x400
    b       surprise

    // Collects the guest's line and prints it behind a prefix.
guest_char:
    mov     x27, x30
    ldr     x1, [x28, #AT_LENGTH]
    add     x2, x28, #AT_LINE
    and     w0, w0, #0xff
    cmp     w0, #'\n'
    b.eq    1f
    strb    w0, [x2, x1]
    add     x1, x1, #1
    str     x1, [x28, #AT_LENGTH]
    cmp     x1, #LINE_MAX
    b.lo    2f
1:  strb    wzr, [x2, x1]
    str     xzr, [x28, #AT_LENGTH]
    say     "EL1 |   "
    add     x0, x28, #AT_LINE
    bl      puts
    bl      new_line
2:  mov     x30, x27
    ret

on_hvc:
    count   AT_HVC
    say     "EL2 | HVC #"
    and     x0, x19, #0xffff
    bl      put_decimal
    say     " from the guest, x0 = "
    ldr     x0, [sp]
    bl      put_hex
    bl      new_line
    ldr     x0, [sp]
    mov     x1, #7
    mul     x0, x0, x1
    str     x0, [sp]
    b       go_on                       // the preferred return address is behind the HVC

on_wfi:
    count   AT_WFI
    cmp     x0, #1
    b.ne    1f
    say     "EL2 | the guest waits (WFI): so do we\n"
1:  mrs     x0, s3_4_c12_c12_0          // ICH_LR0_EL2: nothing to wait for while an interrupt is in it
    tbnz    x0, #62, skip_and_go_on
    wfi
    b       skip_and_go_on

on_smc:
    count   AT_SMC
    ldr     x0, [sp]
    ldr     x1, =SYSTEM_OFF
    cmp     x0, x1
    b.eq    the_end
    mov     x0, #-1                     // SMCCC: not supported
    str     x0, [sp]
    b       skip_and_go_on

    // The physical timer interrupt becomes a virtual one: pending, hardware, group 1, the same INTID.
on_irq:
    mrs     x20, s3_0_c12_c12_0         // ICC_IAR1_EL1
    cmp     x20, #TIMER
    b.ne    go_on
    count   AT_IRQ
    msr     s3_0_c12_c12_1, x20         // ICC_EOIR1_EL1: priority drop
    ldr     x0, =(0x7080 << 48 | TIMER << 32 | TIMER)
    msr     s3_4_c12_c12_0, x0          // ICH_LR0_EL2
    isb
    say     "EL2 | timer interrupt 27: into list register 0\n"
    b       go_on

the_end:
    say     "EL2 | the guest powers off. Exits: "
    ldr     x0, [x28, #AT_ABORTS]
    bl      put_decimal
    say     " stage 2 faults, "
    ldr     x0, [x28, #AT_IRQ]
    bl      put_decimal
    say     " interrupts, "
    ldr     x0, [x28, #AT_WFI]
    bl      put_decimal
    say     " WFI, "
    ldr     x0, [x28, #AT_HVC]
    bl      put_decimal
    say     " HVC, "
    ldr     x0, [x28, #AT_SMC]
    bl      put_decimal
    say     " SMC\n"
off:
    ldr     x0, =SYSTEM_OFF
    smc     #0
    b       .

surprise:
    say     "EL2 | exception nobody expected at vector "
    mov     x0, x20
    bl      put_hex
    say     ", ESR_EL2 = "
    mrs     x0, esr_el2
    bl      put_hex
    say     ", ELR_EL2 = "
    mrs     x0, elr_el2
    bl      put_hex
    bl      new_line
    b       off

    .data
    .balign 4096
guest_image:
    .incbin "hello.bin"
    .balign 8
guest_end:

    .bss
    .balign 4096
level1:
    .space  4096
level2:
    .space  4096
variables:
    .space  4096
    .space  4096
stack_top:
    .space  4096
