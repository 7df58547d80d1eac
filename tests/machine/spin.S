/* Walks over memory for ever. An arm64 Image (header: Linux, "Booting AArch64 Linux"). */
    b start
    .word 0
    .quad 0
    .quad 0x10000
    .quad 0xa
    .quad 0,0,0
    .ascii "ARM\x64"
    .word 0
start:                       // a pseudo-random walk over memory and registers, for ever
    adr x1, start
    add x1, x1, #0x1000
    mov x2, #0x1234
1:  eor x2, x2, x2, lsl #13
    eor x2, x2, x2, lsr #7
    eor x2, x2, x2, lsl #17
    and x3, x2, #0x7ff8
    ldr x4, [x1, x3]
    add x4, x4, x2
    str x4, [x1, x3]
    mrs x5, cntpct_el0
    add x6, x6, x5
    b 1b
