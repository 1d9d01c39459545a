/* rand.c - xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2018), seeded through SplitMix64 as its authors advise.
 *
 * Contract: a pure function of the state.  Integers and rand_unit are the same on every machine;
 * rand_normal and rand_exponential use log and sqrt of libm, which agree to the last bit among
 * machines with the same libm. */
#include "base/rand.h"

#include <assert.h>
#include <math.h>

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void rand_init(struct rand *rand, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rand->state[i] = z ^ (z >> 31);
    }
}

uint64_t rand_u64(struct rand *rand)
{
    uint64_t *s = rand->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *rand, uint64_t limit)
{
    assert(limit > 0);
    /* The lowest 2^64 mod limit values would make small results more likely: refuse them. */
    uint64_t threshold = (0 - limit) % limit;
    uint64_t x;
    do
        x = rand_u64(rand);
    while (x < threshold);
    return x % limit;
}

double rand_unit(struct rand *rand)
{
    return (double)(rand_u64(rand) >> 11) * 0x1.0p-53;
}

/* The polar method (Marsaglia and Bray 1964); the second number is not kept, so that the state is
 * the generator's alone. */
double rand_normal(struct rand *rand)
{
    double u, v, s;
    do {
        u = 2.0 * rand_unit(rand) - 1.0;
        v = 2.0 * rand_unit(rand) - 1.0;
        s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    return u * sqrt(-2.0 * log(s) / s);
}

double rand_exponential(struct rand *rand, double mean)
{
    return -mean * log(1.0 - rand_unit(rand));
}
