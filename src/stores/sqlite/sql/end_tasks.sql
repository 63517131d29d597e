-- Tasks have ended.
-- 1 id, 2 state, 3 attempts, 4 crashes, 5 started_at, 6 finished_at, 7 prune_at, 8 output, 9 output_type, 10 last_error,
-- 11 last_error_code. Fail: as in add_tasks.sql.
insert or fail into errand_ended (id, state, attempts, crashes, started_at, finished_at, prune_at, output, output_type,
                                  last_error, last_error_code)
select c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 from errand_given;
