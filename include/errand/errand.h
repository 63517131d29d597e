#pragma once
/// Background tasks: everything that needs no other library.

#include <errand/attempt.h>
#include <errand/callback.h>
#include <errand/clock.h>
#include <errand/codec.h>
#include <errand/events.h>
#include <errand/handler.h>
#include <errand/log.h>
#include <errand/open.h>
#include <errand/outcome.h>
#include <errand/prepared.h>
#include <errand/queue.h>
#include <errand/queue_options.h>
#include <errand/random.h>
#include <errand/result.h>
#include <errand/retry.h>
#include <errand/schedule.h>
#include <errand/stats.h>
#include <errand/store.h>
#include <errand/task.h>
#include <errand/unique.h>
#include <errand/waiting_line.h>
