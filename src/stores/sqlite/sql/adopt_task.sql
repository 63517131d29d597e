-- A task as another store kept it; its end and its ties go into their own tables.
-- 1 id, 2 queue, 3 kind, 4 state, 5 priority, 6 run_at, 7 payload, 8 content_type, 9 created_at, 10 max_attempts,
-- 11 tied, 12 aside, 13 retry, 14 timeout_ns, 15 max_elapsed_ns, 16 ephemeral, 17 name, 18 tags, 19 metadata,
-- 20 attempts, 21 crashes, 22 first_started_at, 23 started_at, 24 last_error, 25 last_error_code, 26 history,
-- 27 progress_done, 28 progress_total, 29 progress_note, 30 log: the columns, in their order.
insert into errand_enqueued
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
        ?25, ?26, ?27, ?28, ?29, ?30);
