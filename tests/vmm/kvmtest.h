/* The subjects of kvmtest. Each makes its own virtual machines and reports through check(). */
#pragma once

void test_dirty(void);     /* the dirty bitmap, page for page, both ways of clearing it */
void test_slots(void);     /* memory slots removed, added again and replaced while vCPUs run */
void test_sizes(void);     /* memory of 4K, 2M and 1G pages: how many faults, and writes under dirty logging */
void test_sizes_2m(void);  /* the same in a host that maps no more than 2M at once */
void test_debug(void);     /* breakpoints, watchpoints, steps and BRK of KVM_SET_GUEST_DEBUG */
void test_its(void);       /* LPIs of the virtual ITS: commands, messages of the monitor, saved tables */
void test_protected(void); /* life of a protected VM: share, unshare, forbidden access, end */
void test_cost(void);      /* rates of hypercalls and of loads that the monitor answers */
