/*
 * The guest of kvmtest: does what a mailbox tells it, with both its MMU stages' first off. Position independent; starts with
 * x0 = address of its mailbox, a page without memory, so each access to it is an exit with the value. tests/vmm/tiny.h has the commands.
 */
    .section .rodata
    .balign 2048
    .global agent_code, agent_end, agent_store, agent_load, agent_done
agent_code:
    mov x19, x0
    adr x1, vectors
    msr vbar_el1, x1
    isb
loop:
    ldr x9, [x19]
    ldr x0, [x19, #8]
    ldr x1, [x19, #16]
    ldr x2, [x19, #24]
    ldr x3, [x19, #32]
    cmp x9, #1
    b.eq store
    cmp x9, #2
    b.eq load
    cmp x9, #3
    b.eq step
    cmp x9, #4
    b.eq call
    cmp x9, #5
    b.eq count
    cmp x9, #6
    b.eq store_word
    cmp x9, #7
    b.eq load_word
    cmp x9, #8
    b.eq open_interface
    cmp x9, #9
    b.eq acknowledge
    cmp x9, #10
    b.eq end_interrupt
    cmp x9, #11
    b.eq calls
    cmp x9, #12
    b.eq loads
    mov x0, #-1
    b done
agent_store:
store:                          /* x1 to address x0 */
    str x1, [x0]
    b done
agent_load:
load:
    ldr x0, [x0]
    b done
step:                           /* x1 words from address x0, x2 apart: x3, x3 + 1, ... */
    cbz x1, done
1:  str x3, [x0]
    add x0, x0, x2
    add x3, x3, #1
    subs x1, x1, #1
    b.ne 1b
    b done
call:                           /* firmware or hypervisor call x0 with x1, x2, x3 */
    hvc #0
    b done
count:                          /* adds 1 to the word at x0, x1 times, through memory each time */
    ldr x2, [x0]
    add x2, x2, #1
    str x2, [x0]
    subs x1, x1, #1
    b.ne count
    mov x0, x2
    b done
store_word:                     /* 32 bits of x1 to address x0 */
    str w1, [x0]
    b done
load_word:
    ldr w0, [x0]
    b done
open_interface:                 /* interrupts of group 1 with a priority above x0; they stay masked */
    msr S3_0_C4_C6_0, x0        // ICC_PMR_EL1
    mov x0, #1
    msr S3_0_C12_C12_7, x0      // ICC_IGRPEN1_EL1
    isb
    b done
acknowledge:
    mrs x0, S3_0_C12_C12_0      // ICC_IAR1_EL1
    dsb sy
    b done
end_interrupt:                  /* that x0 is the number of */
    msr S3_0_C12_C12_1, x0      // ICC_EOIR1_EL1
    isb
    b done
calls:                          /* call x0, x1 times */
    mov x20, x0
    mov x21, x1
1:  mov x0, x20
    hvc #0
    subs x21, x21, #1
    b.ne 1b
    b done
loads:                          /* from address x0, x1 times */
    ldr x2, [x0]
    subs x1, x1, #1
    b.ne loads
    mov x0, x2
agent_done:
done:
    str x0, [x19, #40]
    b loop

    .balign 2048
vectors:
    .rept 16
    .balign 128
    mrs x10, far_el1
    str x10, [x19, #48]
    mrs x10, esr_el1
    str x10, [x19, #56]
    mrs x10, elr_el1            /* goes on behind it, with ~0 as the result of a load */
    add x10, x10, #4
    msr elr_el1, x10
    mov x0, #-1
    eret
    .endr
agent_end:
