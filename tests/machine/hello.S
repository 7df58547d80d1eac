/* Prints a line, touches the device tree, powers off. An arm64 Image (header: Linux, "Booting AArch64 Linux"). */
    b start
    .word 0
    .quad 0          // text_offset
    .quad 0x10000    // image_size
    .quad 0xa        // flags
    .quad 0,0,0
    .ascii "ARM\x64"
    .word 0
start:
    mov x20, x0
    mov x21, #0x09000000
    adr x2, msg
1:  ldrb w3, [x2], #1
    cbz w3, 2f
    strb w3, [x21]
    b 1b
2:  ldr w4, [x20]            // first byte of the tree: d0 0d fe ed
    mov x0, #0x8
    movk x0, #0x8400, lsl #16
    smc #0
    b .
msg: .asciz "hello\n"
