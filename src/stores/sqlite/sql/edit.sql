-- A waiting task; null leaves a column as it is. 1 id, 2 priority, 3 payload, 4 run_at, 5 state, if it was no retry
update errand_enqueued
set priority = coalesce(?2, priority), payload = coalesce(?3, payload), run_at = coalesce(?4, run_at),
    state = case when ?5 is null or state = 'retryable' then state else ?5 end
where id = ?1;
