// What the built-in guests share: text on the PL011. Clobbers x0 to x8.

    .equ UART, 0x09000000

    // say "text": prints it. line "text": and ends the line.
    .macro  say text
    adr     x0, text_\@
    bl      puts
    .pushsection .rodata
text_\@: .asciz "\text"
    .popsection
    .endm

    .macro  show name, register
    say     "\name = "
    mrs     x0, \register
    bl      put_hex
    bl      new_line
    .endm

    .section .text.print, "ax"
    // x0: bytes up to a zero
puts:
    mov     x8, x30
    mov     x7, x0
1:  ldrb    w0, [x7], #1
    cbz     w0, 2f
    bl      put_char
    b       1b
2:  mov     x30, x8
    ret

new_line:
    mov     w0, #'\n'
put_char:
    mov     x1, #UART
1:  ldr     w2, [x1, #0x18]
    tbnz    w2, #5, 1b
    strb    w0, [x1]
    ret

    // x0 as 0x and as few digits as it takes
put_hex:
    mov     x8, x30
    mov     x7, x0
    mov     w0, #'0'
    bl      put_char
    mov     w0, #'x'
    bl      put_char
    orr     x3, x7, #1
    clz     x3, x3
    mov     x4, #60
    and     x3, x3, #0x3c
    sub     x4, x4, x3
1:  lsr     x0, x7, x4
    and     w0, w0, #15
    cmp     w0, #10
    add     w5, w0, #'0'
    add     w6, w0, #('a' - 10)
    csel    w0, w5, w6, lo
    bl      put_char
    subs    x4, x4, #4
    b.pl    1b
    mov     x30, x8
    ret

    // x0 in decimal
put_decimal:
    mov     x8, x30
    mov     x3, #10
    mov     x4, #0                      // digits, of which x5 holds a nibble each: at most 16
    mov     x5, #0
1:  udiv    x6, x0, x3
    msub    x7, x6, x3, x0
    orr     x5, x7, x5, lsl #4
    add     x4, x4, #1
    mov     x0, x6
    cbnz    x0, 1b
2:  and     w0, w5, #15
    add     w0, w0, #'0'
    bl      put_char
    lsr     x5, x5, #4
    subs    x4, x4, #1
    b.ne    2b
    mov     x30, x8
    ret
