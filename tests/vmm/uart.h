/* An 8250-style UART whose transmitter is always empty; output goes to standard output a line at a time. */
#pragma once

#include <stdint.h>

typedef struct {
    uint8_t ier, lcr, mcr, scr, dll, dlm, thri;
    int at_start;     /* the next byte begins a line */
    const char *mark; /* printed before each line; NULL: nothing */
} Uart;

uint8_t uart_read(Uart *u, unsigned reg);
void uart_write(Uart *u, unsigned reg, uint8_t value);
/* Level of the interrupt line: transmitter empty, when asked for. */
int uart_irq(const Uart *u);
