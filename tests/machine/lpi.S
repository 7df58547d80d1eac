/* Raises two LPIs through the ITS again and again and takes them; prints "l" after 100. An arm64 Image (header: Linux, "Booting AArch64 Linux"). */
    .equ ITS, 0x08080000
    .equ GICR, 0x080a0000
    .equ TABLES, 0x40900000      // configuration, pending, devices, collections, queue, interrupts: 64K each
    .equ MAPD, 8
    .equ MAPC, 9
    .equ MAPTI, 10
    .equ INT, 3
    b start
    .word 0
    .quad 0
    .quad 0x10000
    .quad 0xa
    .quad 0,0,0
    .ascii "ARM\x64"
    .word 0

    .macro table register, number, flags // a base register: table and flags
    ldr x0, =TABLES + \number * 0x10000 + \flags
    str x0, [x20, #\register]
    .endm
    .macro command code, d1, d2
    mov x0, #\code
    ldr x1, =\d1
    ldr x2, =\d2
    bl issue
    .endm

start:
    ldr x20, =ITS
    ldr x21, =TABLES
    ldr x22, =GICR
    mov x24, #0                  // of the next command
    mov x25, #0                  // LPIs taken
    ldr x0, =0xa3a3a3a3a3a3a3a3  // enabled
    str x0, [x21]
    mov x1, #0x08000000
    mov w0, #0x12
    str w0, [x1]                 // GICD_CTLR
    add x0, x21, #15
    str x0, [x22, #0x70]         // GICR_PROPBASER
    add x0, x21, #0x10000
    str x0, [x22, #0x78]         // GICR_PENDBASER
    mov w0, #1
    str w0, [x22]                // GICR_CTLR.EnableLPIs
    table 0x100, 2, 0x8000000000000200
    table 0x108, 3, 0x8000000000000200
    table 0x80, 4, 0x8000000000000000
    mov w0, #1
    str w0, [x20]                // GITS_CTLR
    mov x0, #0xf8
    msr S3_0_C4_C6_0, x0         // ICC_PMR_EL1
    mov x0, #1
    msr S3_0_C12_C12_7, x0       // ICC_IGRPEN1_EL1
    isb
    command MAPD, 4, TABLES + 0x50000 + 0x8000000000000000
    command MAPC, 0, 0x8000000000000000
    command MAPTI, 0x200000000000, 0
    command MAPTI, 0x200100000001, 0
again:
    command INT, 0, 0
    command INT, 1, 0
    bl take
    bl take
    cmp x25, #100
    b.ne again
    mov x1, #0x09000000
    mov w0, #'l'
    strb w0, [x1]
    b again

issue:                           // x0, x1, x2
    add x3, x21, #0x40000
    add x3, x3, x24
    stp x0, x1, [x3]
    stp x2, xzr, [x3, #16]
    add x24, x24, #32
    and x24, x24, #0xfff
    dsb sy
    str x24, [x20, #0x88]        // GITS_CWRITER
    ret
take:
    mrs x0, S3_0_C12_C12_0       // ICC_IAR1_EL1
    lsr x1, x0, #1
    cmp x1, #8192 / 2
    cinc x25, x25, eq
    msr S3_0_C12_C12_1, x0       // ICC_EOIR1_EL1
    isb
    ret
