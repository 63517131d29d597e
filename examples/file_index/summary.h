#pragma once
// What is printed at the end.

#include <errand/clock.h>

#include "index.h"
#include "indexer.h"

void print_summary(const Index& index, const Indexer& indexer, const Options& options, errand::Duration took);
