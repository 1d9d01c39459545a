/* rand.h - seeded numbers for engines (xoshiro256**, Blackman and Vigna 2018), and random ids.
 * Same seed, same sequence, on every machine. */
#ifndef SWAN_BASE_RAND_H
#define SWAN_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rand {
    uint64_t state[4];
};

void rand_init(struct rand *rand, uint64_t seed);
uint64_t rand_u64(struct rand *rand);
uint64_t rand_below(struct rand *rand, uint64_t limit); /* 0…limit-1, unbiased; limit > 0 */
double rand_unit(struct rand *rand);                    /* [0,1) */
double rand_normal(struct rand *rand);
double rand_exponential(struct rand *rand, double mean);

#endif
