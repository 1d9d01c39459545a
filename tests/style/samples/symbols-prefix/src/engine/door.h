#ifndef SAMPLE_DOOR_H
#define SAMPLE_DOOR_H

int door_open(void);

#endif
