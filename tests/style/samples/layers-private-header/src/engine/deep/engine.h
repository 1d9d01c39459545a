#ifndef SAMPLE_ENGINE_H
#define SAMPLE_ENGINE_H

int engine_run(const char *text);

#endif
