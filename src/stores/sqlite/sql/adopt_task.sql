-- A task as another store kept it.
-- 1 id, 2 queue, 3 kind, 4 state, 5 priority, 6 run_at, 7 aside, 8 payload, 9 content_type, 10 created_at, 11 attempts,
-- 12 crashes, 13 max_attempts, 14 retry, 15 timeout_ns, 16 max_elapsed_ns, 17 expires_at, 18 ephemeral, 19 name,
-- 20 tags, 21 metadata, 22 unique_key, 23 unique_states, 24 unique_until, 25 unique_held, 26 first_started_at,
-- 27 started_at, 28 finished_at, 29 prune_at, 30 last_error, 31 last_error_code, 32 history, 33 output, 34 output_type,
-- 35 progress_done, 36 progress_total, 37 progress_note, 38 log, 39 schedule, 40 slot: the columns, in their order.
insert into tasks
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
        ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40);
