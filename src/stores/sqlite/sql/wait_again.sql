-- A claimed task waits again.
-- 1 id, 2 state, 3 attempts, 4 crashes, 5 started_at, 6 run_at, 7 last_error, 8 last_error_code
update errand_enqueued
set state = ?2, attempts = ?3, crashes = ?4, started_at = coalesce(?5, started_at),
    first_started_at = coalesce(first_started_at, ?5), run_at = ?6, last_error = coalesce(?7, last_error),
    last_error_code = coalesce(?8, last_error_code)
where id = ?1;
