/* Starts every vCPU there is; each counts itself and goes off; prints how many. An arm64 Image (header: Linux, "Booting AArch64 Linux"). */
    b start
    .word 0
    .quad 0
    .quad 0x10000
    .quad 0xa
    .quad 0,0,0
    .ascii "ARM\x64"
    .word 0
start:                       // starts vCPUs until one is missing, waits until each has counted itself
    mov x19, #0
    adr x22, counter
1:  add x19, x19, #1
    mov x0, #3
    movk x0, #0xc400, lsl #16
    and x1, x19, #15
    lsr x2, x19, #4
    orr x1, x1, x2, lsl #8
    adr x2, other
    mov x3, x22
    smc #0
    cbz x0, 1b
    sub x19, x19, #1         // others started
2:  ldxr w4, [x22]
    cmp w4, w19
    b.eq 3f
    wfe
    b 2b
3:  mov x21, #0x09000000
    add w4, w4, #48
    strb w4, [x21]
    mov x0, #8
    movk x0, #0x8400, lsl #16
    smc #0
    b .
other:                       // x0 = counter
    mov w5, #1000
4:  subs w5, w5, #1
    b.ne 4b
5:  ldaxr w6, [x0]
    add w6, w6, #1
    stlxr w7, w6, [x0]
    cbnz w7, 5b
    mov x0, #2
    movk x0, #0x8400, lsl #16
    smc #0                   // CPU_OFF
    b .
counter: .word 0
