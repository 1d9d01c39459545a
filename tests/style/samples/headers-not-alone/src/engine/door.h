#ifndef SAMPLE_DOOR_H
#define SAMPLE_DOOR_H

size_t door_open(void);

#endif
