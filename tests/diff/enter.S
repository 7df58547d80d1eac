/* Loads every register from `context`, jumps to the case, and stores every register back. Offsets are those of Context. */
        .set    SP_, 248
        .set    NZCV_, 256
        .set    FPCR_, 264
        .set    FPSR_, 272
        .set    V_, 280
        .set    END_, 280 + 512
        .set    HOST_SP_, END_ + 8
        .set    TARGET_, END_ + 16
        .text
        .globl  _start, enter, leave_next, leave_skip, resume, restorer
_start: adrp    x0, stack_top
        add     x0, x0, :lo12:stack_top
        mov     sp, x0
        bl      start_c
        brk     #0

enter:  stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        adrp    x0, context
        add     x0, x0, :lo12:context
        mov     x1, sp
        str     x1, [x0, #HOST_SP_]
        add     x1, x0, #V_
        ldp     q0, q1, [x1], #32
        ldp     q2, q3, [x1], #32
        ldp     q4, q5, [x1], #32
        ldp     q6, q7, [x1], #32
        ldp     q8, q9, [x1], #32
        ldp     q10, q11, [x1], #32
        ldp     q12, q13, [x1], #32
        ldp     q14, q15, [x1], #32
        ldp     q16, q17, [x1], #32
        ldp     q18, q19, [x1], #32
        ldp     q20, q21, [x1], #32
        ldp     q22, q23, [x1], #32
        ldp     q24, q25, [x1], #32
        ldp     q26, q27, [x1], #32
        ldp     q28, q29, [x1], #32
        ldp     q30, q31, [x1], #32
        ldr     x1, [x0, #FPCR_]
        msr     fpcr, x1
        ldr     x1, [x0, #FPSR_]
        msr     fpsr, x1
        ldr     x1, [x0, #NZCV_]
        msr     nzcv, x1
        ldr     x1, [x0, #SP_]
        mov     sp, x1
        ldr     x1, [x0]
        msr     tpidr_el0, x1           // the slot begins with mrs x0, tpidr_el0
        ldr     x1, [x0, #8]
        ldp     x2, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x7, [x0, #48]
        ldp     x8, x9, [x0, #64]
        ldp     x10, x11, [x0, #80]
        ldp     x12, x13, [x0, #96]
        ldp     x14, x15, [x0, #112]
        ldp     x16, x17, [x0, #128]
        ldp     x18, x19, [x0, #144]
        ldp     x20, x21, [x0, #160]
        ldp     x22, x23, [x0, #176]
        ldp     x24, x25, [x0, #192]
        ldp     x26, x27, [x0, #208]
        ldp     x28, x29, [x0, #224]
        ldr     x30, [x0, #240]
        ldr     x0, [x0, #TARGET_]
        br      x0

/* Reached with x0 saved in TPIDR_EL0 and x0 = this address. */
leave_skip:
        adrp    x0, context
        add     x0, x0, :lo12:context
        str     x1, [x0, #8]
        mov     x1, #1
        b       save
leave_next:
        adrp    x0, context
        add     x0, x0, :lo12:context
        str     x1, [x0, #8]
        mov     x1, #0
save:   str     x1, [x0, #END_]
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        str     x30, [x0, #240]
        mrs     x1, tpidr_el0
        str     x1, [x0]
        mov     x1, sp
        str     x1, [x0, #SP_]
        mrs     x1, nzcv
        str     x1, [x0, #NZCV_]
        mrs     x1, fpcr
        str     x1, [x0, #FPCR_]
        mrs     x1, fpsr
        str     x1, [x0, #FPSR_]
        add     x1, x0, #V_
        stp     q0, q1, [x1], #32
        stp     q2, q3, [x1], #32
        stp     q4, q5, [x1], #32
        stp     q6, q7, [x1], #32
        stp     q8, q9, [x1], #32
        stp     q10, q11, [x1], #32
        stp     q12, q13, [x1], #32
        stp     q14, q15, [x1], #32
        stp     q16, q17, [x1], #32
        stp     q18, q19, [x1], #32
        stp     q20, q21, [x1], #32
        stp     q22, q23, [x1], #32
        stp     q24, q25, [x1], #32
        stp     q26, q27, [x1], #32
        stp     q28, q29, [x1], #32
        stp     q30, q31, [x1], #32
        ldr     x1, [x0, #HOST_SP_]
        mov     sp, x1
resume: msr     fpcr, xzr
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

restorer:
        mov     x8, #139                // rt_sigreturn
        svc     #0

        .bss
        .balign 16
        .space  65536
stack_top:
