#include "uart.h"

#include <stdio.h>

enum { THR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

/* Whole lines in one write: another program's output must not come in between. */
static void put(Uart *u, uint8_t value)
{
    if (u->at_start && value != '\r') {
        fputs(u->mark ? u->mark : "", stdout);
        u->at_start = 0;
    }
    putchar(value);
    if (value == '\n') {
        fflush(stdout);
        u->at_start = 1;
    }
}

int uart_irq(const Uart *u)
{
    return (u->ier & 2) && u->thri;
}

uint8_t uart_read(Uart *u, unsigned reg)
{
    const int latch = u->lcr & 0x80;
    uint8_t iir;
    switch (reg) {
    case THR: return latch ? u->dll : 0;
    case IER: return latch ? u->dlm : u->ier;
    case IIR:
        iir = uart_irq(u) ? 2 : 1;
        u->thri = 0; /* reading it acknowledges "transmitter empty" */
        return iir;
    case LCR: return u->lcr;
    case MCR: return u->mcr;
    case LSR: return 0x60;
    case MSR: return 0xb0;
    default: return u->scr;
    }
}

void uart_write(Uart *u, unsigned reg, uint8_t value)
{
    const int latch = u->lcr & 0x80;
    switch (reg) {
    case THR:
        if (latch) {
            u->dll = value;
        } else {
            put(u, value);
            u->thri = 1;
        }
        break;
    case IER:
        if (latch) {
            u->dlm = value;
        } else {
            u->thri |= (value & 2) && !(u->ier & 2);
            u->ier = value & 15;
        }
        break;
    case LCR: u->lcr = value; break;
    case MCR: u->mcr = value; break;
    case SCR: u->scr = value; break;
    default: break;
    }
}
