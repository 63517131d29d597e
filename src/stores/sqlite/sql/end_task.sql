-- A claimed task is over.
-- 1 id, 2 state, 3 the state's bit, 4 attempts, 5 crashes, 6 started_at, 7 finished_at, 8 prune_at, 9 output,
-- 10 output_type, 11 last_error, 12 last_error_code
update tasks
set state = ?2, attempts = ?4, crashes = ?5, started_at = coalesce(?6, started_at),
    first_started_at = coalesce(first_started_at, ?6), finished_at = ?7, prune_at = ?8, output = ?9, output_type = ?10,
    last_error = coalesce(?11, last_error), last_error_code = coalesce(?12, last_error_code),
    unique_held = case when unique_states & ?3 then unique_held end
where id = ?1;
