-- A task has ended.
-- 1 id, 2 state, 3 attempts, 4 crashes, 5 started_at, 6 finished_at, 7 prune_at, 8 output, 9 output_type, 10 last_error,
-- 11 last_error_code.
insert into errand_ended (id, state, attempts, crashes, started_at, finished_at, prune_at, output, output_type,
                          last_error, last_error_code)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);
