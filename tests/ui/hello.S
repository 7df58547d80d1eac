/* Prints a line on the PL011 at 0x09000000, then sleeps for ever. */
        .globl  _start
_start: adr     x1, text
        mov     x2, #0x09000000
1:      ldrb    w0, [x1], #1
        cbz     w0, 2f
        str     w0, [x2]
        b       1b
2:      wfi
        b       2b
text:   .asciz  "Armillary draws this.\r\n"
