#ifndef SAMPLE_MEM_PRIV_H
#define SAMPLE_MEM_PRIV_H

#define MEM_LIMIT 1

#endif
