#include "kvmtest.h"
void test_protected(void) {}
