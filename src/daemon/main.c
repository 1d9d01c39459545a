/* main.c - the program `swan`: hands the command line to cli; `swan serve` wires the house. */
#include <stdio.h>

int main(void)
{
    puts("swan");
    return 0;
}
